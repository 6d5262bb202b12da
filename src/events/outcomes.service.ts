import { Injectable } from '@nestjs/common';
import { ModelsService } from '../models/models.service.js';
import type { BatchEntry } from './outcome.contract.js';
import { isPlausible, outcomeDigest, outcomeTimeMs, outcomeUnitKey } from './outcome.js';
import type { Outcome, OutcomeReceipt, Rejection } from './outcome.js';
import { keyOf, OutcomeStore } from './outcome.store.js';
import type { NewOutcome, Stored } from './outcome.store.js';

const DAY_MS = 86_400_000;
const NOTHING: ReadonlyMap<string, Stored> = new Map();
/** Every day is a partition of three tables: one batch must not be able to make thousands. */
export const MAX_DAYS_PER_BATCH = 100;

/** An outcome at its place in the batch. */
interface Placed {
  readonly index: number;
  readonly row: NewOutcome;
}

/** The door for everything that happens after a prediction. */
@Injectable()
export class OutcomesService {
  constructor(
    private readonly models: ModelsService,
    private readonly store: OutcomeStore,
  ) {}

  /**
   * Stores the outcomes of a batch; durable when it returns. What is wrong with one entry does not touch the others.
   * Throws `unavailable` while the database is away, with nothing acknowledged.
   */
  async record(
    entries: readonly BatchEntry[],
    nowMs: number = Date.now(),
  ): Promise<OutcomeReceipt> {
    const rejected: Rejection[] = [];
    const candidates = await this.#candidates(entries, nowMs, rejected);
    const firsts = firstOfEach(candidates);
    const stored =
      firsts.size === 0
        ? NOTHING
        : await this.store.insert([...firsts.values()].map(({ row }) => row));
    let accepted = 0;
    let duplicates = 0;
    for (const placed of candidates) {
      const key = keyOf(placed.row);
      const found = stored.get(key);
      if (found?.digest !== placed.row.digest) rejected.push(conflict(placed));
      else if (found.isNew && firsts.get(key) === placed) accepted += 1;
      else duplicates += 1;
    }
    return { accepted, duplicates, rejected: rejected.sort((a, b) => a.index - b.index) };
  }

  async #candidates(
    entries: readonly BatchEntry[],
    nowMs: number,
    rejected: Rejection[],
  ): Promise<readonly Placed[]> {
    const candidates: Placed[] = [];
    const known = await this.#knownModels(entries);
    const days = new Set<number>();
    for (const entry of entries) {
      if ('code' in entry) {
        rejected.push(entry);
        continue;
      }
      const { index, outcome } = entry;
      const atMs = outcomeTimeMs(outcome, nowMs);
      const day = Math.floor(atMs / DAY_MS);
      if (!known.has(outcome.model)) {
        rejected.push({
          index,
          code: 'unknown_model',
          detail: `there is no model '${outcome.model}'`,
        });
      } else if (!isPlausible(atMs, nowMs)) {
        rejected.push({
          index,
          code: 'implausible_time',
          detail: `${new Date(atMs).toISOString()} is before 2000 or more than 24 h ahead`,
        });
      } else if (!days.has(day) && days.size >= MAX_DAYS_PER_BATCH) {
        const detail = `one batch may span at most ${MAX_DAYS_PER_BATCH} days; send this one in another`;
        rejected.push({ index, code: 'too_many_days', detail });
      } else {
        days.add(day);
        candidates.push({ index, row: rowOf(outcome, atMs, day) });
      }
    }
    return candidates;
  }

  async #knownModels(entries: readonly BatchEntry[]): Promise<ReadonlySet<string>> {
    const names = new Set(
      entries.flatMap((entry) => ('code' in entry ? [] : [entry.outcome.model])),
    );
    const known = new Set<string>();
    for (const name of names) {
      if (await this.models.exists(name)) known.add(name);
    }
    return known;
  }
}

function rowOf(outcome: Outcome, atMs: number, day: number): NewOutcome {
  return {
    id: outcome.id,
    model: outcome.model,
    digest: outcomeDigest(outcome),
    unitKey: outcomeUnitKey(outcome),
    requestId: outcome.subject.kind === 'request' ? outcome.subject.requestId : null,
    name: outcome.name,
    value: outcome.value,
    atMs,
    day,
  };
}

/** The first entry of each id speaks for it; later ones repeat it or contradict it. */
function firstOfEach(candidates: readonly Placed[]): ReadonlyMap<string, Placed> {
  const firsts = new Map<string, Placed>();
  for (const placed of candidates) {
    const key = keyOf(placed.row);
    if (!firsts.has(key)) firsts.set(key, placed);
  }
  return firsts;
}

function conflict(placed: Placed): Rejection {
  return {
    index: placed.index,
    code: 'conflict',
    detail: `outcome '${placed.row.id}' of model '${placed.row.model}' was sent with another payload`,
  };
}
