/** A unit was assigned a variant; written to the spool before the upstream is called (intention to treat). */
export interface Exposure {
  readonly requestId: string;
  readonly atMs: number;
  readonly model: string;
  readonly unitKey: string;
  readonly experimentId: string;
  readonly epoch: number;
  readonly phase: number;
  readonly variant: string;
  readonly version: string;
  readonly configVersion: number;
}

/** One answered request: what was assigned, what was served and how it went. */
export interface Prediction {
  readonly requestId: string;
  readonly atMs: number;
  readonly model: string;
  readonly unitKey: string;
  /** Null when the request was in no experiment. */
  readonly experimentId: string | null;
  readonly epoch: number | null;
  readonly phase: number | null;
  readonly variant: string | null;
  readonly assignedVersion: string;
  readonly servedVersion: string;
  readonly reason: string;
  /** HTTP status answered to the caller; 0 when the caller went away before one was known. */
  readonly status: number;
  /** The assigned version failed: connection error, time-out or status >= 500 (even if a fallback answered). */
  readonly error: boolean;
  readonly timeout: boolean;
  readonly fallback: boolean;
  /** From the whole request received to the whole answer sent upstream-side, milliseconds. */
  readonly latencyMs: number;
  readonly attempts: number;
  /** Captured answer and request fields by name; null when nothing was captured. */
  readonly captured: Readonly<Record<string, number | string | boolean | null>> | null;
  readonly configVersion: number;
}

/** Why a request of a mirrored unit has no answer of the shadow version to compare. */
export type MirrorDrop =
  'in_flight' | 'breaker' | 'body_too_large' | 'method' | 'overload' | 'shutdown';

/**
 * One request that a shadow experiment mirrored, or dropped: both answers side by side, written after the shadow's
 * answer is over. `primary` is what the caller got, always from the control's version.
 */
export interface Mirror {
  readonly requestId: string;
  readonly atMs: number;
  readonly model: string;
  readonly unitKey: string;
  readonly experimentId: string;
  readonly epoch: number;
  readonly phase: number;
  readonly variant: string;
  readonly version: string;
  /** Null: the copy was sent. */
  readonly drop: MirrorDrop | null;
  readonly primary: MirrorSide;
  /** Null when the copy was dropped. */
  readonly shadow: MirrorSide | null;
  readonly configVersion: number;
}

export interface MirrorSide {
  /** HTTP status; 0 when there was none. */
  readonly status: number;
  /** Connection error, time-out, broken or cut-off answer, or status >= 500. */
  readonly error: boolean;
  readonly timeout: boolean;
  readonly latencyMs: number;
  /** Captured answer fields by name (and of the request, on the primary side); null when nothing was captured. */
  readonly captured: Readonly<Record<string, number | string | boolean | null>> | null;
}
