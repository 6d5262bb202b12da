import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { feed, openArena, type Arena } from './arena.js';
import { connected } from './audit.js';
import { faultProxy, type FaultProxy } from './fault-proxy.js';
import { freshDatabase } from './postgres.js';
import { until } from './sluice.js';
import { installWitness } from './witness.js';
import { WorkerProcess } from './worker-process.js';

const START_LIMIT_MS = 90_000;

/** Worker processes on one database, each under a name of its own and behind a network of its own. */
export interface Fleet {
  readonly client: pg.Client;
  readonly arena: Arena;
  readonly workers: readonly FleetWorker[];
  close(): Promise<void>;
}

export interface FleetWorker {
  readonly process: WorkerProcess;
  readonly network: FaultProxy;
}

/** Resolves when every worker has worked. */
export async function startFleet(given: {
  readonly workers: number;
  readonly models: number;
  readonly leaseMs: number;
}): Promise<Fleet> {
  const ends: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (const end of ends.splice(0).reverse()) await end();
  };
  try {
    const database = await freshDatabase();
    ends.push(() => database.close());
    const client = await connected(database.url);
    ends.push(() => client.end());
    await installWitness(client);
    const arena = await openArena(database.url, given.models);
    ends.push(() => arena.close());
    await arena.restock();
    const workers: FleetWorker[] = [];
    const mark = randomBytes(4).toString('hex');
    for (let index = 0; index < given.workers; index += 1) {
      const network = await faultProxy(database.url);
      ends.push(() => network.close());
      const role = `worker_${mark}_${String(index)}`;
      const password = randomBytes(12).toString('hex');
      await client.query(`CREATE ROLE ${role} LOGIN SUPERUSER PASSWORD '${password}'`);
      ends.push(() => client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`));
      const process = new WorkerProcess(asRole(network.url, role, password), given.leaseMs);
      ends.push(() => process.dispose());
      process.start();
      workers.push({ process, network });
    }
    const what = 'every worker has worked';
    await until(what, () => hasEachWorked(client, workers), START_LIMIT_MS).catch(
      (error: unknown) => {
        const said = workers.map(({ process }) => `${process.name}: ${process.output}`).join('\n');
        throw new Error(`${String(error)}; they said:\n${said}`);
      },
    );
    return { client, arena, workers, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function hasEachWorked(
  client: pg.Client,
  workers: readonly FleetWorker[],
): Promise<true | null> {
  // nothing that could end an experiment before everybody was there
  await feed(client, 1, 'smooth');
  const { rows } = await client.query('SELECT DISTINCT granted_to FROM witness_grants');
  if (rows.length === workers.length) return true;
  // a single experiment may always fall to the same worker
  await client.query(`UPDATE experiments SET next_analysis_at = now() - interval '2 seconds'
    WHERE lease_holder IS NULL AND status IN ('running', 'paused')`);
  return null;
}

/** A database role of its own tells who acts. */
function asRole(url: string, role: string, password: string): string {
  const own = new URL(url);
  own.username = role;
  own.password = password;
  return own.href;
}
