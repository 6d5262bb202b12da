import { Inject, Injectable, Logger } from '@nestjs/common';
import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import { CONFIG } from '../config/config.js';
import type { Config } from '../config/config.js';
import { Database } from '../database/database.service.js';
import { dayText } from './copy-line.js';
import { planRetention } from './retention.js';
import type { Hold, RetentionPlan } from './retention.js';
import { RetentionStore } from './retention.store.js';
import type { Partition } from './retention.store.js';

/** Partitions that one turn drops: four tables of a quarter of a year. The next turn takes the rest. */
const MAX_DROPS_PER_TURN = 400;
/** A day more or less matters little, an hour not at all. */
const TURN_EVERY_MS = 3_600_000;
const RETRY_MS = 60_000;

/** Events of one day, as they are kept. */
export interface KeptDay {
  /** `YYYY-MM-DD` */
  readonly day: string;
  readonly bytes: number;
  /** PostgreSQL's estimate over all tables. */
  readonly rows: number;
  /** It goes with the next upkeep. */
  readonly isDue: boolean;
}

export interface RetentionView {
  readonly retentionDays: number | null;
  /** First day that is kept; null: all are. */
  readonly keptFrom: string | null;
  /** The running experiment that keeps older days than the setting says; null: none. */
  readonly heldBy: Hold | null;
  readonly days: readonly KeptDay[];
}

/** What retention did in this process. */
export interface RetentionCounters {
  readonly droppedPartitions: number;
  /** Why the last turn failed; null when it did not. */
  readonly failure: string | null;
  /** Name of the experiment that holds older days back; null: none. */
  readonly heldBy: string | null;
}

/** Keeps raw events for as many days as the setting says, and as long as a running experiment needs them. */
@Injectable()
export class RetentionService implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #logger = new Logger('Retention');
  #timer: NodeJS.Timeout | null = null;
  #isOver = false;
  #dropped = 0;
  #failure: string | null = null;
  #heldBy: string | null = null;

  constructor(
    @Inject(CONFIG) private readonly config: Pick<Config, 'retentionDays' | 'roles'>,
    private readonly store: RetentionStore,
    private readonly database: Database,
  ) {}

  onApplicationBootstrap(): void {
    const { retentionDays, roles } = this.config;
    if (retentionDays !== null && roles.includes('worker')) void this.#turn();
  }

  onApplicationShutdown(): void {
    this.#isOver = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  counters(): RetentionCounters {
    return { droppedPartitions: this.#dropped, failure: this.#failure, heldBy: this.#heldBy };
  }

  /** What is there, and what the next turn would drop. Changes nothing. */
  async view(nowMs: number = Date.now()): Promise<RetentionView> {
    const plan = await this.#plan(nowMs);
    const { retentionDays, keptFromDay, heldBy } = plan;
    const byDay = Map.groupBy(await this.store.partitions(), ({ day }) => day);
    const days = [...byDay].map(([day, partitions]) => ({
      day: dayText(day),
      bytes: sum(partitions, ({ bytes }) => bytes),
      rows: sum(partitions, ({ rows }) => Math.max(0, rows)),
      isDue: isDue(day, plan),
    }));
    const keptFrom = keptFromDay === null ? null : dayText(keptFromDay);
    return { retentionDays, keptFrom, heldBy, days };
  }

  /** Drops what is due. Never throws: what failed is tried again in the next turn. */
  async drop(nowMs: number = Date.now()): Promise<number> {
    try {
      const plan = await this.#plan(nowMs);
      const dropped = plan.keptFromDay === null ? 0 : await this.#drop(plan, plan.keptFromDay);
      this.#failure = null;
      return dropped;
    } catch (error) {
      this.#failure = error instanceof Error ? error.message : String(error);
      this.#logger.warn(`old events stay for now: ${this.#failure}`);
      return 0;
    }
  }

  async #turn(): Promise<void> {
    await this.database.whenReady().catch(() => undefined);
    if (!this.#isOver) await this.drop();
    if (this.#isOver) return;
    const nextMs = this.#failure === null ? TURN_EVERY_MS : RETRY_MS;
    this.#timer = setTimeout(() => void this.#turn(), nextMs);
    this.#timer.unref();
  }

  async #plan(nowMs: number): Promise<RetentionPlan> {
    const { retentionDays } = this.config;
    const holds = retentionDays === null ? [] : await this.store.holds();
    const plan = planRetention(retentionDays, holds, nowMs);
    this.#heldBy = plan.heldBy?.experiment ?? null;
    return plan;
  }

  async #drop(plan: RetentionPlan, keptFromDay: number): Promise<number> {
    const due = (await this.store.partitions()).filter(({ day }) => isDue(day, plan));
    const dropped = await this.store.alone(async (dropper) => {
      let count = await dropper.dropLeftBehind(keptFromDay);
      for (const partition of due.slice(0, MAX_DROPS_PER_TURN)) {
        await dropper.drop(partition);
        count += 1;
        this.#dropped += 1;
      }
      return count;
    });
    if (dropped !== null && dropped > 0) {
      const held = plan.heldBy === null ? '' : `; ${plan.heldBy.experiment} needs the rest`;
      this.#logger.log(`dropped ${dropped} days of events before ${dayText(keptFromDay)}${held}`);
    }
    return dropped ?? 0;
  }
}

function isDue(day: number, { keptFromDay }: RetentionPlan): boolean {
  return keptFromDay !== null && day < keptFromDay;
}

function sum(partitions: readonly Partition[], of: (one: Partition) => number): number {
  return partitions.reduce((total, one) => total + of(one), 0);
}
