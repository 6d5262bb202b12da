import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { audit, CLEAN, scoreboard } from '../support/audit.js';
import { drained, goesOn, MODEL, type Scene, setScene, STEADY_AB } from '../support/fault-scene.js';
import { Load, unitName } from '../support/load.js';
import { freshDatabase, type TestDatabase } from '../support/postgres.js';
import { Product } from '../support/product.js';

/** The process itself has about 70 open: files, its pool of PostgreSQL, the queue's, LISTEN, upstreams. */
const MAX_OPEN_FILES = 160;
/** More than fit. */
const GREEDY = 300;
const BEFORE_MS = 3_000;
const EXHAUSTED_MS = process.env['SLUICE_FAULTS'] === 'full' ? 30_000 : 6_000;
const CONNECTIONS = 8;

let database: TestDatabase;
let product: Product;
let scene: Scene;
let load: Load;
const later: (() => Promise<unknown>)[] = [];

afterAll(async () => {
  for (const end of later.reverse()) await end();
});

beforeAll(async () => {
  database = await freshDatabase();
  later.push(() => database.close());
  product = await Product.in(database.url, { maxOpenFiles: MAX_OPEN_FILES });
  later.push(() => product.dispose());
  await product.start();
  scene = await setScene(product, STEADY_AB);
  later.push(() => scene.close());
  const { gatewayUrl } = scene.client.address;
  // connections that are there before the fault, and are kept
  const pool = new Pool(gatewayUrl, { connections: CONNECTIONS, pipelining: 1 });
  later.push(() => pool.close());
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      const { body } = await pool.request({ method: 'GET', path: '/live' });
      await body.dump();
    }),
  );
  load = new Load({
    ...{ client: scene.client, model: MODEL, ratePerSecond: 80, units: 500 },
    send: async (mail) => {
      const { statusCode, headers, body } = await pool.request({
        method: 'POST',
        path: `/models/${MODEL}/score`,
        headers: { 'content-type': 'application/json', 'x-sluice-unit': unitName(mail) },
        body: JSON.stringify({ mail }),
      });
      return {
        status: statusCode,
        requestId: String(headers['x-sluice-request-id']),
        version: String(headers['x-sluice-version']),
        reason: String(headers['x-sluice-reason']),
        body: await body.json(),
      };
    },
  });
  later.push(() => load.close());
});

/** Connections that nobody uses, more than there are descriptors. */
function takeAll(): () => void {
  const { hostname, port } = new URL(scene.client.address.gatewayUrl);
  const sockets: Socket[] = Array.from({ length: GREEDY }, () => {
    const socket = connect({ host: hostname, port: Number(port) });
    socket.on('error', () => undefined);
    return socket;
  });
  return () => {
    for (const socket of sockets) socket.destroy();
  };
}

async function refusedConnections(): Promise<number> {
  const { gatewayUrl } = scene.client.address;
  const response = await fetch(new URL('/metrics', gatewayUrl));
  const [, count] = /^sluice_connections_refused_total (\d+)$/m.exec(await response.text()) ?? [];
  return Number(count ?? NaN);
}

// Mutants that this kills: callers that are let in until none is left for versions (502), a process that ends with EMFILE.
describe('P14: no descriptor is left', () => {
  it('predictions of connections that are there go on, nothing is lost, and it recovers', async () => {
    const { ledger } = load;
    load.start();
    await sleep(BEFORE_MS);
    const before = ledger.answered.length;
    const giveBack = takeAll();
    await sleep(EXHAUSTED_MS);
    const meanwhile = ledger.answered.slice(before);
    giveBack();
    const onMs = await goesOn(scene.client);
    await load.pause();
    const drainedMs = await drained(product, load);
    const refused = await refusedConnections();
    const found = await audit(database.url, product.dataDir, ledger);
    const reasons = Map.groupBy(meanwhile, ({ reason }) => reason);
    const notes = [
      `${meanwhile.length} answered meanwhile (${[...reasons].map(([reason, all]) => `${reason} ${all.length}`).join(', ')})`,
      `${refused} connections refused`,
      `two analyses ${(onMs / 1_000).toFixed(1)} s after`,
    ];
    scoreboard(`${GREEDY} connections for ${MAX_OPEN_FILES} descriptors`, ledger, found, {
      drainedMs,
      notes: notes.join(', '),
    });
    expect(product.pid, product.output).not.toBeNull();
    expect(ledger.unanswered).toEqual([]);
    expect(refused).toBeGreaterThanOrEqual(GREEDY - MAX_OPEN_FILES);
    expect(meanwhile.length).toBeGreaterThan(100);
    expect(found).toMatchObject({ ...CLEAN, predictionsMissing: 0 });
    expect(ledger.acknowledged.size).toBe(ledger.posted.size);
  }, 180_000);
});
