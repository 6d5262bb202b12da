import type { Config } from '../config/config.js';
import type { SpoolCounters } from '../events/spool.service.js';
import type { VersionTraffic } from '../gateway/fleet.service.js';
import type { TargetStatus } from '../gateway/mirror-target.js';

/** What the main process says to one of its gateway processes, over a channel that no other process can read. */
export type ToGateway =
  /** The first message: who it is, and how it is configured. */
  | { readonly kind: 'begin'; readonly index: number; readonly config: Config }
  /** The embedded database answers and is migrated. */
  | { readonly kind: 'database'; readonly url: string }
  | { readonly kind: 'ask'; readonly id: number; readonly what: keyof GatewayAnswers }
  /** End in order; a process that lost its main process does so by itself. */
  | { readonly kind: 'stop' };

/** What a gateway process says to the main process. */
export type FromGateway =
  | { readonly kind: 'listening' }
  /** It adopted a plan. */
  | { readonly kind: 'plan'; readonly version: number }
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  /** Why it cannot start, before it ends. */
  | { readonly kind: 'failed'; readonly message: string };

/** What a gateway process can be asked for. */
export interface GatewayAnswers {
  readonly state: GatewayState;
  readonly metrics: readonly MetricJson[];
  /** Null: it has asked the database for the newest plan. */
  readonly refresh: null;
  /** Null: its event loop turns. */
  readonly alive: null;
}

/** What a gateway process says about itself. */
export interface GatewayState {
  readonly uptimeSeconds: number;
  readonly databaseReady: boolean;
  readonly spool: SpoolCounters;
  /** Why its events do not reach the database at the moment; null while they do. */
  readonly shippingFailure: string | null;
  readonly traffic: readonly VersionTraffic[];
  readonly shadows: readonly TargetStatus[];
}

/** One metric as prom-client hands it out and takes it in again. */
export interface MetricJson {
  readonly name: string;
  readonly help: string;
  /** `counter`, `gauge` or `histogram`; its type in prom-client says numbers. */
  readonly type: unknown;
  readonly aggregator: string;
  readonly values: readonly MetricValue[];
}

export interface MetricValue {
  readonly value: number;
  readonly labels: Readonly<Partial<Record<string, string | number>>>;
  readonly metricName?: string;
}
