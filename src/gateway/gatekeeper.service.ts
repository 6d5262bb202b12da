import { Inject, Injectable } from '@nestjs/common';
import { SecretsService } from '../auth/secrets.service.js';
import { CONFIG } from '../config/config.js';
import type { Config } from '../config/config.js';
import { KeyLimits } from '../load/key-limits.js';
import type { PlanKey } from '../routing/plan.js';
import type { RequestHeaders } from './caller-request.js';
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
  readonly #limits: KeyLimits;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly secrets: SecretsService,
  ) {
    this.#limits = new KeyLimits(config.predictionsPerSecond);
  }

  admit(headers: RequestHeaders, plan: LivePlan): Admission {
    const wanted = given(headers, 'x-sluice-override');
    const needsKey = this.config.gatewayAuth === 'key';
    const sent = given(headers, 'x-sluice-key');
    // who sends no key cannot be told from others: where that is allowed, the bound on all of them holds
    const isLimited = this.#limits.isOn && sent !== null;
    if (!needsKey && wanted === null && !isLimited) return OPEN;
    const key = this.#keyOf(sent, plan);
    const scopes = key?.scopes ?? null;
    if (needsKey && scopes === null) return refused(401, 'unauthorized', 'x-sluice-key is no key');
    if (needsKey && scopes?.includes('predict') !== true) {
      return refused(403, 'forbidden', 'the key lacks the scope predict');
    }
    const retryAfterS = key === null ? 0 : this.#limits.take(key.id, performance.now());
    if (retryAfterS > 0) return this.#tooMany(retryAfterS);
    return scopes?.includes('predict:override') === true
      ? { refusal: null, override: wanted }
      : OPEN;
  }

  #keyOf(key: string | null, plan: LivePlan): PlanKey | null {
    if (key === null || plan.keys.size === 0) return null;
    return plan.keys.get(this.secrets.hash(key)) ?? null;
  }

  #tooMany(retryAfterS: number): Admission {
    const detail = `this key may send ${this.#limits.perSecond} predictions per second`;
    const refusal = { status: 429, code: 'rate_limited', detail, retryAfterS };
    return { refusal, override: null };
  }
}

/** A header that says something; null: none does. */
function given(headers: RequestHeaders, name: string): string | null {
  const value = headers.get(name);
  return value === undefined || value === '' ? null : value;
}

function refused(status: number, code: string, detail: string): Admission {
  return { refusal: { status, code, detail }, override: null };
}
