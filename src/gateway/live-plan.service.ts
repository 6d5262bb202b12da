import { join } from 'node:path';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { SecretsService } from '../auth/secrets.service.js';
import { CONFIG } from '../config/config.js';
import type { Config } from '../config/config.js';
import { emptyPlan } from '../routing/plan-change.js';
import type { TrafficPlan, VersionPlan } from '../routing/plan.js';
import { Fleet } from './fleet.service.js';
import { preparePlan, type LivePlan } from './live-plan.js';
import { PlanSnapshot } from './plan-snapshot.js';
import { PLAN_SOURCE } from './plan-source.js';
import type { PlanSource } from './plan-source.js';

/** A half-open LISTEN is silent, so the plan is asked for at least this often: a change acts within 0.5 s. */
const POLL_INTERVAL_MS = 500;
/** An answer that takes longer is not waited for; the next poll asks again. */
const POLL_TIMEOUT_MS = 5_000;
/** A connection that broke is replaced in some milliseconds: asking again soon beats waiting for the next poll. */
const RETRY_FIRST_MS = 25;

/** The plan in force in this gateway: in memory, adopted by hint and by poll, only ever a newer one. */
@Injectable()
export class LivePlanService {
  readonly #logger = new Logger('LivePlan');
  readonly #snapshot: PlanSnapshot;
  readonly #listeners: ((plan: LivePlan) => void)[] = [];
  #current: LivePlan | null = null;
  #saving: Promise<void> = Promise.resolve();
  #unsaved: TrafficPlan | null = null;
  #following: Promise<void> | null = null;
  #hinted = false;
  #timer: NodeJS.Timeout | null = null;
  #retry: NodeJS.Timeout | null = null;
  #retryMs = RETRY_FIRST_MS;
  #unlisten: (() => void) | null = null;

  constructor(
    @Inject(CONFIG) config: Config,
    @Inject(PLAN_SOURCE) private readonly source: PlanSource,
    private readonly secrets: SecretsService,
    private readonly fleet: Fleet,
  ) {
    this.#snapshot = new PlanSnapshot(join(config.dataDir, 'plan'));
  }

  /** The plan in force; null until one is known. */
  get current(): LivePlan | null {
    return this.#current;
  }

  /** Called with every plan that is adopted from now on. */
  onAdopt(listener: (plan: LivePlan) => void): void {
    this.#listeners.push(listener);
  }

  /** Reads the snapshot, so that the gateway can serve at once, and begins to follow the source. */
  async start(): Promise<void> {
    try {
      const stored = await this.#snapshot.load();
      if (stored !== null) this.#adopt(stored);
    } catch (error) {
      this.#logger.error(`the stored plan cannot be used: ${String(error)}`);
    }
    this.fleet.start();
    this.#unlisten = this.source.listen(() => void this.refresh());
    this.#timer = setInterval(() => void this.refresh(), POLL_INTERVAL_MS);
    void this.refresh();
  }

  /** Stops following; resolves once the newest plan is on disk. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#unlisten?.();
    this.fleet.stop();
    await this.#saving;
  }

  /** Asks the source; a hint that comes while it answers is not lost. Resolves when all hints so far are followed. */
  refresh(): Promise<void> {
    this.#hinted = true;
    this.#following ??= this.#follow().finally(() => {
      this.#following = null;
    });
    return this.#following;
  }

  async #follow(): Promise<void> {
    try {
      while (this.#hinted && this.source.isReady) {
        this.#hinted = false;
        await this.#poll();
        this.#retryMs = RETRY_FIRST_MS;
      }
    } catch (error) {
      // The database is away: the plan in memory stays in force.
      this.#logger.debug(`no plan from the database: ${String(error)}`);
      this.#retryLater();
    }
  }

  /** Sooner than the next poll, and later each time: a database that is away for long gets the polls alone. */
  #retryLater(): void {
    if (this.#timer === null || this.#retryMs >= POLL_INTERVAL_MS) return;
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.refresh(), this.#retryMs);
    this.#retryMs *= 2;
  }

  async #poll(): Promise<void> {
    const plan = await withDeadline(this.source.latest(this.#current?.version ?? 0));
    // A database without any plan answers too: then the empty plan is in force and unknown models are a 404.
    if (plan !== null) this.#adopt(plan);
    else if (this.#current === null) this.#adopt(emptyPlan());
  }

  #adopt(plan: TrafficPlan): void {
    if (this.#current !== null && plan.version <= this.#current.version) return;
    const preparation = {
      unseal: (sealed: string) => this.secrets.unseal(sealed),
      replicasOf: (model: string, version: VersionPlan) => this.fleet.setOf(model, version),
    };
    const prepared = preparePlan(plan, preparation, this.#current);
    const { models } = prepared.plan;
    this.fleet.keepOnly((model, version) => models.get(model)?.versions.has(version) === true);
    for (const defect of prepared.defects) {
      this.#logger.error(`plan ${plan.version} has a version that cannot be called: ${defect}`);
    }
    this.#current = prepared.plan;
    for (const listener of this.#listeners) listener(prepared.plan);
    if (plan.version > 0) this.#save(plan);
  }

  /** One save at a time, and of plans that follow each other quickly only the newest. */
  #save(plan: TrafficPlan): void {
    const idle = this.#unsaved === null;
    this.#unsaved = plan;
    if (!idle) return;
    this.#saving = this.#saving.then(async () => {
      const newest = this.#unsaved;
      this.#unsaved = null;
      if (newest === null) return;
      try {
        await this.#snapshot.save(newest);
      } catch (error) {
        this.#logger.error(`plan ${newest.version} could not be stored: ${String(error)}`);
      }
    });
  }
}

async function withDeadline<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`no answer within ${POLL_TIMEOUT_MS} ms`));
    }, POLL_TIMEOUT_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
