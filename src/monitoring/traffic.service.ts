import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.service.js';
import { systemClock } from '../kernel/clock.js';
import type { SeriesQuery, SeriesView, ServedView, TrafficView } from './monitoring.contract.js';
import { modelTraffic } from './traffic.js';
import { TrafficStore } from './traffic.store.js';

/** However many consoles are open, the same question is put to the database once in this time. */
const REMEMBERED_MS = 1_000;

/** Bounds what strangely different questions can take of memory. */
const REMEMBERED_LIMIT = 200;

interface Remembered {
  readonly answer: Promise<unknown>;
  readonly untilMs: number;
}

/** Who serves how much, and how well, from the events that have been shipped. */
@Injectable()
export class TrafficService {
  readonly #remembered = new Map<string, Remembered>();

  constructor(
    private readonly database: Database,
    private readonly store: TrafficStore,
  ) {}

  now(minutes: number): Promise<TrafficView> {
    return this.#remember(`now ${minutes}`, async (): Promise<TrafficView> => {
      const toMs = systemClock.nowMs();
      const sinceMs = toMs - minutes * 60_000;
      const counted = await this.database.transaction((tx) => this.store.perVersion(tx, sinceMs));
      const byModel = Map.groupBy(counted.rows, ({ model }) => model);
      const models = [...byModel].map(([model, rows]) => {
        const traffic = modelTraffic(
          model,
          rows.map(({ model: _model, ...counts }) => counts),
        );
        return { ...traffic, versions: [...traffic.versions] };
      });
      return { ...stretchOf(counted, sinceMs, toMs), models };
    });
  }

  series(model: string, { minutes, points }: SeriesQuery): Promise<SeriesView> {
    return this.#remember(`series ${model} ${minutes} ${points}`, async (): Promise<SeriesView> => {
      const stretchMs = (minutes * 60_000) / points;
      // stretches begin at round times, so that a point keeps its requests when the page asks again
      const toMs = Math.ceil(systemClock.nowMs() / stretchMs) * stretchMs;
      const sinceMs = toMs - minutes * 60_000;
      const counted = await this.database.transaction((tx) =>
        this.store.series(tx, { model, sinceMs, stretchMs }),
      );
      return { ...stretchOf(counted, sinceMs, toMs), stretchMs, points: [...counted.rows] };
    });
  }

  served(experimentId: string): Promise<ServedView> {
    return this.#remember(`served ${experimentId}`, async (): Promise<ServedView> => {
      const cells = await this.database.transaction((tx) => this.store.served(tx, experimentId));
      const requests = cells.reduce((sum, cell) => sum + cell.requests, 0);
      return { requests, complete: this.store.isComplete(requests), cells: [...cells] };
    });
  }

  #remember<T>(question: string, ask: () => Promise<T>): Promise<T> {
    const nowMs = systemClock.nowMs();
    const known = this.#remembered.get(question);
    if (known !== undefined && known.untilMs > nowMs) return known.answer as Promise<T>;
    if (this.#remembered.size >= REMEMBERED_LIMIT) this.#remembered.clear();
    const answer = ask();
    answer.catch(() => this.#remembered.delete(question));
    this.#remembered.set(question, { answer, untilMs: nowMs + REMEMBERED_MS });
    return answer;
  }
}

function stretchOf(
  counted: { readonly firstMs: number | null; readonly complete: boolean },
  sinceMs: number,
  toMs: number,
): Pick<TrafficView, 'fromMs' | 'toMs' | 'complete'> {
  const fromMs = counted.complete ? sinceMs : (counted.firstMs ?? sinceMs);
  return { fromMs, toMs, complete: counted.complete };
}
