import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { PrincipalCarrier } from '../auth/scope.js';
import { CONFIG } from '../config/config.js';
import type { Config } from '../config/config.js';
import { SluiceError } from '../kernel/errors.js';
import { KeyLimits } from '../load/key-limits.js';

/** So many posts of outcomes per second and key, once the key is known. */
@Injectable()
export class OutcomeRateGuard implements CanActivate {
  readonly #limits: KeyLimits;

  constructor(@Inject(CONFIG) config: Pick<Config, 'outcomePostsPerSecond'>) {
    this.#limits = new KeyLimits(config.outcomePostsPerSecond);
  }

  canActivate(context: ExecutionContext): boolean {
    const { principal } = context.switchToHttp().getRequest<PrincipalCarrier>();
    if (principal === undefined) return true;
    const retryAfterS = this.#limits.take(principal.id, performance.now());
    if (retryAfterS === 0) return true;
    throw new SluiceError(
      'rate_limited',
      `the key ${principal.name} posts outcomes too often`,
      [
        {
          field: 'authorization',
          given: principal.name,
          expected: `at most ${this.#limits.perSecond} posts of outcomes per second`,
          advice:
            'put more outcomes into one post, as lines as many as you like; SLUICE_OUTCOME_POSTS_PER_SECOND is the limit',
        },
      ],
      { retryAfterS },
    );
  }
}
