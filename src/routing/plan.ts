/**
 * The traffic plan: everything a gateway needs in order to route, in one immutable value that it holds in
 * memory. Its `version` only ever grows; it is the config version that answers and events carry.
 */
export interface TrafficPlan {
  readonly version: number;
  readonly models: Readonly<Record<string, ModelPlan>>;
  /** Data-plane keys (hashes only), so that a gateway can check them without a database. */
  readonly keys: readonly PlanKey[];
}

export interface PlanKey {
  readonly id: string;
  /** HMAC-SHA-256 of the key as hex. */
  readonly hash: string;
  readonly scopes: readonly string[];
}

/** Where the unit of a request comes from. */
export type UnitSource =
  | { readonly header: string }
  | { readonly cookie: string }
  | { readonly query: string }
  /** RFC 6901 JSON pointer into the request body. */
  | { readonly pointer: string }
  /** Every request is its own unit: the request id. */
  | { readonly request: true };

export interface CapturePlan {
  /** Name → RFC 6901 pointer into the answer's JSON body. */
  readonly output: Readonly<Record<string, string>>;
  /** Name → RFC 6901 pointer into the request's JSON body. */
  readonly input: Readonly<Record<string, string>>;
}

export interface ModelPlan {
  readonly name: string;
  readonly unit: UnitSource;
  /** Version that answers when the assigned one fails; null: the upstream's failure is passed on. */
  readonly fallback: string | null;
  readonly timeoutMs: number;
  /** True allows one retry of any method; false only when nothing was sent yet. */
  readonly idempotent: boolean;
  readonly capture: CapturePlan;
  /** Whether answers may name the experiment and variant. */
  readonly disclose: boolean;
  /** Version that serves by default; null until the first version is registered. */
  readonly champion: string | null;
  readonly versions: Readonly<Record<string, VersionPlan>>;
  /** Where the attributes that audiences name come from; absent: the model has none. */
  readonly attributes?: Readonly<Record<string, AttributeSource>>;
  /** Units pinned to a status-quo version through every promotion; absent: none. */
  readonly holdout?: HoldoutPlan;
  /** Running and paused experiments. */
  readonly experiments: readonly ExperimentPlan[];
}

/** Where an attribute of a request comes from. Header names are lower case. */
export type AttributeSource =
  | { readonly header: string }
  | { readonly query: string }
  /** RFC 6901 JSON pointer into the request body. */
  | { readonly pointer: string };

export type AttributeValue = string | number | boolean;

/**
 * One condition of an audience; all of them must hold. An attribute that a request lacks fails every condition, a
 * negated one too, so that nobody enters an experiment by what is not known of them.
 */
export type Predicate = {
  readonly attribute: string;
  readonly negated?: true;
} & (
  | { readonly kind: 'equals'; readonly value: AttributeValue }
  | { readonly kind: 'in'; readonly values: readonly AttributeValue[] }
  /** Numbers in [from, to), either end may be open. */
  | { readonly kind: 'range'; readonly from: number | null; readonly to: number | null }
  | { readonly kind: 'prefix'; readonly prefix: string }
  /** Semantic versions in [from, below) by precedence (SemVer 2.0.0, section 11); either end may be open. */
  | { readonly kind: 'semver'; readonly from: string | null; readonly below: string | null }
);

/** Segments of a layer: what its experiments divide among themselves. */
export const LAYER_SEGMENTS = 10_000;

/** The segments of a layer that belong to one experiment. */
export interface LayerPlan {
  readonly name: string;
  readonly salt: string;
  /** Segments in [from, to), whole numbers in [0, {@link LAYER_SEGMENTS}], ascending and apart. */
  readonly ranges: readonly { readonly from: number; readonly to: number }[];
}

/**
 * Units with a bucket in [1 - share, 1) stay on `version`, in no experiment; those in [0, share) are compared with
 * them: shipped champions only, in no experiment either.
 */
export interface HoldoutPlan {
  /** In (0, 0.5]. */
  readonly share: number;
  readonly version: string;
  readonly salt: string;
  /** The running experiment of kind `holdout`, whose exposures both cohorts are; absent: nobody analyses it yet. */
  readonly experiment?: {
    readonly id: string;
    readonly name: string;
    readonly epoch: number;
    /** The present entry period, 1, 2, 3 …: the stratum of units first seen in it. */
    readonly phase: number;
  };
}

/** Variants of every experiment of kind `holdout`. */
export const HOLDOUT_ARMS = { pinned: 'holdout', shipped: 'shipped' } as const;

/** How a `shadow` experiment copies requests. */
export interface MirrorPlan {
  /** Share of units whose requests are copied, in (0, 1]: nested, so raising it drops nobody. */
  readonly share: number;
  readonly timeoutMs: number;
  /** True allows copies of methods that may change something (all but GET, HEAD, OPTIONS, and POST of models that
   * are declared idempotent). */
  readonly unsafeMethods: boolean;
  /** Copies under way at once per gateway process; more are dropped and counted. */
  readonly maxInFlight: number;
  /** Requests with a longer body are not copied, longer answers are cut off; both are counted. */
  readonly maxBodyBytes: number;
}

export interface VersionPlan {
  readonly name: string;
  /** The only URL, or the first of `urls`, so that a gateway of an earlier release finds the version. */
  readonly url: string;
  /** Every replica, `url` first; absent: `url` is the only one. */
  readonly urls?: readonly string[];
  /** Calls under way at once per gateway process; absent: the gateway's default. */
  readonly maxConcurrency?: number;
  /** Upstream headers, AES-256-GCM sealed (src/auth); null when there are none. */
  readonly sealedHeaders: string | null;
  /** Overrides the model's time-out. */
  readonly timeoutMs: number | null;
}

export interface ExperimentPlan {
  readonly id: string;
  readonly name: string;
  readonly kind: 'ab' | 'canary' | 'shadow';
  /** Grows when the frozen design is replaced; evidence of different epochs is never mixed. */
  readonly epoch: number;
  readonly salt: string;
  /** Share of units enrolled, in [0, 1]; never falls while running. */
  readonly coverage: number;
  /** Grows with every change of coverage; the stratum of a unit is the phase of its first exposure. */
  readonly phase: number;
  readonly variants: readonly VariantPlan[];
  /**
   * `ab` only: weights by coverage segment, `upTo` strictly increasing. A unit keeps the weights of the segment
   * in which its coverage bucket lies, so a later change of weights touches only units not yet enrolled.
   */
  readonly segments: readonly WeightSegment[];
  /** Absent: every unit of the model. */
  readonly layer?: LayerPlan;
  /** Absent: every request. */
  readonly audience?: readonly Predicate[];
  /** `shadow` only. */
  readonly mirror?: MirrorPlan;
}

export interface VariantPlan {
  readonly name: string;
  readonly version: string;
  readonly control: boolean;
  /** True: its units get the champion from now on and are not recorded; nobody else moves. */
  readonly closed?: true;
}

export interface WeightSegment {
  readonly upTo: number;
  /** The stratum of its units, because the split is constant in it; absent: the experiment's phase. */
  readonly phase?: number;
  /** One weight per variant, in the order of `variants`. */
  readonly weights: readonly number[];
}

export type AssignmentReason = 'champion' | 'experiment' | 'holdout' | 'no_unit' | 'override';

/**
 * Which version a request is assigned to and why. `enrolment` is what is recorded as an exposure: always with reason
 * `experiment`, with `holdout` and `champion` for the two cohorts of a holdout that is analysed.
 */
export interface Assignment {
  readonly version: string;
  readonly reason: AssignmentReason;
  readonly enrolment: Enrolment | null;
}

export interface Enrolment {
  readonly experimentId: string;
  readonly experimentName: string;
  readonly epoch: number;
  readonly phase: number;
  readonly variant: string;
}
