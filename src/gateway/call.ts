import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestId } from '../kernel/ids.js';
import type { Enrolment } from '../routing/plan.js';
import type { LiveModel, LivePlan, LiveVersion } from './live-plan.js';
import type { RequestBody } from './request-body.js';

/** One request to a model, received whole. */
export interface ReceivedCall {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly id: RequestId;
  readonly atMs: number;
  /** `performance.now()` when the request was there whole. */
  readonly startedMs: number;
  readonly plan: LivePlan;
  readonly model: LiveModel;
  /** Path and query after the model's name. */
  readonly rest: string;
  readonly body: RequestBody;
  /** Version that the caller asks for, if it may. */
  readonly override: string | null;
}

/** A call with the version it is assigned to; everything is of one plan. */
export interface AssignedCall extends ReceivedCall {
  readonly assigned: LiveVersion;
  /** An `AssignmentReason`, or `fault` when something of ours failed and the champion answers for it. */
  readonly reason: string;
  readonly enrolment: Enrolment | null;
  readonly unitKey: string;
}
