import type { TrafficPlan } from '../routing/plan.js';

/** Where plans come from: PostgreSQL, or memory in tests. */
export interface PlanSource {
  /** False while asking would only fail. */
  readonly isReady: boolean;
  /** The newest plan if it is newer than a version, else null. Models that did not change may be the same objects as before. */
  latest(afterVersion: number): Promise<TrafficPlan | null>;
  /** Calls back when a newer plan may exist; a hint, it can be lost. Returns what ends it. */
  listen(onHint: () => void): () => void;
}

/** Injection token of the plan source. */
export const PLAN_SOURCE = Symbol('PLAN_SOURCE');
