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
