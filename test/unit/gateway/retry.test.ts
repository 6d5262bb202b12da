import { fc } from '../../support/property.js';
import { describe, expect, it } from 'vitest';
import {
  afterRequest,
  afterRetry,
  FULL_BUDGET,
  mayRetry,
  type Failure,
} from '../../../src/gateway/retry.js';

const once = { retries: 0, method: 'POST', idempotent: false };

function failure(kind: Failure['kind'], sent: boolean): Failure {
  return { kind, sent, detail: '' };
}

describe('a retry', () => {
  it('is allowed when nothing was sent', () => {
    expect(mayRetry(failure('connect', false), once)).toBe(true);
  });

  it('is not allowed once a POST was sent', () => {
    expect(mayRetry(failure('broken', true), once)).toBe(false);
  });

  it.each(['GET', 'HEAD', 'OPTIONS'])('is allowed for %s, which is safe to repeat', (method) => {
    expect(mayRetry(failure('broken', true), { ...once, method })).toBe(true);
  });

  it.each(['POST', 'PUT', 'PATCH', 'DELETE'])(
    'is allowed for %s only if the model is idempotent',
    (method) => {
      expect(mayRetry(failure('broken', true), { ...once, method })).toBe(false);
      expect(mayRetry(failure('broken', true), { ...once, method, idempotent: true })).toBe(true);
    },
  );

  it('is never allowed after a time-out, nor twice', () => {
    const easy = { retries: 0, method: 'GET', idempotent: true };
    expect(mayRetry(failure('timeout', false), easy)).toBe(false);
    expect(mayRetry(failure('connect', false), { ...easy, retries: 1 })).toBe(false);
  });
});

describe('the retry budget', () => {
  it('never lets more than a fifth of the requests be retried, beyond the first ten', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 2_000 }), (wantsRetry) => {
        let budget = FULL_BUDGET;
        let retries = 0;
        wantsRetry.forEach((wants, index) => {
          budget = afterRequest(budget);
          const left = wants ? afterRetry(budget) : null;
          if (left !== null) {
            budget = left;
            retries++;
          }
          expect(retries).toBeLessThanOrEqual(10 + 0.2 * (index + 1) + 1e-9);
          expect(budget.tokens).toBeGreaterThanOrEqual(0);
          expect(budget.tokens).toBeLessThanOrEqual(10);
        });
      }),
    );
  });

  it('comes back: five requests earn one retry', () => {
    let budget = { tokens: 0 };
    for (let i = 0; i < 4; i++) budget = afterRequest(budget);
    expect(afterRetry(budget)).toBeNull();
    expect(afterRetry(afterRequest({ tokens: budget.tokens + 1e-9 }))).not.toBeNull();
  });
});
