import { sha256 } from '../kernel/hash.js';
import { uuidV7TimeMs } from '../kernel/ids.js';
import type { RequestId } from '../kernel/ids.js';
import { unitKeyOf } from './unit-key.js';

/** Something that happened later: to a unit, or to the request that a prediction answered. */
export interface Outcome {
  /** The sender's own id; the same id with the same payload is the same outcome, however often it is sent. */
  readonly id: string;
  readonly model: string;
  readonly subject:
    | { readonly kind: 'unit'; readonly unit: string }
    | { readonly kind: 'request'; readonly requestId: RequestId };
  readonly name: string;
  readonly value: number;
  /** When it happened, if the sender says so; milliseconds since 1970. */
  readonly atMs: number | null;
}

export type RejectionCode =
  | 'malformed'
  | 'invalid_input'
  | 'unknown_model'
  | 'implausible_time'
  | 'too_old'
  | 'too_many_days'
  | 'conflict';

/** Why one outcome of a batch was not taken; `index` counts from 0 in the order of the batch. */
export interface Rejection {
  readonly index: number;
  readonly code: RejectionCode;
  readonly detail: string;
}

export interface OutcomeReceipt {
  /** Stored durably by this call. */
  readonly accepted: number;
  /** Were stored before (or earlier in the batch) with the same payload. */
  readonly duplicates: number;
  /** By index, the first {@link MAX_TOLD_REJECTIONS} of them. */
  readonly rejected: readonly Rejection[];
  /** How many more were rejected than are told. */
  readonly moreRejected: number;
}

/** As many as a JSON body can hold; a stream of nothing but nonsense must not be kept in memory. */
export const MAX_TOLD_REJECTIONS = 1_000;

const DAY_MS = 86_400_000;
/** Clocks of senders differ; a day ahead is no clock. */
export const MAX_FUTURE_MS = DAY_MS;
/** Nothing that an A/B test measures happened before; mostly seconds taken for milliseconds. */
export const EARLIEST_MS = Date.UTC(2000, 0, 1);

/** When an outcome happened: as said, else when its request was made, else now. */
export function outcomeTimeMs(outcome: Outcome, nowMs: number): number {
  if (outcome.atMs !== null) return outcome.atMs;
  return outcome.subject.kind === 'request' ? uuidV7TimeMs(outcome.subject.requestId) : nowMs;
}

/** True for a time at which an outcome can have happened, seen at `nowMs`. */
export function isPlausible(timeMs: number, nowMs: number): boolean {
  return timeMs >= EARLIEST_MS && timeMs <= nowMs + MAX_FUTURE_MS;
}

/** The key that the outcome's row is distributed and joined by. */
export function outcomeUnitKey(outcome: Outcome): string {
  return outcome.subject.kind === 'unit'
    ? unitKeyOf(outcome.subject.unit)
    : outcome.subject.requestId;
}

/**
 * SHA-256 (hex) of what the sender said and nothing else: not of when it arrived, so that a retry a day later is still
 * the same outcome. `true` and 1, and two spellings of one instant, are the same.
 */
export function outcomeDigest(outcome: Outcome): string {
  const subject =
    outcome.subject.kind === 'unit' ? outcome.subject.unit : outcome.subject.requestId;
  return sha256(
    JSON.stringify([outcome.subject.kind, subject, outcome.name, outcome.value, outcome.atMs]),
  );
}
