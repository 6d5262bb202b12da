import type { MetricDefinition } from '../metrics/metric.js';
import type { MirrorPlan, Predicate } from '../routing/plan.js';

export type ExperimentStatus =
  'draft' | 'running' | 'paused' | 'completed' | 'rolled_back' | 'aborted';

export type ExperimentKind = 'ab' | 'canary' | 'shadow' | 'holdout';

/** A margin by which a guardrail may be worse, in the metric's unit or as a share of the control. */
export type Margin = { readonly absolute: number } | { readonly relative: number };

export interface DesignMetric {
  readonly definition: MetricDefinition;
  readonly role: 'success' | 'guardrail' | 'diagnostic';
  /** Guardrails only. */
  readonly nonInferiorityMargin: Margin | null;
}

export interface DesignVariant {
  readonly name: string;
  readonly version: string;
  readonly control: boolean;
  readonly weight: number;
}

export interface RolloutStep {
  /** Share of units that get the variant in this step, in (0, 1]. */
  readonly coverage: number;
  readonly hold: {
    readonly durationMs: number;
    /** Matured units per arm, since the experiment started, before the step may be left. */
    readonly minUnits: number;
    readonly approval: boolean;
  };
}

/**
 * How superiority is tested; harm is always watched by a sequence that holds at every look.
 * `sequential`: at every look; `group_sequential`: at up to 100 looks until the planned units are there;
 * `fixed`: once, when they are there.
 */
export const ANALYSIS_METHODS = ['sequential', 'group_sequential', 'fixed'] as const;

export type AnalysisMethod = (typeof ANALYSIS_METHODS)[number];

export interface AnalysisPlan {
  readonly method: AnalysisMethod;
  /** Bound on a false promotion, in (0, 0.5); the bound on a false rollback is the same number, separately. */
  readonly alpha: number;
  readonly power: number;
  readonly minimumDetectableEffect: Margin;
  /** Matured units in both compared arms: a sequence is tuned for them, the other methods end there. */
  readonly plannedUnits: number;
  /** Matured units per arm below which nothing is decided. */
  readonly minUnits: number;
  readonly minRuntimeMs: number;
  readonly intervalMs: number;
  readonly maxRuntimeMs: number;
}

export interface DecisionPolicy {
  readonly onSuccess: 'promote' | 'recommend';
  readonly onDeterioration: 'rollback' | 'recommend';
  readonly onSampleRatioMismatch: 'hold' | 'rollback';
  readonly onNoData: 'hold' | 'rollback';
  readonly noDataGraceMs: number;
  readonly onMaxRuntime: 'inconclusive';
  readonly dryRun: boolean;
}

/** Everything that changes the meaning of the evidence; frozen and hashed at start. */
export interface FrozenDesign {
  readonly kind: ExperimentKind;
  readonly model: string;
  readonly hypothesis: string;
  /** True when every request is its own unit: repeat users then void the error guarantees. */
  readonly unitIsRequest: boolean;
  readonly variants: readonly DesignVariant[];
  /** `ab`: share of units enrolled. `canary`: 1 (the steps say it). */
  readonly coverage: number;
  readonly metrics: readonly DesignMetric[];
  readonly analysis: AnalysisPlan;
  /** `canary` only. */
  readonly steps: readonly RolloutStep[];
  readonly decision: DecisionPolicy;
  /*
   * Below: absent in designs without it, those of earlier releases among them, whose hash stays what it was.
   */
  /** Share of a layer's segments that the experiment gets at its start. */
  readonly layer?: { readonly name: string; readonly share: number };
  readonly audience?: readonly Predicate[];
  /** How long everything that a promotion needs must have held, at every look, before it happens. */
  readonly bakeMs?: number;
  /** `canary`: after the promotion this share stays on the old version, as the model's holdout. */
  readonly reverseHoldout?: { readonly share: number };
  /** Shares of units that no version may exceed, whatever the control does. */
  readonly limits?: OperationalLimits;
  /** `shadow` only. */
  readonly mirror?: MirrorPlan;
  /** `shadow` only: the canary that begins when the variant is ready for it, as posted (parsed, with defaults). */
  readonly next?: object;
  /** `holdout` only: length of an entry period. */
  readonly periodMs?: number;
}

/** In (0, 1); null: not limited. */
export interface OperationalLimits {
  readonly errorRate: number | null;
  readonly timeoutRate: number | null;
}

/** One stretch of constant coverage; a unit's stratum is the phase of its first exposure. */
export interface Phase {
  readonly phase: number;
  readonly coverage: number;
  readonly startedAtMs: number;
  /** Expected share of each variant among the enrolled units of this phase; sums to 1. */
  readonly shares: Readonly<Record<string, number>>;
}

export interface RolloutState {
  /** Index into `steps`; 0 for `ab`. */
  readonly step: number;
  readonly stepStartedAtMs: number;
  /** The step that a person has approved, if any. */
  readonly approvedStep: number | null;
  readonly phases: readonly Phase[];
  /** Arms that were closed; absent: none. */
  readonly closed?: readonly string[];
  /** Since when everything that a promotion needs has held; absent: it does not hold now. */
  readonly bakingSinceMs?: number;
  /** `ab`: the champion when the epoch began; absent in those that an earlier release started. */
  readonly champion?: string;
}

export interface Experiment {
  readonly id: string;
  readonly name: string;
  readonly model: string;
  readonly kind: ExperimentKind;
  readonly status: ExperimentStatus;
  /** As posted (parsed and with defaults). */
  readonly definition: unknown;
  /** Null while draft. */
  readonly design: FrozenDesign | null;
  readonly designHash: string | null;
  readonly epoch: number;
  readonly salt: string;
  readonly revision: number;
  readonly rollout: RolloutState | null;
  readonly createdAtMs: number;
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
  readonly failedAnalyses: number;
  readonly lastFailure: string | null;
  /** The experiment whose evidence it was started on: the shadow before a canary. Null: none. */
  readonly parentId: string | null;
}

/** When the evidence of the present epoch begins; null while draft. Each epoch has its own time limits. */
export function epochStartOf({ rollout, startedAtMs }: Experiment): number | null {
  return rollout?.phases[0]?.startedAtMs ?? startedAtMs;
}

/**
 * The champion that a promotion would replace, as it was when the evidence began: of a canary its control, of an `ab`
 * whatever served then. Null: nothing is promoted, or it was not written down (by an earlier release).
 */
export function championAtStart({
  design,
  rollout,
}: Pick<Experiment, 'design' | 'rollout'>): string | null {
  if (design?.kind === 'canary') return controlOf(design).version;
  return rollout?.champion ?? null;
}

/** The control arm of a design; its contract guarantees exactly one. */
export function controlOf(design: FrozenDesign): DesignVariant {
  const control = design.variants.find((variant) => variant.control);
  if (control === undefined) throw new Error('a design has exactly one control');
  return control;
}
