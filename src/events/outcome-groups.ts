import { SluiceError } from '../kernel/errors.js';
import { keyOf } from './outcome.store.js';
import type { Inserted, NewOutcome } from './outcome.store.js';

/** Two keep two cores of a server busy; more only wait for the same pages. */
const MAX_AT_ONCE = 2;
/** One transaction's worth: above it a commit is no cheaper per outcome, and whoever waits waits longer. */
export const MAX_GROUP_ROWS = 5_000;
/** About 50 MB. Beyond it senders are told to come back: the database is slower than they are. */
export const MAX_WAITING_ROWS = 100_000;

/** As much of the store as is needed. */
export interface OutcomeSink {
  insert(outcomes: readonly NewOutcome[]): Promise<Inserted>;
}

interface Submission {
  readonly outcomes: readonly NewOutcome[];
  readonly settle: PromiseWithResolvers<Inserted>;
}

/** Outcomes of requests that come at the same time share a transaction: one fsync for all of them. */
export class OutcomeGroups {
  #waiting: Submission[] = [];
  #waitingRows = 0;
  #running = 0;

  constructor(private readonly sink: OutcomeSink) {}

  /** Outcomes that are not in a transaction yet. */
  get waitingRows(): number {
    return this.#waitingRows;
  }

  /**
   * Stores outcomes whose (model, id) are distinct within the call; durable when it returns. Throws `unavailable` when
   * too many wait, or as the store does.
   */
  insert(outcomes: readonly NewOutcome[]): Promise<Inserted> {
    if (this.#waitingRows + outcomes.length > MAX_WAITING_ROWS) {
      throw new SluiceError('unavailable', 'outcomes come faster than they can be stored', [
        {
          given: this.#waitingRows,
          expected: `at most ${MAX_WAITING_ROWS} outcomes that wait`,
          advice: 'nothing of this batch is acknowledged: send it again later, with the same ids',
        },
      ]);
    }
    const settle = Promise.withResolvers<Inserted>();
    this.#waiting.push({ outcomes, settle });
    this.#waitingRows += outcomes.length;
    this.#next();
    return settle.promise;
  }

  #next(): void {
    while (this.#running < MAX_AT_ONCE && this.#waiting.length > 0) {
      const group = this.#takeGroup();
      this.#running += 1;
      void this.#store(group).finally(() => {
        this.#running -= 1;
        this.#next();
      });
    }
  }

  /** The oldest ones that fit and share no id: who says something else about an id must hear of the first. */
  #takeGroup(): readonly Submission[] {
    const group: Submission[] = [];
    const keys = new Set<string>();
    let rows = 0;
    for (const submission of this.#waiting) {
      const { outcomes } = submission;
      if (rows > 0 && rows + outcomes.length > MAX_GROUP_ROWS) break;
      const own = outcomes.map(keyOf);
      if (own.some((key) => keys.has(key))) break;
      for (const key of own) keys.add(key);
      group.push(submission);
      rows += outcomes.length;
    }
    this.#waiting = this.#waiting.slice(group.length);
    this.#waitingRows -= rows;
    return group;
  }

  /** Never rejects: each submission hears of its own end. */
  async #store(group: readonly Submission[]): Promise<void> {
    try {
      const inserted = await this.sink.insert(group.flatMap(({ outcomes }) => outcomes));
      for (const { settle } of group) settle.resolve(inserted);
    } catch (error) {
      if (group.length === 1 || (error instanceof SluiceError && error.code === 'unavailable')) {
        for (const { settle } of group) settle.reject(error);
        return;
      }
      // something in it is refused: whose it is shows when each stands alone
      for (const submission of group) await this.#store([submission]);
    }
  }
}
