/**
 * What the tests of one look say, in the words of the decision rule. Three-valued on purpose: "insufficient" is a
 * state of its own and never reads as "no effect".
 */
export type TestResult =
  | {
      readonly kind: 'tested';
      readonly passed: boolean;
      /** Always-valid p-value in [0, 1]. */
      readonly pValue: number;
      /** The level that the p-value is held against, after correction for metrics and arms. */
      readonly alpha: number;
      /** The confidence bound that decided, in the metric's unit, and what it was compared with. */
      readonly bound: number | null;
      readonly threshold: number;
      readonly engine: 'confidence_sequence' | 'e_process';
    }
  | {
      readonly kind: 'insufficient';
      readonly reason: InsufficientReason;
      readonly have: number;
      readonly need: number;
    };

export type InsufficientReason =
  'too_few_units' | 'too_few_events' | 'too_few_non_events' | 'zero_variance' | 'zero_denominator';

export interface Interval {
  readonly lower: number;
  readonly upper: number;
}

export interface ArmSummary {
  /** Matured units with a value, over all phases. */
  readonly n: number;
  readonly pending: number;
  /** Mean, share or ratio of totals, over all phases (crude: for display; tests are stratified). */
  readonly value: number | null;
  /** Units with y > 0. */
  readonly events: number;
}

/** One metric of one variant against the control. Effects are variant minus control. */
export interface MetricAssessment {
  readonly metric: string;
  readonly variant: string;
  readonly role: 'success' | 'guardrail' | 'diagnostic';
  readonly direction: 'increase' | 'decrease';
  readonly control: ArmSummary;
  readonly treatment: ArmSummary;
  /** Phase-stratified difference and its standard error; null while it cannot be estimated. */
  readonly effect: number | null;
  readonly standardError: number | null;
  /** Two-sided confidence sequence at `level`, this look. */
  readonly interval: Interval | null;
  /** Intersection of the intervals of all looks so far; null when it is empty or nothing was estimated. */
  readonly runningInterval: Interval | null;
  /** Always-valid two-sided p-value against no effect, this look and smallest so far. */
  readonly pValue: number | null;
  readonly runningPValue: number | null;
  /** Confidence level of the intervals, 1 - alpha. */
  readonly level: number;
  /** Relative effect with Fieller's interval; null where it is undefined. */
  readonly lift: (Interval & { readonly estimate: number }) | null;
  /** The margin of a guardrail in the metric's own unit, at the control's present value. */
  readonly margin: number | null;
  readonly superiority: TestResult | null;
  readonly nonInferiority: TestResult | null;
  readonly deterioration: TestResult | null;
}

export interface SampleRatioAssessment {
  /** Smallest p-value of the sequential multinomial test so far. */
  readonly runningPValue: number;
  /** One-shot chi-square p-value, shown only. */
  readonly chiSquarePValue: number | null;
  readonly alpha: number;
  readonly mismatch: boolean;
  readonly arms: readonly {
    readonly variant: string;
    readonly units: number;
    readonly expected: number;
  }[];
}

export interface QualityAssessment {
  readonly sampleRatio: SampleRatioAssessment;
  readonly crossoverUnits: number;
  readonly crossoverShare: number;
  readonly crossoverAlarm: boolean;
  /** Events that could not be written down since the start. */
  readonly droppedEvents: number;
  /** False while events that had arrived were not yet rolled up. */
  readonly caughtUp: boolean;
}

/** Everything computed on one snapshot of the evidence. */
export interface Assessment {
  readonly units: readonly { readonly variant: string; readonly units: number }[];
  readonly metrics: readonly MetricAssessment[];
  readonly quality: QualityAssessment;
}
