import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { fc } from '../support/property.js';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { dayText, eventDay } from '../../src/events/copy-line.js';
import type { Exposure, Prediction } from '../../src/events/event.js';
import { diskIo } from '../../src/events/segment-io.js';
import { segmentName } from '../../src/events/segment-writer.js';
import { ShipmentStore } from '../../src/events/shipment.store.js';
import { Shipper } from '../../src/events/shipper.service.js';
import { listSegments, listSpools } from '../../src/events/spool-folder.js';
import { Spool } from '../../src/events/spool.service.js';
import { storableText, unitKeyOf } from '../../src/events/unit-key.js';
import {
  anExposure,
  aPrediction,
  cuttable,
  poolOf,
  temporaryDataDir,
  until,
} from '../support/events.js';
import { freshDatabase } from '../support/postgres.js';

let database: Awaited<ReturnType<typeof freshDatabase>>;
let pool: pg.Pool;
let dir = temporaryDataDir();
const started: Shipper[] = [];

beforeAll(async () => {
  Logger.overrideLogger(false);
  database = await freshDatabase();
  pool = poolOf(database.url);
});
afterAll(async () => {
  await pool.end();
  await database.close();
});
beforeEach(async () => {
  dir.remove();
  dir = temporaryDataDir();
  await pool.query('TRUNCATE exposures, predictions, spool_watermarks, event_gaps');
});
afterEach(async () => {
  for (const shipper of started.splice(0)) await shipper.drain(0);
  dir.remove();
});

function shipperOf(spool: Spool, on: pg.Pool = pool): Shipper {
  const shipper = new Shipper(spool, new ShipmentStore({ pool: on }));
  shipper.start();
  started.push(shipper);
  return shipper;
}

function append(spool: Spool, e: Exposure = anExposure()): Promise<boolean> {
  return new Promise((durable) => spool.appendExposure(e, durable));
}

async function count(table: string): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM ${table}`,
  );
  return rows[0]?.count ?? -1;
}

describe('shipping', () => {
  it('brings every field of an exposure and a prediction into its column', async () => {
    const spool = new Spool(dir.config);
    const shipper = shipperOf(spool);
    const e = anExposure({
      epoch: 3,
      phase: 2,
      variant: 'candidate',
      version: 'v2',
      configVersion: 2 ** 40,
    });
    const p: Prediction = aPrediction({
      ...{
        status: 502,
        error: true,
        timeout: true,
        fallback: true,
        latencyMs: 0.1 + 0.2,
        attempts: 2,
      },
      ...{ captured: { score: 0.25, label: 'spam', sure: false, none: null }, servedVersion: 'v0' },
    });
    await append(spool, e);
    spool.appendPrediction(p);
    expect(await shipper.drain(5_000)).toEqual({ drained: true, unshippedBytes: 0 });
    const exposures = await pool.query(
      `SELECT day::text, unit_key, request_id, at, model, experiment_id, epoch, phase, variant, version,
              config_version::float8, x IS NOT NULL AS has_x FROM exposures`,
    );
    expect(exposures.rows).toEqual([
      {
        day: dayText(eventDay(e.requestId, 0)),
        unit_key: e.unitKey,
        request_id: e.requestId,
        at: new Date(e.atMs),
        model: e.model,
        experiment_id: e.experimentId,
        epoch: 3,
        phase: 2,
        variant: 'candidate',
        version: 'v2',
        config_version: 2 ** 40,
        has_x: true,
      },
    ]);
    const predictions = await pool.query(
      `SELECT request_id, at, assigned_version, served_version, reason, status, error, timeout, fallback, latency_ms,
              attempts, captured FROM predictions`,
    );
    expect(predictions.rows).toEqual([
      {
        request_id: p.requestId,
        at: new Date(p.atMs),
        assigned_version: 'v1',
        served_version: 'v0',
        reason: 'experiment',
        status: 502,
        error: true,
        timeout: true,
        fallback: true,
        latency_ms: 0.1 + 0.2,
        attempts: 2,
        captured: { score: 0.25, label: 'spam', sure: false, none: null },
      },
    ]);
  });

  it('gives hostile unit keys and captured texts back from a real PostgreSQL', async () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({
        unit: fc.constantFrom(
          '\\',
          'N',
          '.',
          '\t',
          '\n',
          '\r',
          '\0',
          '\uD800',
          "'",
          '"',
          'é',
          '𝒳',
          'x',
        ),
      }),
      fc.string({ unit: 'binary', minLength: 500, maxLength: 3_000 }),
    );
    const samples = fc.sample(hostile, { numRuns: 2_000, seed: 20_26 });
    const spool = new Spool(dir.config);
    const shipper = shipperOf(spool);
    const sent = samples.map((unitKey) =>
      aPrediction({ unitKey, captured: { text: unitKey, [unitKey]: 1 } }),
    );
    for (const p of sent) spool.appendPrediction(p);
    await append(spool);
    expect(await shipper.drain(10_000)).toMatchObject({ drained: true });
    expect(shipper.status().rejectedLines).toBe(0);
    const { rows } = await pool.query<{
      request_id: string;
      unit_key: string;
      text: string;
      one: number;
    }>(`SELECT request_id, unit_key, captured ->> 'text' AS text, captured FROM predictions`);
    const found = new Map(rows.map((row) => [row.request_id, row]));
    expect(found.size).toBe(sent.length);
    for (const p of sent) {
      const row = found.get(p.requestId);
      expect(row?.unit_key).toBe(unitKeyOf(p.unitKey));
      if (p.unitKey !== 'text') expect(row?.text).toBe(storableText(p.unitKey));
    }
  });

  it('deletes segments that are wholly shipped, and its folder when it stops with everything shipped', async () => {
    const spool = new Spool(dir.config);
    const shipper = shipperOf(spool);
    await append(spool);
    spool.rotate();
    await append(spool);
    await until(
      'the first segment is gone',
      async () => (await listSegments(spool.folder)).join() === '2',
    );
    expect(await shipper.drain(5_000)).toEqual({ drained: true, unshippedBytes: 0 });
    expect(await listSpools(spool.root)).toEqual([]);
    expect(await count('exposures')).toBe(2);
  });

  it('wakes by itself soon after an append', async () => {
    const spool = new Spool(dir.config);
    shipperOf(spool);
    await append(spool);
    const startMs = performance.now();
    await until('the exposure is there', async () => (await count('exposures')) === 1);
    expect(performance.now() - startMs).toBeLessThan(2_000);
  });

  it('ships in the order of the ledger with the database cut off and put back under appends: 0 lost, 0 doubled', async () => {
    const proxy = await cuttable(database.url);
    const through = poolOf(proxy.url);
    const spool = new Spool(dir.config);
    const shipper = shipperOf(spool, through);
    const ledger: string[] = [];
    for (let turn = 0; turn < 200; turn += 1) {
      if (turn % 50 === 20) proxy.cut();
      if (turn % 50 === 45) proxy.restore();
      for (let index = 0; index < 20; index += 1) {
        const e = anExposure();
        spool.appendExposure(e, (ok) => {
          if (ok) ledger.push(e.requestId);
        });
        spool.appendPrediction(aPrediction({ requestId: e.requestId }));
      }
      await new Promise((done) => setTimeout(done, 10));
    }
    expect(ledger).toHaveLength(4_000);
    expect(await shipper.drain(20_000)).toEqual({ drained: true, unshippedBytes: 0 });
    for (const table of ['exposures', 'predictions']) {
      const { rows } = await pool.query<{ request_id: string }>(
        `SELECT request_id FROM ${table} ORDER BY 1`,
      );
      expect(rows.map((row) => row.request_id)).toEqual([...ledger].sort());
    }
    expect(await count('event_gaps')).toBe(0);
    await through.end();
    await proxy.close();
  });

  it('does not spin while the database is away, and says so', async () => {
    const proxy = await cuttable(database.url);
    const through = poolOf(proxy.url);
    proxy.cut();
    const spool = new Spool(dir.config);
    const shipper = shipperOf(spool, through);
    const startMs = performance.now();
    while (performance.now() - startMs < 1_500) {
      await append(spool);
      await new Promise((done) => setTimeout(done, 5));
    }
    expect(shipper.status().failure).not.toBeNull();
    expect(shipper.status().failedAttempts).toBeLessThan(10);
    expect(spool.counters().oldestUnshippedMs).toBeGreaterThan(1_000);
    proxy.restore();
    expect(await shipper.drain(10_000)).toMatchObject({ drained: true });
    expect(shipper.status()).toMatchObject({ failure: null, failedAttempts: 0 });
    await through.end();
    await proxy.close();
  });

  it('keeps what it could not ship before the deadline for the next process', async () => {
    const proxy = await cuttable(database.url);
    const through = poolOf(proxy.url);
    proxy.cut();
    const spool = new Spool(dir.config);
    const shipper = shipperOf(spool, through);
    await append(spool);
    const startMs = performance.now();
    expect(await shipper.drain(300)).toMatchObject({ drained: false });
    expect(performance.now() - startMs).toBeLessThan(1_500);
    await proxy.close();
    await through.end();
    shipperOf(new Spool(dir.config));
    await until('the next process ships it', async () => (await count('exposures')) === 1);
  });

  it('lets two shippers meet on one spool without doubling anything', async () => {
    const dead = new Spool(dir.config);
    for (let turn = 0; turn < 30; turn += 1) await append(dead);
    await dead.close();
    const shippers = [shipperOf(new Spool(dir.config)), shipperOf(new Spool(dir.config))];
    await until('it is shipped', async () => (await listSpools(dead.root)).length === 0);
    expect(await count('exposures')).toBe(30);
    expect(shippers.map((shipper) => shipper.status().rejectedLines)).toEqual([0, 0]);
    expect(await count('event_gaps')).toBe(0);
  });

  it('does not ship again what was shipped when a copy of its folder turns up elsewhere', async () => {
    const dead = new Spool(dir.config);
    await append(dead);
    await dead.close();
    const other = temporaryDataDir();
    cpSync(dead.folder, join(other.dataDir, 'spool', dead.id), { recursive: true });
    shipperOf(new Spool(dir.config));
    await until('it is shipped', async () => (await listSpools(dead.root)).length === 0);
    const second = new Spool(other.config);
    const shipper = shipperOf(second);
    await until('the copy is gone', async () => (await listSpools(second.root)).length === 0);
    expect(await count('exposures')).toBe(1);
    expect(shipper.status().rejectedLines).toBe(0);
    other.remove();
  });
});

describe('what cannot be shipped', () => {
  it('is set aside alone: its neighbours arrive, the window is marked', async () => {
    const spool = new Spool(dir.config);
    const shipper = shipperOf(spool);
    const good = Array.from({ length: 60 }, () => anExposure());
    const twice = anExposure();
    const bad = [
      anExposure({ experimentId: 'no uuid' }),
      anExposure({ epoch: 1.5 }),
      twice,
      { ...twice },
    ];
    const all = [...good.slice(0, 20), ...bad, ...good.slice(20)];
    await Promise.all(all.map((e) => append(spool, e)));
    spool.appendPrediction(aPrediction());
    expect(await shipper.drain(10_000)).toMatchObject({ drained: true });
    expect(await count('exposures')).toBe(61);
    expect(await count('predictions')).toBe(1);
    expect(shipper.status().rejectedLines).toBe(3);
    const gaps = await pool.query('SELECT dropped::int, cause FROM event_gaps');
    expect(gaps.rows).toEqual([{ dropped: 3, cause: 'rejected_line' }]);
    const folder = join(spool.root, 'rejected');
    const lines = readdirSync(folder)
      .map((name) => readFileSync(join(folder, name), 'utf8'))
      .join('');
    expect(
      lines
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { table: string }).table),
    ).toEqual(Array(3).fill('exposures'));
    expect(lines).toContain('no uuid');
  });

  it('does not block what comes after damage in a segment, which is kept for a person to look at', async () => {
    const dead = new Spool(dir.config);
    await append(dead);
    const good = dead.position.offset;
    for (let turn = 0; turn < 4; turn += 1) await append(dead);
    await dead.close();
    await append(dead);
    await dead.close();
    const path = join(dead.folder, segmentName(1));
    const bytes = readFileSync(path);
    bytes[good + 30] = (bytes[good + 30] ?? 0) ^ 4;
    writeFileSync(path, bytes);
    const spool = new Spool(dir.config);
    shipperOf(spool);
    await until(
      'the spool of the dead process is gone',
      async () => !(await listSpools(spool.root)).includes(dead.id),
    );
    expect(await count('exposures')).toBe(2);
    const gaps = await pool.query<{ dropped: number; cause: string; seconds: number }>(
      'SELECT dropped::int, cause, extract(epoch FROM to_at - from_at)::float8 AS seconds FROM event_gaps',
    );
    expect(gaps.rows).toMatchObject([{ dropped: 4, cause: 'corrupt_segment' }]);
    expect(gaps.rows[0]?.seconds).toBeGreaterThanOrEqual(0);
    expect(readdirSync(join(spool.root, 'rejected'))).toEqual([`${dead.id}-${segmentName(1)}`]);
  });

  it('does not stop at a tear behind the last good block', async () => {
    const dead = new Spool(dir.config);
    await append(dead);
    await append(dead);
    await dead.close();
    const path = join(dead.folder, segmentName(1));
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.subarray(0, bytes.length - 5));
    const spool = new Spool(dir.config);
    shipperOf(spool);
    await until(
      'the spool of the dead process is gone',
      async () => !(await listSpools(spool.root)).includes(dead.id),
    );
    expect(await count('exposures')).toBe(1);
  });

  it('is remembered as a gap that reaches the database when the disk was full', async () => {
    let isFull = true;
    const spool = new Spool(dir.config, {
      ...diskIo,
      write(fd, bytes, offset) {
        if (isFull) throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
        return diskIo.write(fd, bytes, offset);
      },
    });
    const shipper = shipperOf(spool);
    expect(await append(spool)).toBe(false);
    expect(await append(spool)).toBe(false);
    isFull = false;
    expect(await append(spool)).toBe(true);
    await until('the gap is stored', async () => (await count('event_gaps')) > 0);
    await shipper.drain(5_000);
    const { rows } = await pool.query<{ dropped: number }>(
      'SELECT sum(dropped)::int AS dropped FROM event_gaps',
    );
    expect(rows[0]?.dropped).toBe(2);
    expect(await count('exposures')).toBe(1);
  });

  it('waits when the fault is not in the data: a missing table loses nothing', async () => {
    await pool.query('ALTER TABLE exposures RENAME TO hidden');
    const spool = new Spool(dir.config);
    const shipper = shipperOf(spool);
    await append(spool);
    await until('the shipper complains', () => shipper.status().failure !== null);
    await pool.query('ALTER TABLE hidden RENAME TO exposures');
    expect(await shipper.drain(10_000)).toMatchObject({ drained: true });
    expect(shipper.status().rejectedLines).toBe(0);
    expect(await count('exposures')).toBe(1);
  });
});
