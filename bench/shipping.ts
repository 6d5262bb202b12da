// How fast events get from the spool into the partitioned, indexed tables, exactly once, against plain COPY of the same
// rows; and how many outcomes a second are acknowledged durable. Needs DATABASE_URL of a migrated, empty database.
// Run: DATABASE_URL=... node --import ./test/support/run-typescript.mjs bench/shipping.ts
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import pg from 'pg';
import type { Config } from '../src/config/config.js';
import { copyFrom } from '../src/events/copy-from.js';
import { eventDay, EXPOSURE_COLUMNS, exposureLine } from '../src/events/copy-line.js';
import type { Exposure } from '../src/events/event.js';
import { parseOutcomeBatch } from '../src/events/outcome.contract.js';
import { OutcomeStore } from '../src/events/outcome.store.js';
import { OutcomesService } from '../src/events/outcomes.service.js';
import { ShipmentStore } from '../src/events/shipment.store.js';
import { Shipper } from '../src/events/shipper.service.js';
import { Spool } from '../src/events/spool.service.js';
import { uuidV7 } from '../src/kernel/ids.js';
import type { ModelsService } from '../src/models/models.service.js';

const ROWS = 200_000;
const BATCH = 10_000;
const ROUNDS = 3;
const OUTCOMES = 100_000;
const OUTCOME_BATCH = 1_000;
const AT_ONCE = 4;

const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'], max: 8 });
Logger.overrideLogger(['error']);

function exposures(): readonly Exposure[] {
  const atMs = Date.now();
  return Array.from({ length: ROWS }, (_, index) => ({
    requestId: uuidV7(atMs, randomBytes(10)),
    atMs,
    model: 'spam',
    unitKey: `user-${randomUUID()}`,
    experimentId: '0193b2c4-5d6e-7f80-9a1b-0123456789ab',
    epoch: 1,
    phase: 0,
    variant: index % 2 === 0 ? 'control' : 'candidate',
    version: 'v1',
    configVersion: 1,
  }));
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return (performance.now() - startMs) / 1_000;
}

/** Rows a second of COPY alone, in batches as large as the shipper's. */
async function plainCopy(): Promise<number> {
  await pool.query('TRUNCATE exposures');
  const lines = exposures().map((e) => exposureLine(e, eventDay(e.requestId, e.atMs)));
  const client = await pool.connect();
  const seconds = await timed(async () => {
    for (let at = 0; at < ROWS; at += BATCH) {
      const bytes = Buffer.from(lines.slice(at, at + BATCH).join(''));
      await copyFrom(client, `exposures (${EXPOSURE_COLUMNS})`, bytes);
    }
  });
  client.release();
  return ROWS / seconds;
}

/** Rows a second of the shipper, from a spool that is full when it starts. */
async function shipped(): Promise<number> {
  await pool.query('TRUNCATE exposures');
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-bench-shipping-'));
  const spool = new Spool({ dataDir } as Config);
  const all = exposures();
  for (let at = 0; at < ROWS; at += 8) {
    for (const e of all.slice(at, at + 8)) spool.appendExposure(e, () => undefined);
    spool.flush();
  }
  const shipper = new Shipper(spool, new ShipmentStore({ pool }));
  const seconds = await timed(async () => {
    shipper.start();
    await shipper.drain(120_000);
  });
  const { rows } = await pool.query<{ count: number }>(
    'SELECT count(*)::int AS count FROM exposures',
  );
  if (rows[0]?.count !== ROWS) throw new Error(`${rows[0]?.count} of ${ROWS} rows arrived`);
  rmSync(dataDir, { recursive: true });
  return ROWS / seconds;
}

/** Outcomes a second from NDJSON text to durable, without HTTP. */
async function outcomes(): Promise<number> {
  await pool.query('TRUNCATE outcomes, outcome_ids');
  const models = { exists: () => Promise.resolve(true) } as unknown as ModelsService;
  const service = new OutcomesService(models, new OutcomeStore({ pool }));
  const bodies = Array.from({ length: OUTCOMES / OUTCOME_BATCH }, () =>
    Array.from({ length: OUTCOME_BATCH }, () =>
      JSON.stringify({
        id: randomUUID(),
        model: 'spam',
        unit: randomUUID(),
        name: 'conversion',
        value: 1,
      }),
    ).join('\n'),
  );
  const seconds = await timed(() =>
    Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        for (let body = bodies.pop(); body !== undefined; body = bodies.pop()) {
          const receipt = await service.record(parseOutcomeBatch(body));
          if (receipt.accepted !== OUTCOME_BATCH) throw new Error(JSON.stringify(receipt));
        }
      }),
    ),
  );
  return OUTCOMES / seconds;
}

const print = (label: string, value: string): void =>
  void process.stdout.write(`${label.padEnd(56)} ${value}\n`);
const today = new Date().toISOString().slice(0, 10);
await pool.query('SELECT ensure_event_day($1)', [today]);
const ratios: number[] = [];
for (let round = 0; round < ROUNDS; round += 1) {
  const plain = await plainCopy();
  const ours = await shipped();
  ratios.push(ours / plain);
  print('rows/s: plain COPY, shipped exactly once', `${plain.toFixed(0)}, ${ours.toFixed(0)}`);
}
const median = [...ratios].sort((a, b) => a - b)[ROUNDS >> 1] ?? Number.NaN;
print('shipped ÷ plain COPY (goal: at least 0.7)', median.toFixed(2));
print('outcomes/s acknowledged durable (goal: at least 50,000)', (await outcomes()).toFixed(0));
await pool.end();
