import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../config/config.js';
import type { Config } from '../config/config.js';
import { SluiceError } from '../kernel/errors.js';
import { ModelsService } from '../models/models.service.js';
import { lineBatches } from './ndjson.js';
import { parseOutcomeLine } from './outcome.contract.js';
import type { BatchEntry } from './outcome.contract.js';
import { OutcomeGroups } from './outcome-groups.js';
import { isPlausible, outcomeDigest, outcomeTimeMs, outcomeUnitKey } from './outcome.js';
import type { Outcome, OutcomeReceipt, Rejection } from './outcome.js';
import { MAX_TOLD_REJECTIONS } from './outcome.js';
import { keyOf, OutcomeStore } from './outcome.store.js';
import type { Inserted, NewOutcome } from './outcome.store.js';
import { earliestKeptDay } from './retention.js';

const DAY_MS = 86_400_000;
/** Every day is a partition of four tables: one request must not be able to make thousands. */
export const MAX_DAYS_PER_BATCH = 100;
/** Lines that are stored together: large enough for COPY, small enough to hold a few of per sender. */
const LINES_PER_BATCH = 2_000;

/** An outcome at its place in the batch. */
interface Placed {
  readonly index: number;
  readonly row: NewOutcome;
}

/** What one request is so far. */
interface Intake {
  readonly nowMs: number;
  readonly earliestDay: number | null;
  readonly models: Map<string, boolean>;
  readonly days: Set<number>;
  accepted: number;
  duplicates: number;
  rejected: Rejection[];
  moreRejected: number;
}

/** The door for everything that happens after a prediction. */
@Injectable()
export class OutcomesService {
  readonly #groups: OutcomeGroups;

  constructor(
    private readonly models: ModelsService,
    store: OutcomeStore,
    @Inject(CONFIG) private readonly config: Pick<Config, 'retentionDays'>,
  ) {
    this.#groups = new OutcomeGroups(store);
  }

  /**
   * Stores the outcomes of a batch; durable when it returns. What is wrong with one entry does not touch the others.
   * Throws `unavailable` while the database is away, with nothing acknowledged.
   */
  async record(
    entries: readonly BatchEntry[],
    nowMs: number = Date.now(),
  ): Promise<OutcomeReceipt> {
    const intake = this.#open(nowMs);
    await this.#take(entries, intake);
    return receiptOf(intake);
  }

  /**
   * Stores the outcomes of a stream of NDJSON while it arrives, never holding more than two batches of lines; all that
   * is counted is durable when it returns. When the stream breaks, or the database goes away (`unavailable`), what was
   * stored stays: the same lines sent again are duplicates.
   */
  async recordLines(
    source: AsyncIterable<Buffer>,
    nowMs: number = Date.now(),
  ): Promise<OutcomeReceipt> {
    const intake = this.#open(nowMs);
    let lines = 0;
    // One batch is stored while the next is read and parsed; in order, so that the first of two that contradict counts.
    let storing: Promise<void> = Promise.resolve();
    try {
      for await (const batch of lineBatches(source, LINES_PER_BATCH)) {
        const first = lines;
        lines += batch.length;
        const entries = batch.map((line, at) => parseOutcomeLine(line, first + at));
        await storing;
        storing = this.#take(entries, intake);
        storing.catch(() => undefined); // heard at the next await
      }
      await storing;
    } catch (error) {
      await storing.catch(() => undefined);
      throw interrupted(error, intake);
    }
    return receiptOf(intake);
  }

  #open(nowMs: number): Intake {
    return {
      nowMs,
      earliestDay: earliestKeptDay(this.config.retentionDays, nowMs),
      models: new Map(),
      days: new Set(),
      accepted: 0,
      duplicates: 0,
      rejected: [],
      moreRejected: 0,
    };
  }

  async #take(entries: readonly BatchEntry[], intake: Intake): Promise<void> {
    const candidates: Placed[] = [];
    for (const entry of entries) {
      if ('code' in entry) {
        reject(intake, entry);
        continue;
      }
      const { index, outcome } = entry;
      const atMs = outcomeTimeMs(outcome, intake.nowMs);
      const day = Math.floor(atMs / DAY_MS);
      const isKnown = intake.models.get(outcome.model) ?? (await this.#isKnown(outcome, intake));
      const refusal = isKnown ? timeRefusal(atMs, day, intake) : unknownModel(outcome);
      if (refusal !== null) {
        reject(intake, { index, ...refusal });
        continue;
      }
      intake.days.add(day);
      candidates.push({ index, row: rowOf(outcome, atMs, day) });
    }
    if (candidates.length === 0) return;
    const firsts = firstOfEach(candidates);
    const rows = [...firsts.values()].map(({ row }) => row);
    count(intake, candidates, { firsts, inserted: await this.#groups.insert(rows) });
  }

  async #isKnown({ model }: Outcome, intake: Intake): Promise<boolean> {
    const isKnown = await this.models.exists(model);
    intake.models.set(model, isKnown);
    return isKnown;
  }
}

function unknownModel({ model }: Outcome): Omit<Rejection, 'index'> {
  return { code: 'unknown_model', detail: `there is no model '${model}'` };
}

function timeRefusal(atMs: number, day: number, intake: Intake): Omit<Rejection, 'index'> | null {
  const { nowMs, earliestDay, days } = intake;
  if (!isPlausible(atMs, nowMs)) {
    const detail = `${new Date(atMs).toISOString()} is before 2000 or more than 24 h ahead`;
    return { code: 'implausible_time', detail };
  }
  if (earliestDay !== null && day < earliestDay) {
    const earliest = new Date(earliestDay * DAY_MS).toISOString().slice(0, 10);
    const detail = `${new Date(atMs).toISOString()} is before ${earliest}, the first day that is kept; raise SLUICE_RETENTION_DAYS to take it`;
    return { code: 'too_old', detail };
  }
  if (!days.has(day) && days.size >= MAX_DAYS_PER_BATCH) {
    const detail = `one request may span at most ${MAX_DAYS_PER_BATCH} days; send this one in another`;
    return { code: 'too_many_days', detail };
  }
  return null;
}

function count(
  intake: Intake,
  candidates: readonly Placed[],
  {
    firsts,
    inserted,
  }: { readonly firsts: ReadonlyMap<string, Placed>; readonly inserted: Inserted },
): void {
  if (inserted === 'all_new' && firsts.size === candidates.length) {
    intake.accepted += candidates.length;
    return;
  }
  for (const placed of candidates) {
    const key = keyOf(placed.row);
    const first = firsts.get(key);
    const digest = inserted === 'all_new' ? first?.row.digest : inserted.get(key)?.digest;
    const isNew = inserted === 'all_new' || inserted.get(key)?.isNew === true;
    if (digest !== placed.row.digest) reject(intake, conflict(placed));
    else if (isNew && first === placed) intake.accepted += 1;
    else intake.duplicates += 1;
  }
}

function reject(intake: Intake, rejection: Rejection): void {
  if (intake.rejected.length < MAX_TOLD_REJECTIONS) intake.rejected.push(rejection);
  else intake.moreRejected += 1;
}

function receiptOf({ accepted, duplicates, rejected, moreRejected }: Intake): OutcomeReceipt {
  const ordered = rejected.toSorted((a, b) => a.index - b.index);
  return { accepted, duplicates, rejected: ordered, moreRejected };
}

/** What the sender hears, if it still listens: what it sent before is not lost. */
function interrupted(error: unknown, { accepted, duplicates }: Intake): unknown {
  if (error instanceof Error && 'code' in error && error.code === 'ECONNRESET') {
    return new SluiceError('invalid_input', 'the connection broke before the body was over');
  }
  if (!(error instanceof SluiceError) || accepted + duplicates === 0) return error;
  const stored = {
    field: 'accepted',
    given: accepted,
    advice: `${accepted} outcomes of this request are stored; send all of it again, with the same ids`,
  };
  return new SluiceError(error.code, error.message, [stored], { cause: error });
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
