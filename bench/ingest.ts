// How fast events get in: the shipper from a full spool into the partitioned, indexed tables, exactly once, against plain
// COPY of such rows into the same tables, interleaved; and outcomes over HTTP, acknowledged when they are durable. Starts
// its own database. Ratios count; absolute figures are the machine's. Run: npm run bench:ingest (-- --quick)
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { Logger } from '@nestjs/common';
import pg from 'pg';
import { startSluice } from '../src/app/start.js';
import type { Config } from '../src/config/config.js';
import { EmbeddedPostgres } from '../src/database/embedded-postgres.js';
import { migrate } from '../src/database/migrate.js';
import { copyFrom } from '../src/events/copy-from.js';
import { eventDay, EXPOSURE_COLUMNS, exposureLine } from '../src/events/copy-line.js';
import { ShipmentStore } from '../src/events/shipment.store.js';
import { Shipper } from '../src/events/shipper.service.js';
import { Spool } from '../src/events/spool.service.js';
import { testConfig } from '../test/support/config.js';
import type { Sending, Sent } from './ingest/client.js';
import { backendsCpuMs, cpuMsBetween, exposures, median, spread } from './ingest/stage.js';
import { appendResult } from './results.js';

const IS_QUICK = process.argv.includes('--quick');
const ROUNDS = IS_QUICK ? 3 : 5;
const EVENTS = IS_QUICK ? 50_000 : 150_000;
const BATCH = 10_000;
const OUTCOMES = IS_QUICK ? 60_000 : 200_000;
const GOAL_RATIO = 0.7;
const GOAL_OUTCOMES = 50_000;
const RESULTS = fileURLToPath(new URL('results/ingest.json', import.meta.url));

/** What is sent: one after the other, each into empty tables. */
const SENDINGS: Readonly<Record<string, Pick<Sending, 'atOnce' | 'type' | 'repeated'>>> = {
  'NDJSON, 4 streams': { atOnce: 4, type: 'application/x-ndjson', repeated: 0 },
  'NDJSON, 1 stream': { atOnce: 1, type: 'application/x-ndjson', repeated: 0 },
  'NDJSON, 4 streams, 1 % repeated': { atOnce: 4, type: 'application/x-ndjson', repeated: 0.01 },
  'JSON of 500, 8 at once': { atOnce: 8, type: 'application/json', repeated: 0 },
};

interface Round {
  readonly outcomesPerSecond: number;
  /** CPU of this process without the sender's thread, and of the database's backends. */
  readonly gatewayUs: number;
  readonly databaseUs: number;
}

Logger.overrideLogger(['error']);
const dir = mkdtempSync(join(tmpdir(), 'sluice-bench-ingest-'));
chmodSync(dir, 0o711);
const server = new EmbeddedPostgres(dir);
try {
  const url = await server.start();
  await migrate(url);
  const pool = new pg.Pool({ connectionString: url, max: 8 });
  pool.on('error', () => undefined);
  const today = new Date().toISOString().slice(0, 10);
  await pool.query('SELECT ensure_event_day($1)', [today]);
  const shipping = await shippingRounds(pool);
  const ingestion = await ingestionRounds(url, pool);
  await pool.end();
  appendResult(RESULTS, { shipping, ingestion });
} finally {
  await server.stop();
  rmSync(dir, { recursive: true, force: true });
}

interface ShippingRound {
  readonly plain: number;
  readonly shipped: number;
  readonly ratio: number;
  readonly processUsPerEvent: number;
}

async function shippingRounds(pool: pg.Pool): Promise<readonly ShippingRound[]> {
  const rounds: ShippingRound[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const plain = await plainCopy(pool);
    const { perSecond: shipped, processUsPerEvent } = await shipFromSpool(pool);
    if (round > 0) rounds.push({ plain, shipped, ratio: shipped / plain, processUsPerEvent });
  }
  const of = (pick: (round: ShippingRound) => number, digits: number): string =>
    spread(rounds.map(pick), digits);
  print(
    'events/s: plain COPY text',
    of(({ plain }) => plain, 0),
  );
  print(
    'events/s: shipped exactly once, sharing COPY batches',
    of(({ shipped }) => shipped, 0),
  );
  print(
    `shipped ÷ plain COPY (goal ${GOAL_RATIO}, next 0.9)`,
    of(({ ratio }) => ratio, 2),
  );
  print(
    'CPU µs per event in the shipping process',
    of((one) => one.processUsPerEvent, 2),
  );
  return rounds;
}

/** Rows a second of COPY alone, in batches as large as the shipper's. */
async function plainCopy(pool: pg.Pool): Promise<number> {
  await pool.query('TRUNCATE exposures');
  const lines = exposures(EVENTS).map((e) => exposureLine(e, eventDay(e.requestId, e.atMs)));
  const batches: Buffer[] = [];
  for (let at = 0; at < EVENTS; at += BATCH)
    batches.push(Buffer.from(lines.slice(at, at + BATCH).join('')));
  const client = await pool.connect();
  const seconds = await timed(async () => {
    for (const batch of batches) await copyFrom(client, `exposures (${EXPOSURE_COLUMNS})`, batch);
  });
  client.release();
  return EVENTS / seconds;
}

/** Rows a second of the shipper, from a spool that is full when it starts. */
async function shipFromSpool(
  pool: pg.Pool,
): Promise<{ readonly perSecond: number; readonly processUsPerEvent: number }> {
  await pool.query('TRUNCATE exposures');
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-bench-spool-'));
  const spool = new Spool({ dataDir } as Config);
  const all = exposures(EVENTS);
  for (let at = 0; at < EVENTS; at += 8) {
    for (const e of all.slice(at, at + 8)) spool.appendExposure(e, () => undefined);
    spool.flush();
  }
  const shipper = new Shipper(spool, new ShipmentStore({ pool }));
  const before = cpuUs();
  const seconds = await timed(async () => {
    shipper.start();
    await shipper.drain(120_000);
  });
  const processUsPerEvent = (cpuUs() - before) / EVENTS;
  const { rows } = await pool.query<{ count: number }>(
    'SELECT count(*)::int AS count FROM exposures',
  );
  rmSync(dataDir, { recursive: true });
  if (rows[0]?.count !== EVENTS) throw new Error(`${rows[0]?.count} of ${EVENTS} rows arrived`);
  return { perSecond: EVENTS / seconds, processUsPerEvent };
}

async function ingestionRounds(
  databaseUrl: string,
  pool: pg.Pool,
): Promise<Readonly<Record<string, readonly Round[]>>> {
  const adminKey = 'admin-key-of-the-benchmark-0123456789';
  const dataDir = join(dir, 'control');
  const sluice = await startSluice(
    testConfig({ dataDir, databaseUrl, adminKey, roles: ['control'] }),
  );
  const client = new Worker(new URL('ingest/client.ts', import.meta.url));
  try {
    const { key, url } = await prepared(sluice.controlUrl, adminKey);
    const results: Record<string, Round[]> = {};
    const send = (how: (typeof SENDINGS)[string]): Promise<Round> => {
      const isJson = how.type === 'application/json';
      const outcomesPerRequest = isJson ? 500 : OUTCOMES / how.atOnce / 2;
      const requests = OUTCOMES / outcomesPerRequest;
      return sendOnce(client, pool, { url, key, requests, outcomesPerRequest, ...how });
    };
    for (const how of Object.values(SENDINGS)) await send(how); // warm
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [name, how] of Object.entries(SENDINGS))
        (results[name] ??= []).push(await send(how));
    }
    for (const [name, rounds] of Object.entries(results)) tell(name, rounds);
    return results;
  } finally {
    await client.terminate();
    await sluice.close();
  }
}

async function prepared(url: string, adminKey: string): Promise<{ url: string; key: string }> {
  const call = async (method: string, path: string, body: unknown): Promise<{ key: string }> => {
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(await response.text());
    return (await response.json()) as { key: string };
  };
  await call('PUT', '/models/spam', {});
  const { key } = await call('POST', '/keys', { name: 'bench', scopes: ['outcomes:write'] });
  return { url, key };
}

async function sendOnce(client: Worker, pool: pg.Pool, sending: Sending): Promise<Round> {
  await pool.query('TRUNCATE outcomes, outcome_ids');
  const databaseBefore = await backendsCpuMs(pool);
  const before = process.threadCpuUsage();
  const answer = new Promise<Sent>((done, failed) => {
    client.once('message', (sent: Sent | { error: string }) => {
      if ('error' in sent) failed(new Error(sent.error));
      else done(sent);
    });
  });
  client.postMessage(sending);
  const sent = await answer;
  const used = process.threadCpuUsage(before);
  const databaseMs = cpuMsBetween(databaseBefore, await backendsCpuMs(pool));
  await check(pool, sent);
  const total = sent.accepted + sent.duplicates;
  return {
    outcomesPerSecond: total / sent.seconds,
    gatewayUs: (used.user + used.system) / total,
    databaseUs: (databaseMs * 1_000) / total,
  };
}

/** Everything that was acknowledged is there, once. */
async function check(pool: pg.Pool, { accepted, duplicates }: Sent): Promise<void> {
  if (accepted + duplicates !== OUTCOMES) throw new Error(`${accepted} + ${duplicates}`);
  const { rows } = await pool.query<{ rows: number; ids: number }>(
    `SELECT (SELECT count(*)::int FROM outcomes) AS rows, (SELECT count(*)::int FROM outcome_ids) AS ids`,
  );
  if (rows[0]?.rows !== accepted || rows[0].ids !== accepted)
    throw new Error(`${accepted} acknowledged, ${JSON.stringify(rows[0])} stored`);
}

function tell(name: string, rounds: readonly Round[]): void {
  const rates = rounds.map((one) => one.outcomesPerSecond);
  print(`outcomes/s durable, ${name} (goal ${GOAL_OUTCOMES})`, spread(rates, 0));
  const parts = [
    `control process ${median(rounds.map((one) => one.gatewayUs)).toFixed(1)}`,
    `database ${median(rounds.map((one) => one.databaseUs)).toFixed(1)}`,
  ];
  print('  CPU µs per outcome', parts.join(', '));
}

function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return (performance.now() - startMs) / 1_000;
}

function print(label: string, value: string): void {
  process.stdout.write(`${label.padEnd(66)} ${value}\n`);
}
