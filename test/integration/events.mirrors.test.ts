import { Logger } from '@nestjs/common';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { dayText, eventDay } from '../../src/events/copy-line.js';
import type { Mirror } from '../../src/events/event.js';
import { ShipmentStore } from '../../src/events/shipment.store.js';
import { Shipper } from '../../src/events/shipper.service.js';
import { Spool } from '../../src/events/spool.service.js';
import {
  aMirror,
  anExposure,
  aPrediction,
  cuttable,
  poolOf,
  temporaryDataDir,
} from '../support/events.js';
import { freshDatabase } from '../support/postgres.js';

let database: Awaited<ReturnType<typeof freshDatabase>>;
let pool: pg.Pool;
let dir = temporaryDataDir();

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
  await pool.query('TRUNCATE exposures, predictions, mirrors, spool_watermarks, event_gaps');
});
afterEach(() => {
  dir.remove();
});

function shipperOf(spool: Spool, on: pg.Pool = pool): Shipper {
  const shipper = new Shipper(spool, new ShipmentStore({ pool: on }));
  shipper.start();
  return shipper;
}

async function rows(sql: string): Promise<readonly Record<string, unknown>[]> {
  return (await pool.query<Record<string, unknown>>(sql)).rows;
}

describe('a mirrored request', () => {
  it('reaches its table with both answers side by side, each field in its column', async () => {
    const spool = new Spool(dir.config);
    const shipper = shipperOf(spool);
    const mirror: Mirror = aMirror({
      ...{ unitKey: 'a\tb\\', epoch: 3, phase: 2, variant: 'candidate', version: 'v2' },
      ...{ configVersion: 2 ** 40 },
      primary: {
        ...{ status: 503, error: true, timeout: true, latencyMs: 0.1 + 0.2 },
        captured: { spam: false, words: 12 },
      },
      shadow: {
        ...{ status: 0, error: true, timeout: true, latencyMs: 1000.5 },
        captured: { spam: true },
      },
    });
    spool.appendMirror(mirror);
    expect(await shipper.drain(5_000)).toEqual({ drained: true, unshippedBytes: 0 });
    expect(
      await rows('SELECT day::text, config_version::float8, x IS NOT NULL AS x FROM mirrors'),
    ).toEqual([{ day: dayText(eventDay(mirror.requestId, 0)), config_version: 2 ** 40, x: true }]);
    const found = await rows('SELECT * FROM event_mirrors');
    delete found[0]?.['x'];
    delete found[0]?.['day'];
    expect(found).toEqual([
      {
        request_id: mirror.requestId,
        at: new Date(mirror.atMs),
        model: mirror.model,
        unit_key: 'a\tb\\',
        experiment_id: mirror.experimentId,
        ...{ epoch: 3, phase: 2, variant: 'candidate', version: 'v2', drop_reason: null },
        ...{ primary_status: 503, primary_error: true, primary_timeout: true },
        ...{ primary_latency_ms: 0.1 + 0.2, primary_captured: { spam: false, words: 12 } },
        ...{ shadow_status: 0, shadow_error: true, shadow_timeout: true },
        ...{ shadow_latency_ms: 1000.5, shadow_captured: { spam: true } },
      },
    ]);
  });

  it('that was dropped says why and has no shadow side', async () => {
    const spool = new Spool(dir.config);
    const shipper = shipperOf(spool);
    spool.appendMirror(aMirror({ drop: 'breaker', shadow: null }));
    expect(await shipper.drain(5_000)).toMatchObject({ drained: true });
    expect(
      await rows(`SELECT drop_reason, primary_status, num_nulls(shadow_status, shadow_error,
        shadow_timeout, shadow_latency_ms, shadow_captured) AS nulls FROM event_mirrors`),
    ).toEqual([{ drop_reason: 'breaker', primary_status: 200, nulls: 5 }]);
  });

  it('may be of several shadows at once, each of them a row', async () => {
    const spool = new Spool(dir.config);
    const shipper = shipperOf(spool);
    const first = aMirror();
    spool.appendMirror(first);
    spool.appendMirror({ ...first, experimentId: '0193b2c4-5d6e-7f80-9a1b-0123456789ac' });
    spool.appendMirror({ ...first, variant: 'v3', version: 'v3' });
    expect(await shipper.drain(5_000)).toMatchObject({ drained: true });
    expect(shipper.status().rejectedLines).toBe(0);
    expect(await rows('SELECT count(*)::int FROM mirrors')).toEqual([{ count: 3 }]);
  });

  it('is shipped exactly once with the database cut off and put back under appends', async () => {
    const proxy = await cuttable(database.url);
    const through = poolOf(proxy.url);
    const spool = new Spool(dir.config);
    const shipper = shipperOf(spool, through);
    const ledger: string[] = [];
    for (let turn = 0; turn < 100; turn += 1) {
      if (turn % 50 === 10) proxy.cut();
      if (turn % 50 === 35) proxy.restore();
      for (let index = 0; index < 10; index += 1) {
        const mirror = aMirror();
        ledger.push(mirror.requestId);
        spool.appendExposure(anExposure({ requestId: mirror.requestId }), () => undefined);
        spool.appendPrediction(aPrediction({ requestId: mirror.requestId }));
        spool.appendMirror(mirror);
      }
      await new Promise((done) => setTimeout(done, 5));
    }
    expect(await shipper.drain(20_000)).toEqual({ drained: true, unshippedBytes: 0 });
    for (const table of ['exposures', 'predictions', 'mirrors']) {
      const found = await rows(`SELECT request_id FROM ${table} ORDER BY 1`);
      expect(found.map((row) => row['request_id'])).toEqual([...ledger].sort());
    }
    await through.end();
    await proxy.close();
  });

  it('lands in a partition of its own day, also when that day was made by a release before', async () => {
    // The function of migration 0003 made no partition of mirrors.
    const atMs = Date.UTC(2027, 4, 5);
    await rows(`SELECT ensure_event_day('2027-05-05')`);
    await rows('DROP TABLE mirrors_20270505');
    const spool = new Spool(dir.config);
    const shipper = shipperOf(spool);
    spool.appendMirror(aMirror({ atMs }));
    expect(await shipper.drain(5_000)).toMatchObject({ drained: true });
    expect(await rows('SELECT tableoid::regclass::text AS part FROM mirrors')).toEqual([
      { part: 'mirrors_20270505' },
    ]);
  });
});
