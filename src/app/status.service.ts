import { Inject, Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { CONFIG } from '../config/config.js';
import type { Config, Role } from '../config/config.js';
import { Database } from '../database/database.service.js';
import { RetentionService } from '../events/retention.service.js';
import type { RetentionCounters } from '../events/retention.service.js';
import { Shipper } from '../events/shipper.service.js';
import type { ShipperStatus } from '../events/shipper.service.js';
import { Spool } from '../events/spool.service.js';
import type { SpoolCounters } from '../events/spool.service.js';
import { Fleet } from '../gateway/fleet.service.js';
import type { VersionTraffic } from '../gateway/fleet.service.js';
import { LivePlanService } from '../gateway/live-plan.service.js';
import type { TargetStatus } from '../gateway/mirror-target.js';
import { Mirrors } from '../gateway/mirrors.service.js';
import { GatewayProcesses } from './gateway-processes.service.js';
import type { GatewayProcess } from './gateway-processes.service.js';
import { shadowsOfAll, trafficOfAll } from './gateway-totals.js';
import { Load } from '../load/load.service.js';
import type { LoadStatus } from '../load/load.service.js';
import { PRODUCT_VERSION } from './product-version.js';

/** What a process says about itself, without asking anything that could be away. */
export interface Status {
  readonly product: 'sluice';
  readonly version: string;
  readonly node: string;
  readonly roles: readonly Role[];
  readonly uptimeSeconds: number;
  readonly ready: boolean;
  readonly database: { readonly kind: 'embedded' | 'external'; readonly ready: boolean };
  readonly queue: 'postgres' | 'redis';
  /** Version of the plan that this gateway follows; null without the gateway role or before the first plan. */
  readonly configVersion: number | null;
  readonly spool: {
    readonly unshippedBytes: number;
    readonly lagSeconds: number;
    readonly dropped: number;
    /** A backlog is being shipped, with pauses so that others get at the database. */
    readonly isCatchingUp: boolean;
    /** Bytes that processes which have ended left behind, and that this one ships. */
    readonly orphanBytes: number;
    /** Why events do not reach the database at the moment; null while they do. */
    readonly failure: string | null;
  };
  /** How busy the process is, and what it gives up. */
  readonly load: LoadStatus;
  /** Calls under way per version in this gateway, and its replicas; none without the gateway role. */
  readonly traffic: readonly VersionTraffic[];
  /** What this process dropped of old events; days as SLUICE_RETENTION_DAYS says, null: for ever. */
  readonly retention: RetentionCounters & { readonly days: number | null };
  /** Shadow versions that this gateway copies requests to; none without the gateway role. */
  readonly shadows: readonly TargetStatus[];
  /** The processes of the gateway where there are several: what is above holds for all of them together. */
  readonly gateways: readonly GatewayProcess[];
}

@Injectable()
export class StatusService {
  #wasReady = false;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly database: Database,
    private readonly spool: Spool,
    private readonly shipper: Shipper,
    private readonly modules: ModuleRef,
  ) {}

  /**
   * A gateway is ready with a plan, whatever the database does; the other roles once the database has been there.
   * Losing it later takes nobody out of service: answers say so themselves.
   */
  get isReady(): boolean {
    this.#wasReady ||= this.database.isReady;
    const needsDatabase = this.config.roles.some((role) => role !== 'gateway');
    const needsPlan = this.config.roles.includes('gateway');
    return (!needsDatabase || this.#wasReady) && (!needsPlan || this.configVersion !== null);
  }

  /** Of several gateway processes the oldest plan that one of them follows. */
  get configVersion(): number | null {
    if (!this.config.roles.includes('gateway')) return null;
    if (this.processes !== null) return this.processes.configVersion;
    return this.modules.get(LivePlanService, { strict: false }).current?.version ?? null;
  }

  /** Null where the gateway, if there is one, is in this process. */
  get processes(): GatewayProcesses | null {
    const isMany = this.config.roles.includes('gateway') && this.config.gatewayProcesses > 1;
    return isMany ? this.modules.get(GatewayProcesses, { strict: false }) : null;
  }

  get #shadows(): readonly TargetStatus[] {
    if (!this.config.roles.includes('gateway')) return [];
    return this.modules.get(Mirrors, { strict: false }).status;
  }

  get #traffic(): readonly VersionTraffic[] {
    if (!this.config.roles.includes('gateway')) return [];
    return this.modules.get(Fleet, { strict: false }).status;
  }

  /** Whether it answers now; that it once did is what readiness needs. */
  get isDatabaseReady(): boolean {
    return this.database.isAnswering;
  }

  /** The spool of this process alone. */
  get spoolCounters(): SpoolCounters {
    return this.spool.counters();
  }

  /** What this process did about old events. */
  get retention(): Status['retention'] {
    const counters = this.modules.get(RetentionService, { strict: false }).counters();
    return { days: this.config.retentionDays, ...counters };
  }

  /** The shipper of this process alone. */
  get shipperStatus(): ShipperStatus {
    return this.shipper.status();
  }

  async read(): Promise<Status> {
    const isMany = this.processes !== null;
    const gateways = (await this.processes?.read()) ?? [];
    const states = gateways.flatMap(({ state }) => (state === null ? [] : [state]));
    const spools = [this.spool.counters(), ...states.map(({ spool }) => spool)];
    const shipper = this.shipper.status();
    const failures = [shipper.failure, ...states.map((one) => one.shippingFailure)];
    return {
      product: 'sluice',
      version: PRODUCT_VERSION,
      node: process.version,
      roles: this.config.roles,
      uptimeSeconds: Math.round(process.uptime()),
      ready: this.isReady,
      database: {
        kind: this.config.databaseUrl === null ? 'embedded' : 'external',
        ready: this.isDatabaseReady,
      },
      queue: this.config.redisUrl === null ? 'postgres' : 'redis',
      configVersion: this.configVersion,
      spool: {
        unshippedBytes: sum(spools.map(({ unshippedBytes }) => unshippedBytes)),
        lagSeconds: Math.max(...spools.map(({ oldestUnshippedMs }) => oldestUnshippedMs)) / 1000,
        dropped: sum(spools.map(({ dropped }) => dropped)),
        isCatchingUp: shipper.isCatchingUp,
        orphanBytes: shipper.orphanBytes,
        failure: failures.find((failure) => failure !== null) ?? null,
      },
      load: this.modules.get(Load, { strict: false }).status,
      retention: this.retention,
      traffic: isMany ? trafficOfAll(states) : this.#traffic,
      shadows: isMany ? shadowsOfAll(states) : this.#shadows,
      gateways,
    };
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
