/**
 * What the tests of one look say, in the words of the decision rule. Three-valued on purpose: "insufficient" is a
 * state of its own and never reads as "no effect".
 */
export type TestResult =
  | {
      readonly kind: 'tested';
      readonly passed: boolean;
      /**
       * In [0, 1]. Always-valid of a sequence or an e-process; two-sided of the deciding look of a group-sequential
       * test; of a fixed test adjusted for the number of tests (Holm).
       */
      readonly pValue: number;
      /** The level that the p-value is held against, after correction for metrics, arms and looks. */
      readonly alpha: number;
      /** The confidence bound that decided, in the metric's unit, and what it was compared with. */
      readonly bound: number | null;
      readonly threshold: number;
      readonly engine: 'confidence_sequence' | 'e_process' | 'group_sequential' | 'fixed';
    }
  | {
      readonly kind: 'insufficient';
      readonly reason: InsufficientReason;
      readonly have: number;
      readonly need: number;
    };

export type InsufficientReason =
  | 'too_few_units'
  | 'too_few_events'
  | 'too_few_non_events'
  /** Means of very uneven arms: units of the smaller one until the difference is close enough to normal. */
  | 'too_skewed'
  | 'zero_variance'
  | 'zero_denominator'
  /** `group_sequential`: effective units before the first look. */
  | 'too_little_information'
  /** `fixed`: matured units of both compared arms, the smallest over all tests. */
  | 'fixed_horizon_not_reached'
  /** `fixed`: milliseconds of data. */
  | 'fixed_runtime_not_reached';

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
  /** Units whose y was cut at the metric's cap. */
  readonly capped: number;
}

/** Whether the difference was adjusted by what its units did before their first exposure. */
export type Adjustment =
  | {
      readonly kind: 'cuped';
      /** Slope of y on the covariate, pooled within arms and phases. */
      readonly theta: number;
      /** 1 - adjusted/unadjusted variance inside the arms. */
      readonly varianceReduction: number;
    }
  | {
      readonly kind: 'none';
      readonly reason:
        'no_covariate' | 'ratio' | 'too_few_units_with_data' | 'constant_covariate' | 'no_units';
    };

/** One look of a group-sequential test; the boundary is crossed where |statistic| >= criticalValue. */
export interface GroupSequentialLook {
  /** Effective units over the planned ones; above 1 when the last look came late. */
  readonly information: number;
  /** Error spent up to and with this look. */
  readonly spent: number;
  /** Null: so little error was to be spent that it was carried to the next look. */
  readonly criticalValue: number | null;
  readonly estimate: number;
  readonly standardError: number;
  readonly statistic: number;
}

/** How far a fixed test is from the one moment at which it is made. */
export interface FixedHorizon {
  /** True once the one test was made; numbers before that are interim and not a test. */
  readonly reached: boolean;
  readonly haveUnits: number;
  readonly needUnits: number;
  readonly haveMs: number;
  readonly needMs: number;
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
  readonly adjustment: Adjustment;
  /** Looks of a group-sequential test so far; empty for every other test. */
  readonly looks: readonly GroupSequentialLook[];
  /** The margin of a guardrail in the metric's own unit, at the control's present value. */
  readonly margin: number | null;
  readonly superiority: TestResult | null;
  readonly nonInferiority: TestResult | null;
  readonly deterioration: TestResult | null;
  /** Metrics of a shadow only; absent: the arms are different units. */
  readonly pairs?: PairFigures;
}

/**
 * One metric of the requests that both versions answered. Arms are then the same units: n counts units, the value of
 * each arm is per request, the effect is the mean difference per request and its error that of units as clusters.
 */
export interface PairFigures {
  /** Requests with a value on both sides, and on one side only (in no sum). */
  readonly pairs: number;
  readonly lopsided: number;
  /** Units whose total differs between the sides. */
  readonly differing: number;
  readonly meanAbsoluteDifference: number | null;
  /** Events only: of each unit the pair that was known first, by which side had the event. */
  readonly discordance: PairDiscordance | null;
}

/** One pair per unit, so that pairs are independent; p-values and interval are for one look. */
export interface PairDiscordance {
  readonly both: number;
  readonly primaryOnly: number;
  readonly shadowOnly: number;
  readonly neither: number;
  /** McNemar's exact and mid p; null while no pair is discordant. */
  readonly pExact: number | null;
  readonly pMid: number | null;
  /** Share of units with the event, shadow minus primary (Agresti & Min 2005); null without a discordant pair. */
  readonly interval: Interval | null;
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

/** Whether an arm, the control included, exceeds an operational limit of the design. */
export interface LimitAssessment {
  readonly variant: string;
  readonly kind: 'errorRate' | 'timeoutRate';
  /** The built-in metric that it is about. */
  readonly metric: string;
  /** Share in (0, 1) that must not be exceeded. */
  readonly limit: number;
  readonly units: number;
  /** Units that met at least one failure. */
  readonly failedUnits: number;
  /** Of the requests; null without one. */
  readonly share: number | null;
  /** Always valid, against "at most the limit". */
  readonly pValue: number;
  readonly alpha: number;
  readonly exceeded: boolean;
  /**
   * What came after an earlier look, where only that exceeds the limit: at least so many units with a failure, at most
   * so many requests without one.
   */
  readonly recent?: { readonly failedUnits: number; readonly successes: number };
}

export interface QualityAssessment {
  readonly sampleRatio: SampleRatioAssessment;
  readonly crossoverUnits: number;
  readonly crossoverShare: number;
  readonly crossoverAlarm: boolean;
  /** Units that had met a version that was rolled back before; absent: they were not counted. */
  readonly carryOverUnits?: number;
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
  /**
   * Whether effects, intervals and p-values may be read as a test. `not_a_test`: interim numbers of a fixed test
   * whose horizon is not reached.
   */
  readonly reading: 'test' | 'not_a_test';
  /** `fixed` only. */
  readonly horizon: FixedHorizon | null;
  /** Absent: the design has no limits. */
  readonly limits?: readonly LimitAssessment[];
  /** `shadow` only. */
  readonly paired?: PairedAssessment;
  /** `holdout` only. */
  readonly holdout?: HoldoutAssessment;
}

/** What a shadow shows besides its metrics. */
export interface PairedAssessment {
  /** Copies that were sent, and what came of them. */
  readonly sent: number;
  readonly answered: number;
  readonly shadowFailed: number;
  readonly primaryFailed: number;
  readonly bothFailed: number;
  /** Requests without a copy, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Units with a request that both versions answered. */
  readonly units: number;
  /** Time of the newest mirrored request; null before the first. */
  readonly watermarkMs: number | null;
  /** One per captured output. */
  readonly outputs: readonly OutputAgreement[];
  /** Milliseconds at some levels, over the requests that both answered; empty without one. For display. */
  readonly latency: readonly LatencyQuantiles[];
}

/** How far two versions say the same; one request per unit, the first that both answered. For one look. */
export interface OutputAgreement {
  readonly output: string;
  readonly units: number;
  /** Share of units whose answers fall into one category, with Wilson's interval. */
  readonly agreement: (Interval & { readonly estimate: number }) | null;
  /** Cohen's kappa; null where chance alone agrees always. */
  readonly kappa: (Interval & { readonly estimate: number }) | null;
  /** Units per category on either side. */
  readonly histogram: readonly {
    readonly category: string;
    readonly primary: number;
    readonly shadow: number;
  }[];
  readonly drift: ScoreDrift | null;
}

/** Jensen-Shannon distance of the two histograms against exchanging sides within pairs at random. */
export interface ScoreDrift {
  readonly distance: number;
  readonly threshold: number;
  readonly pValue: number;
  readonly level: number;
  readonly permutations: number;
  readonly isBeyond: boolean;
}

export interface LatencyQuantiles {
  readonly level: number;
  readonly primary: number;
  readonly shadow: number;
  /** Of the differences, shadow minus primary, request by request. */
  readonly difference: number;
}

/** What a permanent holdout shows besides its cumulative metrics. */
export interface HoldoutAssessment {
  /** Share of units held out, and the version that they stay on. */
  readonly share: number;
  readonly version: string;
  /** Champions that took over since the start, oldest first. */
  readonly promotions: readonly Promotion[];
  readonly periods: readonly PeriodAssessment[];
  readonly warnings: readonly LiftWarning[];
}

export interface Promotion {
  readonly previous: string | null;
  readonly version: string;
  readonly atMs: number;
}

/** One period by itself: the units that were seen in it, and what they did in it. */
export interface PeriodAssessment {
  readonly period: number;
  readonly startedAtMs: number;
  /** Null: it is not over. */
  readonly endedAtMs: number | null;
  /** True once nothing that is still to come can change it. */
  readonly isFinal: boolean;
  /** False: there were too many events to read them in time, and the period has no figures. */
  readonly isWhole: boolean;
  readonly units: readonly { readonly variant: string; readonly units: number }[];
  readonly metrics: readonly PeriodMetric[];
}

export interface PeriodMetric {
  readonly metric: string;
  readonly control: ArmSummary;
  readonly treatment: ArmSummary;
  /** Treatment minus control; null while it cannot be estimated. */
  readonly effect: number | null;
  readonly standardError: number | null;
  /** Holds at every look at this period, at `level` for each period by itself. */
  readonly interval: Interval | null;
  /** Relative effect with Fieller's interval at the same critical value. */
  readonly lift: (Interval & { readonly estimate: number }) | null;
  readonly level: number;
}

/** The lift of a whole period after a promotion is below that of the last whole period before it. */
export interface LiftWarning {
  readonly code: 'lift_fell_after_promotion';
  readonly metric: string;
  readonly promotion: Promotion;
  readonly before: ComparedPeriod;
  readonly after: ComparedPeriod;
  /** Bound on the probability of this comparison being wrong; all comparisons of an experiment share its alpha. */
  readonly alpha: number;
}

/** Bounds of the lift in the metric's good direction: more is better whatever the metric's own direction. */
export interface ComparedPeriod extends Interval {
  readonly period: number;
  readonly estimate: number;
}
