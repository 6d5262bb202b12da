import type { IncomingHttpHeaders } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import { SecretsService } from '../auth/secrets.service.js';
import { CONFIG } from '../config/config.js';
import type { Config } from '../config/config.js';
import type { LivePlan } from './live-plan.js';
import type { Problem } from './problem.js';

/** What a caller may do, as far as its key says. */
export interface Admission {
  readonly refusal: Problem | null;
  /** The version that the caller asks for, if it may choose one. */
  readonly override: string | null;
}

const OPEN: Admission = { refusal: null, override: null };

/** Decides from the keys in the plan alone; no database is asked while a request waits. */
@Injectable()
export class Gatekeeper {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly secrets: SecretsService,
  ) {}

  admit(headers: IncomingHttpHeaders, plan: LivePlan): Admission {
    const wanted = single(headers['x-sluice-override']);
    const needsKey = this.config.gatewayAuth === 'key';
    if (!needsKey && wanted === null) return OPEN;
    const scopes = this.#scopesOf(single(headers['x-sluice-key']), plan);
    if (needsKey && scopes === null) return refused(401, 'unauthorized', 'x-sluice-key is no key');
    if (needsKey && scopes?.includes('predict') !== true) {
      return refused(403, 'forbidden', 'the key lacks the scope predict');
    }
    return scopes?.includes('predict:override') === true
      ? { refusal: null, override: wanted }
      : OPEN;
  }

  #scopesOf(key: string | null, plan: LivePlan): readonly string[] | null {
    if (key === null || plan.keys.size === 0) return null;
    return plan.keys.get(this.secrets.hash(key))?.scopes ?? null;
  }
}

function single(value: string | string[] | undefined): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function refused(status: number, code: string, detail: string): Admission {
  return { refusal: { status, code, detail }, override: null };
}
