import { Injectable } from '@nestjs/common';
import { systemClock } from '../kernel/clock.js';
import { SluiceError } from '../kernel/errors.js';
import { AuthService } from './auth.service.js';
import type { Principal } from './scope.js';
import { SecretsService } from './secrets.service.js';
import {
  type IncomingRequest,
  isOwnOrigin,
  parseSession,
  sealedSessionIn,
  SESSION_MS,
  sessionCookie,
} from './session.js';

/**
 * Sessions of the console: the key itself, sealed, in a cookie. Nothing is stored, every process of an installation
 * understands it, and a revoked key ends its sessions within the same second as everything else.
 */
@Injectable()
export class SessionService {
  constructor(
    private readonly auth: AuthService,
    private readonly secrets: SecretsService,
  ) {}

  /** Throws `forbidden` for a page of another origin and `unauthorized` for an unknown or revoked key. */
  async open(
    request: IncomingRequest,
    key: string,
  ): Promise<{ readonly principal: Principal; readonly cookie: string }> {
    refuseOtherOrigins(request);
    const principal = await this.auth.authenticate(key);
    if (principal === null) {
      throw new SluiceError('unauthorized', 'the key is unknown or revoked', [
        { field: '/key', expected: 'the text of a key that has not been revoked' },
      ]);
    }
    const content = { key, untilMs: systemClock.nowMs() + SESSION_MS };
    const sealed = this.secrets.sealSession(JSON.stringify(content));
    return { principal, cookie: sessionCookie(request, sealed) };
  }

  /** The cookie that ends a session in the browser. */
  close(request: IncomingRequest): string {
    refuseOtherOrigins(request);
    return sessionCookie(request, null);
  }

  /** Null without a session that still holds. Throws `forbidden` when another site's page makes the request. */
  async principalOf(request: IncomingRequest): Promise<Principal | null> {
    const sealed = sealedSessionIn(request);
    if (sealed === null) return null;
    refuseOtherOrigins(request);
    const text = this.secrets.unsealSession(sealed);
    const content = text === null ? null : parseSession(text);
    if (content === null || content.untilMs < systemClock.nowMs()) return null;
    return this.auth.authenticate(content.key);
  }
}

function refuseOtherOrigins(request: IncomingRequest): void {
  if (isOwnOrigin(request)) return;
  throw new SluiceError('forbidden', 'a session is used by the console of this server alone', [
    {
      field: 'origin',
      given: request.headers['origin'],
      expected: `a page of ${String(request.headers['host'])}`,
      advice: 'programs send a key: authorization: Bearer <key>',
    },
  ]);
}
