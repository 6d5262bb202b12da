import type { Assessment } from '../../statistics/assessment.js';

/** Grows whenever the same inputs could give another verdict; stored with each decision so that replay can tell. */
export const POLICY_VERSION = '2';

/** The part of a frozen design that the policy reads (experiments' `FrozenDesign` fits). */
export interface PolicyDesign {
  readonly kind: 'ab' | 'canary' | 'shadow' | 'holdout';
  readonly variants: readonly { readonly name: string; readonly control: boolean }[];
  readonly steps: readonly {
    readonly coverage: number;
    readonly hold: {
      readonly durationMs: number;
      readonly minUnits: number;
      readonly approval: boolean;
    };
  }[];
  readonly analysis: {
    readonly minUnits: number;
    readonly minRuntimeMs: number;
    readonly maxRuntimeMs: number;
  };
  readonly decision: {
    readonly onSuccess: 'promote' | 'recommend';
    readonly onDeterioration: 'rollback' | 'recommend';
    readonly onSampleRatioMismatch: 'hold' | 'rollback';
    readonly onNoData: 'hold' | 'rollback';
    readonly noDataGraceMs: number;
    readonly dryRun: boolean;
  };
  readonly bakeMs?: number;
  readonly limits?: { readonly errorRate: number | null; readonly timeoutRate: number | null };
  readonly periodMs?: number;
}

/** Where the rollout stands; times are milliseconds since 1970. */
export interface PolicyState {
  readonly status: 'running' | 'paused';
  readonly startedAtMs: number;
  readonly step: number;
  readonly stepStartedAtMs: number;
  readonly approvedStep: number | null;
  /** Analyses that failed in a row, this one included; evidence is null then. */
  readonly failedAnalyses: number;
  /** Arms that were closed; absent: none. */
  readonly closed?: readonly string[];
  readonly bakingSinceMs?: number;
  /** Versions that served by default, when the evidence began and now; absent: it was not looked at. */
  readonly champion?: { readonly atStart: string; readonly present: string | null };
}

/** Everything `decide` looks at, and so everything that a stored decision needs for its replay. */
export interface PolicyInput {
  readonly design: PolicyDesign;
  readonly state: PolicyState;
  /** Null when the analysis failed. */
  readonly assessment: Assessment | null;
  readonly nowMs: number;
}

export type DecisionKind = 'promote' | 'rollback' | 'advance' | 'hold' | 'inconclusive' | 'error';

export type RuleName =
  | 'analysis'
  | 'limits'
  | 'control_health'
  | 'deterioration'
  | 'sample_ratio'
  | 'crossover'
  | 'completeness'
  | 'no_data'
  | 'paused'
  | 'champion'
  | 'minimum_evidence'
  | 'step'
  | 'minimum_runtime'
  | 'non_inferiority'
  | 'superiority'
  | 'lift'
  | 'period'
  | 'final_verdict'
  | 'time_limit'
  | 'gate';

export type Numbers = Readonly<Record<string, number | string | boolean | null>>;

/** What one rule saw: it passed, held the rollout back, or acted. */
export interface RuleOutcome {
  readonly rule: RuleName;
  readonly outcome: 'pass' | 'hold' | 'act';
  /** In words, with the numbers that decided. */
  readonly text: string;
  readonly numbers: Numbers;
}

export interface Decision {
  readonly kind: DecisionKind;
  /** Stable code of the reason, for example `guardrail_deteriorated`. */
  readonly code: string;
  /** The variant that is promoted or rolled back; null for the other kinds. */
  readonly variant: string | null;
  /** `advance` only: the step that begins (of a `holdout`: the entry period); null for a shadow that is ready. */
  readonly toStep: number | null;
  /** `rollback` of one arm while others go on; absent: the decision is about the whole experiment. */
  readonly scope?: 'arm';
  /** Begins (now) or goes on: everything that a promotion needs holds. Absent: it does not. */
  readonly bakingSinceMs?: number;
  /** One sentence with numbers. */
  readonly summary: string;
  /** Every rule that was evaluated, in order. */
  readonly trace: readonly RuleOutcome[];
}
