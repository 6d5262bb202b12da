import { Injectable } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { SluiceError } from '../kernel/errors.js';
import { AuthService } from './auth.service.js';
import { grants, PUBLIC_ROUTE, REQUIRED_SCOPE } from './scope.js';
import type { Principal, PrincipalCarrier, Scope } from './scope.js';
import type { IncomingRequest } from './session.js';
import { SessionService } from './session.service.js';

type Incoming = IncomingRequest & PrincipalCarrier;

/** Every request of the control plane passes here: a key with the scope of the route, or a public route. */
@Injectable()
export class ScopeGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly auth: AuthService,
    private readonly sessions: SessionService,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const target = [context.getHandler(), context.getClass()];
    if (this.reflector.getAllAndOverride<boolean | undefined>(PUBLIC_ROUTE, target) === true) {
      return true;
    }
    const needed = this.reflector.getAllAndOverride<Scope | undefined>(REQUIRED_SCOPE, target);
    // the boot check refuses such a route; a guard that is asked anyway denies
    if (needed === undefined) throw new SluiceError('forbidden', 'this route has no scope');
    const request = context.switchToHttp().getRequest<Incoming>();
    const principal = await this.#principalOf(request);
    if (!grants(principal.scopes, needed)) {
      throw new SluiceError('forbidden', `this needs the scope ${needed}`, [
        {
          field: 'authorization',
          given: principal.scopes.join(', '),
          expected: needed,
          advice: 'use a key with this scope: POST /api/v1/keys makes one',
        },
      ]);
    }
    request.principal = principal;
    return true;
  }

  /** By the key in the header; else by the session of a browser; a header that is there and wrong stays wrong. */
  async #principalOf(request: Incoming): Promise<Principal> {
    if (request.headers['authorization'] === undefined) {
      const signedIn = await this.sessions.principalOf(request);
      if (signedIn !== null) return signedIn;
    }
    const principal = await this.auth.authenticate(bearerOf(request));
    if (principal === null) throw unauthorized('the key is unknown or revoked');
    return principal;
  }
}

function bearerOf(request: Incoming): string {
  const header = request.headers['authorization'];
  const match = typeof header === 'string' ? /^bearer +(\S+) *$/i.exec(header) : null;
  if (match?.[1] === undefined) throw unauthorized('a key is needed');
  return match[1];
}

function unauthorized(message: string): SluiceError {
  return new SluiceError('unauthorized', message, [
    {
      field: 'authorization',
      expected: 'Bearer <key>',
      advice: 'send the key that the first start printed, or one from POST /api/v1/keys',
    },
  ]);
}
