import { Inject, Injectable, Logger } from '@nestjs/common';
import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import { CONFIG } from '../config/config.js';
import type { Config } from '../config/config.js';
import { Database } from '../database/database.service.js';
import { EventStore } from './event.store.js';
import { Shipper } from './shipper.service.js';
import type { ShipperStatus } from './shipper.service.js';
import { Spool } from './spool.service.js';
import type { SpoolCounters } from './spool.service.js';

const DAY_MS = 86_400_000;
/** Partitions are made a day ahead; an hourly look survives a database that is away for most of a day. */
const UPKEEP_EVERY_MS = 3_600_000;
const UPKEEP_RETRY_MS = 10_000;

export interface EventsStatus {
  readonly spool: SpoolCounters;
  readonly shipper: ShipperStatus;
  /** Gaps that the database has not heard of yet. */
  readonly unstoredGaps: number;
}

/** What other folders may ask about events, and the upkeep of their partitions. */
@Injectable()
export class EventsService implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #logger = new Logger('Events');
  #timer: NodeJS.Timeout | null = null;
  #isOver = false;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly spool: Spool,
    private readonly shipper: Shipper,
    private readonly store: EventStore,
    private readonly database: Database,
  ) {}

  onApplicationBootstrap(): void {
    if (this.config.roles.includes('worker')) void this.#upkeep();
  }

  onApplicationShutdown(): void {
    this.#isOver = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  /** How far this process is behind with writing events to the database. Asks no database. */
  status(): EventsStatus {
    return {
      spool: this.spool.counters(),
      shipper: this.shipper.status(),
      unstoredGaps: this.spool.gaps.size,
    };
  }

  /** Events known to be lost between two times (milliseconds since 1970), in all gateways. */
  gapsBetween(fromMs: number, toMs: number): Promise<number> {
    return this.store.droppedBetween(fromMs, toMs);
  }

  /** Makes today's and tomorrow's partitions, so that no event ever waits for one. */
  async ensurePartitions(nowMs: number): Promise<void> {
    for (const timeMs of [nowMs, nowMs + DAY_MS]) {
      await this.store.ensureDay(new Date(timeMs).toISOString().slice(0, 10));
    }
  }

  async #upkeep(): Promise<void> {
    let nextMs = UPKEEP_EVERY_MS;
    try {
      await this.database.whenReady();
      await this.ensurePartitions(Date.now());
      await this.store.pruneWatermarks();
    } catch (error) {
      if (this.#isOver) return;
      nextMs = UPKEEP_RETRY_MS;
      this.#logger.warn(
        `partitions wait: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
    if (this.#isOver) return;
    this.#timer = setTimeout(() => void this.#upkeep(), nextMs);
    this.#timer.unref();
  }
}
