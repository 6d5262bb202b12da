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
  /** Running and paused experiments. */
  readonly experiments: readonly ExperimentPlan[];
}

export interface VersionPlan {
  readonly name: string;
  readonly url: string;
  /** Upstream headers, AES-256-GCM sealed (src/auth); null when there are none. */
  readonly sealedHeaders: string | null;
  /** Overrides the model's time-out. */
  readonly timeoutMs: number | null;
}

export interface ExperimentPlan {
  readonly id: string;
  readonly name: string;
  readonly kind: 'ab' | 'canary';
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
}

export interface VariantPlan {
  readonly name: string;
  readonly version: string;
  readonly control: boolean;
}

export interface WeightSegment {
  readonly upTo: number;
  /** One weight per variant, in the order of `variants`. */
  readonly weights: readonly number[];
}

export type AssignmentReason = 'champion' | 'experiment' | 'no_unit' | 'override';

/** Which version a request is assigned to and why; `enrolment` is present exactly when `reason` is `experiment`. */
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
