export type Role = 'gateway' | 'control' | 'worker';

/** Everything that the environment can change, parsed once at the door. */
export interface Config {
  readonly roles: readonly Role[];
  readonly gatewayHost: string;
  readonly gatewayPort: number;
  /** Processes that share the gateway's port, 1 to 64; 1: the gateway runs in this process. */
  readonly gatewayProcesses: number;
  readonly controlHost: string;
  readonly controlPort: number;
  /** Absolute path of the folder for the embedded database, the spool and the plan snapshot. */
  readonly dataDir: string;
  /** Null: the embedded PostgreSQL. */
  readonly databaseUrl: string | null;
  /** Null: BullMQ on PostgreSQL. */
  readonly redisUrl: string | null;
  /** First admin key; null: one is made and printed once. */
  readonly adminKey: string | null;
  /** Secret that key hashes and sealed headers derive from; null: kept in `dataDir/secret`. */
  readonly secret: string | null;
  /** Hosts, host:port or CIDR blocks that upstreams may have. */
  readonly upstreamAllow: readonly string[];
  /** Development only: upstreams on loopback are allowed. */
  readonly allowLoopback: boolean;
  /** `open`: predictions need no key (applications change only a base URL); `key`: scope `predict` is needed. */
  readonly gatewayAuth: 'open' | 'key';
  /** How long a worker owns an analysis without renewing; after it, and at most a second later, another takes over. */
  readonly leaseMs: number;
  /** Predictions under way at once in one process; more are refused. */
  readonly maxInFlight: number;
  /** Standing wait for the event loop above which predictions are refused. */
  readonly maxQueueMs: number;
  /** Predictions per second and data-plane key, per process; 0: no limit. */
  readonly predictionsPerSecond: number;
  /** Posts of outcomes per second and data-plane key, per process; 0: no limit. */
  readonly outcomePostsPerSecond: number;
  /** Days that raw events are kept, today included; null: for ever. */
  readonly retentionDays: number | null;
  /** Share of the time, in (0, 1], that a gateway's backlog of events may keep the database busy. */
  readonly shipShare: number;
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'silent';
}

/** Injection token of the parsed configuration. */
export const CONFIG = Symbol('CONFIG');
