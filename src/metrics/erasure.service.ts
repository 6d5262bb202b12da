import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.service.js';
import { sha256 } from '../kernel/hash.js';
import { ErasureStore } from './erasure.store.js';
import type { ErasedEvents, Holder } from './erasure.store.js';
import { inStoreTransaction } from './store-transaction.js';

/** Enough that equal units have different hashes. */
const SALT_BYTES = 16;

export interface ErasureRequest {
  /** As events carry it (unit-key.ts). */
  readonly unitKey: string;
  /** Null: in all models. */
  readonly model: string | null;
  readonly actor: string;
}

export interface ErasureReport {
  readonly erased: ErasedEvents;
  /** Running experiments whose sums the unit has left: as if it had never been enrolled. */
  readonly leftExperiments: readonly string[];
  /** Ended experiments that hold no value of the unit any more; their sums stay as they were decided on. */
  readonly keptSums: readonly string[];
}

/** Erases a unit: its raw events, its values, and its share of what is still being decided. */
@Injectable()
export class ErasureService {
  constructor(private readonly database: Database) {}

  /**
   * Events first, then what was computed from them: whoever rolls up after the first transaction finds nothing, and the
   * second waits for whoever had begun before. Stopped in between, it is called again; again does no harm. Events that
   * gateways have not shipped yet come later: call it again once no spool is older than the first call.
   */
  async erase({ unitKey, model, actor }: ErasureRequest): Promise<ErasureReport> {
    const erased = await this.#inTransaction((store) => store.eraseEvents(model, unitKey));
    return this.#inTransaction(async (store) => {
      for (const id of await store.running(model)) await store.lock(id);
      const holders = await store.holders(model, unitKey);
      for (const holder of holders) await leave(store, holder, unitKey);
      const salt = randomBytes(SALT_BYTES).toString('hex');
      const unitHash = sha256(`${salt}\n${unitKey}`);
      await store.record({
        ...erased,
        ...{ actor, model, salt, unitHash, experiments: holders.length },
      });
      return { erased, leftExperiments: names(holders, true), keptSums: names(holders, false) };
    });
  }

  #inTransaction<T>(work: (store: ErasureStore) => Promise<T>): Promise<T> {
    return inStoreTransaction(
      this.database,
      (client) => new ErasureStore(client),
      (store) => store.begin(),
      work,
    );
  }
}

async function leave(store: ErasureStore, holder: Holder, unitKey: string): Promise<void> {
  if (holder.isRunning) await store.takeOut(holder.id, unitKey);
  else await store.forgetValues(holder.id, unitKey);
}

function names(holders: readonly Holder[], running: boolean): readonly string[] {
  return holders.filter(({ isRunning }) => isRunning === running).map(({ name }) => name);
}
