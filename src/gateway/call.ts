import type { RequestId } from '../kernel/ids.js';
import type { AttributeReader } from '../routing/audience.js';
import type { Enrolment } from '../routing/plan.js';
import type { CallerRequest } from './caller-request.js';
import type { CallerResponse } from './caller-response.js';
import type { LiveModel, LivePlan, LiveVersion } from './live-plan.js';
import type { RequestBody } from './request-body.js';

/** One request to a model, received whole. */
export interface ReceivedCall {
  readonly req: CallerRequest;
  readonly res: CallerResponse;
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
  /** Null: the request carries none, or something of ours failed and it takes part in nothing. */
  readonly unit: string | null;
  readonly unitKey: string;
  /** Of the request, read when asked for. */
  readonly attributes: AttributeReader;
  /** False: the assigned version answers or nobody does. */
  readonly mayFallBack: boolean;
}
