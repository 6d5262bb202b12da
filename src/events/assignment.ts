import { sha256 } from '../kernel/hash.js';
import { uuidV7, uuidV7TimeMs } from '../kernel/ids.js';
import type { RequestId } from '../kernel/ids.js';

/** Which version a unit of a batch job gets, as a gateway would have said. */
export interface UnitAssignment {
  /** As it was sent. */
  readonly unit: string;
  readonly version: string;
  /** Null when the unit was not recorded: it is in no experiment, and in no holdout that is compared. */
  readonly variant: string | null;
  /** Name of the experiment; null when the unit was not recorded. */
  readonly experiment: string | null;
  readonly reason: string;
  /** Outcomes may name it in place of the unit when the unit was recorded. */
  readonly requestId: RequestId;
}

export interface AssignmentReceipt {
  /** The plan that units were assigned by, unless the batch had recorded them before. */
  readonly configVersion: number;
  /** Send it again with a retry, and nothing is recorded twice. */
  readonly batchId: RequestId;
  /** Exposures that this call stored. */
  readonly recorded: number;
  /** Units that the batch had exposed before; they are answered as they were then. */
  readonly duplicates: number;
  /** One per unit, in the order of the request. */
  readonly assignments: readonly UnitAssignment[];
}

/** A batch that was begun longer ago is no retry, and every day would be a partition. */
export const MAX_BATCH_AGE_MS = 7 * 86_400_000;

/**
 * The request id of a unit in a batch: the time of the batch, so that a retry lands in the same partition even after
 * midnight, and 74 bits of a hash of batch, model and unit, so that it is the same row there.
 */
export function batchRequestId(batchId: RequestId, model: string, unitKey: string): RequestId {
  const digest = sha256(`${batchId}\n${model}\n${unitKey}`);
  return uuidV7(uuidV7TimeMs(batchId), Buffer.from(digest.slice(0, 20), 'hex'));
}
