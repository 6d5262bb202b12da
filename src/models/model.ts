import type { HoldoutSettings } from './holdout.js';
import type { ModelSettings } from './model.contract.js';

/** A registered version as it may be shown: header names, never their values. */
export interface Version {
  readonly name: string;
  /** The first of `urls`. */
  readonly url: string;
  readonly urls: readonly string[];
  readonly headerNames: readonly string[];
  /** Null: the model's time-out. */
  readonly timeoutMs: number | null;
  /** Null: the gateway's default. */
  readonly maxConcurrency: number | null;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** A logical model with its versions. */
export interface Model extends ModelSettings {
  readonly name: string;
  /** Null until the first version is registered. */
  readonly champion: string | null;
  /** Absent: none. */
  readonly holdout?: HoldoutSettings;
  readonly versions: readonly Version[];
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** A champion that took over from another one, by whatever way. */
export interface ChampionChanged {
  /** Null: the first. */
  readonly previous: string | null;
  readonly version: string;
  readonly atMs: number;
}
