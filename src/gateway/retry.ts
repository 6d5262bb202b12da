/** Share of requests that may be retried: a failing upstream gets at most a fifth more load. */
const BUDGET_SHARE = 0.2;
/** Retries that may come at once after a quiet time. */
const BUDGET_MAX = 10;

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY']);

/** Why an attempt brought no answer, and whether its request may have reached the upstream. */
export interface Failure {
  readonly kind: 'timeout' | 'connect' | 'broken';
  readonly sent: boolean;
  readonly detail: string;
}

/** Tokens of a model's retry budget; each request adds a fifth of one, each retry takes one. */
export interface RetryBudget {
  readonly tokens: number;
}

export const FULL_BUDGET: RetryBudget = { tokens: BUDGET_MAX };

/** The budget after one more request. */
export function afterRequest(budget: RetryBudget): RetryBudget {
  return budget.tokens >= BUDGET_MAX
    ? budget
    : { tokens: Math.min(BUDGET_MAX, budget.tokens + BUDGET_SHARE) };
}

/** The budget after a retry, or null when it does not allow one. */
export function afterRetry(budget: RetryBudget): RetryBudget | null {
  return budget.tokens < 1 ? null : { tokens: budget.tokens - 1 };
}

/**
 * Whether a failed attempt may be repeated on the same version: once, not after a time-out (its time is used up), and
 * only if nothing was sent, or if sending twice is harmless because the method is safe or the model says so.
 */
export function mayRetry(
  failure: Failure,
  request: {
    readonly retries: number;
    readonly method: string;
    readonly idempotent: boolean;
  },
): boolean {
  if (request.retries > 0 || failure.kind === 'timeout') return false;
  return !failure.sent || request.idempotent || SAFE_METHODS.has(request.method);
}
