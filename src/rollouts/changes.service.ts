import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { OnModuleDestroy } from '@nestjs/common';
import { Observable } from 'rxjs';
import { AnalysisService } from '../analysis/analysis.service.js';
import { ExperimentsService } from '../experiments/experiments.service.js';
import { systemClock } from '../kernel/clock.js';
import { canonicalJson } from '../kernel/json.js';
import { PlanService } from '../models/plan.service.js';
import type { Changes } from './decision.contract.js';
import { DecisionsStore } from './decisions.store.js';

/** How often everybody who watches is looked for together; one look costs four small queries. */
const LOOK_MS = 1_000;

/** Something is sent at least this often, so that both ends notice a connection that is gone. */
const HEARTBEAT_MS = 15_000;

/** A stream ends after this and is opened again by the browser: its key is then checked again. */
const STREAM_MS = 120_000;

/** More streams than this on one process are refused; each holds a socket. */
const MAX_STREAMS = 200;

/** A message of the stream. */
export interface ChangesMessage {
  readonly type: 'changes' | 'alive' | 'away';
  readonly data: Changes | Record<string, never>;
}

/**
 * Tells consoles that something has changed, never what: they then ask the API, so that a lost message costs
 * nothing. One loop looks for all of them, and only while somebody watches.
 */
@Injectable()
export class ChangesService implements OnModuleDestroy {
  readonly #watchers = new Set<(message: ChangesMessage | null) => void>();
  #isLooking = false;
  #isClosing = false;

  constructor(
    private readonly experiments: ExperimentsService,
    private readonly analysis: AnalysisService,
    private readonly plans: PlanService,
    private readonly decisions: DecisionsStore,
  ) {}

  get hasRoom(): boolean {
    return !this.#isClosing && this.#watchers.size < MAX_STREAMS;
  }

  /** The present state at once, then every change of it. */
  watch(): Observable<ChangesMessage> {
    return new Observable((subscriber) => {
      const untilMs = systemClock.nowMs() + STREAM_MS;
      let lastMs = 0;
      let last = '';
      const tell = (message: ChangesMessage | null): void => {
        const nowMs = systemClock.nowMs();
        if (message === null || nowMs > untilMs) {
          subscriber.complete();
          return;
        }
        const text = canonicalJson(message);
        if (text !== last) subscriber.next(message);
        else if (nowMs - lastMs >= HEARTBEAT_MS) subscriber.next({ type: 'alive', data: {} });
        else return;
        last = text;
        lastMs = nowMs;
      };
      this.#watchers.add(tell);
      void this.#look();
      return () => {
        this.#watchers.delete(tell);
      };
    });
  }

  /** First of all: a gateway in this process may take longer to drain than the control server waits for its streams. */
  onModuleDestroy(): void {
    this.#isClosing = true;
    for (const tell of this.#watchers) tell(null);
    this.#watchers.clear();
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    while (this.#watchers.size > 0) {
      const message = await this.#message();
      for (const tell of this.#watchers) tell(message);
      await sleep(LOOK_MS, undefined, { ref: false });
    }
    this.#isLooking = false;
  }

  async #message(): Promise<ChangesMessage> {
    try {
      return { type: 'changes', data: await this.#changes() };
    } catch {
      return { type: 'away', data: {} };
    }
  }

  async #changes(): Promise<Changes> {
    const going = await this.experiments.revisions();
    const reports = await this.analysis.newestNumbers(going.map(({ id }) => id));
    return {
      configVersion: await this.plans.currentVersion(),
      decisions: await this.decisions.count(),
      experiments: Object.fromEntries(
        going.map(({ id, revision }) => [id, { revision, report: reports.get(id) ?? 0 }]),
      ),
    };
  }
}
