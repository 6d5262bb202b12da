import type { PoolClient } from 'pg';
import { asUnavailable } from '../database/connection-errors.js';
import type { Database } from '../database/database.service.js';

/** What a store needs in order to work inside one transaction on one client. */
interface TransactionalStore {
  commit(): Promise<void>;
  rollback(): Promise<void>;
}

/**
 * Runs `work` on a store of its own client, in one transaction that `begin` opens. Throws `unavailable` when the
 * database is away, and whatever `work` throws.
 */
export async function inStoreTransaction<Store extends TransactionalStore, T>(
  database: Pick<Database, 'pool'>,
  open: (client: PoolClient) => Store,
  begin: (store: Store) => Promise<void>,
  work: (store: Store) => Promise<T>,
): Promise<T> {
  const client = await connect(database);
  const store = open(client);
  let broken = true;
  try {
    await begin(store);
    const result = await work(store);
    await store.commit();
    broken = false;
    return result;
  } catch (error) {
    // a client whose rollback fails is in an unknown state and is closed instead of going back to the pool
    broken = await store.rollback().then(
      () => false,
      () => true,
    );
    throw asUnavailable(error);
  } finally {
    client.off('error', ignore);
    client.release(broken);
  }
}

/** While a client is out of the pool nobody else listens, and an unheard `error` ends the process. */
async function connect(database: Pick<Database, 'pool'>): Promise<PoolClient> {
  try {
    const client = await database.pool.connect();
    return client.on('error', ignore);
  } catch (error) {
    throw asUnavailable(error);
  }
}

/** The query that was running rejects with the same error. */
function ignore(): void {
  // nothing to do
}
