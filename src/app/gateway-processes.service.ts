import type { AddressInfo } from 'node:net';
import { Inject, Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { CONFIG } from '../config/config.js';
import type { Config } from '../config/config.js';
import { Database } from '../database/database.service.js';
import type { GatewayState, MetricJson } from './gateway-messages.js';
import { GatewayMetrics } from './gateway-metrics.js';
import { GatewaySlot } from './gateway-slot.js';
import { reservePort } from './reserve-port.js';

/** A gateway whose database has just come asks it for the newest plan; the start goes on without it after this. */
const FIRST_PLAN_MS = 10_000;

/** One gateway process as `/status` shows it. */
export interface GatewayProcess {
  /** From 1. */
  readonly index: number;
  readonly pid: number | null;
  readonly restarts: number;
  readonly listening: boolean;
  readonly configVersion: number | null;
  /** Null when it did not answer in time. */
  readonly state: GatewayState | null;
}

/** The gateway as several processes on one port: starts them, watches over them, adds up what they say. */
@Injectable()
export class GatewayProcesses implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #logger = new Logger('GatewayProcesses');
  readonly #metrics = new GatewayMetrics();
  #slots: readonly GatewaySlot[] = [];
  #address: AddressInfo | null = null;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly database: Database,
  ) {}

  /** Where they listen; null before that. */
  get address(): AddressInfo | null {
    return this.#address;
  }

  /** True while at least one of them has a plan to serve by. */
  get isReady(): boolean {
    return this.configVersion !== null;
  }

  /** The oldest plan that any of them serves by; null while none has one. */
  get configVersion(): number | null {
    const known = this.#slots.flatMap(({ planVersion }) =>
      planVersion === null ? [] : [planVersion],
    );
    return known.length === 0 ? null : Math.min(...known);
  }

  async onApplicationBootstrap(): Promise<void> {
    const { gatewayPort, gatewayHost, gatewayProcesses } = this.config;
    this.#address = await reservePort(gatewayPort, gatewayHost);
    const config = { ...this.config, gatewayPort: this.#address.port };
    this.#slots = Array.from({ length: gatewayProcesses }, (_, at) => this.#slot(at + 1, config));
    const { databaseUrl } = this.config;
    if (databaseUrl === null) this.database.whenReady().then(() => this.#tellDatabase(), ignore);
    await Promise.all(this.#slots.map((slot) => slot.start()));
    const { address, port } = this.#address;
    this.#logger.log(`${gatewayProcesses} gateway processes listen on http://${address}:${port}`);
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all(this.#slots.map((slot) => slot.stop()));
  }

  /** Every process has asked the database for the newest plan, or could not in time. */
  async refresh(): Promise<void> {
    await Promise.all(this.#slots.map((slot) => slot.ask('refresh', FIRST_PLAN_MS)));
  }

  read(): Promise<readonly GatewayProcess[]> {
    return Promise.all(
      this.#slots.map(async (slot) => {
        const state = await slot.ask('state');
        const { index, pid, restarts, isListening: listening, planVersion: configVersion } = slot;
        return { index, pid, restarts, listening, configVersion, state };
      }),
    );
  }

  /** The metrics of all of them and of this process, in Prometheus format. */
  async metrics(own: readonly MetricJson[]): Promise<string> {
    await Promise.all(
      this.#slots.map(async (slot) => {
        const { pid } = slot;
        const metrics = await slot.ask('metrics');
        if (metrics !== null && pid !== null) this.#metrics.heard(slot.index, pid, metrics);
      }),
    );
    return this.#metrics.render(own, this.#slots);
  }

  #slot(index: number, config: Config): GatewaySlot {
    return new GatewaySlot(index, config, {
      onDeath: (why, pauseMs) => {
        this.#logger.error(`gateway process ${index}: ${why}; another follows in ${pauseMs} ms`);
      },
      onReturn: () => this.#logger.log(`gateway process ${index} is back`),
    });
  }

  #tellDatabase(): void {
    for (const slot of this.#slots) slot.databaseIsAt(this.database.connectionUrl);
  }
}

function ignore(): void {
  // a database that never comes is told by its own log and status
}
