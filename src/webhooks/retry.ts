/** About three days: a receiver that is down over a weekend still hears everything. */
export const MAX_ATTEMPTS = 20;
const FIRST_RETRY_MS = 5_000;
const FACTOR = 3;
const MAX_RETRY_MS = 6 * 3_600_000;
/** Receivers that failed together do not come back together. */
const JITTER = 0.2;
/** The receiver will never want it: trying again only makes noise. */
const GONE = 410;

/** What an attempt ended with. */
export interface AttemptEnd {
  /** Null: no answer. */
  readonly status: number | null;
  /** What the receiver asked for with `Retry-After`. */
  readonly retryAfterMs: number | null;
}

export type NextStep =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'again'; readonly inMs: number }
  | { readonly kind: 'dead' };

/**
 * What follows an attempt: 2xx is delivered; everything else is tried again, later and later, up to a limit.
 *
 * @param attempts how many were made, this one included
 * @param random in [0, 1)
 */
export function nextStep(end: AttemptEnd, attempts: number, random: number): NextStep {
  if (end.status !== null && end.status >= 200 && end.status < 300) return { kind: 'delivered' };
  if (end.status === GONE || attempts >= MAX_ATTEMPTS) return { kind: 'dead' };
  const grown = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * FACTOR ** (attempts - 1));
  const jittered = grown * (1 - JITTER + 2 * JITTER * random);
  return { kind: 'again', inMs: Math.min(MAX_RETRY_MS, Math.max(jittered, end.retryAfterMs ?? 0)) };
}

/** Milliseconds of a `Retry-After` header in seconds; dates and nonsense count as none. */
export function retryAfterMs(header: string | readonly string[] | undefined): number | null {
  if (typeof header !== 'string' || !/^\d{1,9}$/.test(header.trim())) return null;
  return Number(header) * 1_000;
}
