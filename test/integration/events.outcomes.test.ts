import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { fc } from '../support/property.js';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startSluice } from '../../src/app/start.js';
import type { RunningSluice } from '../../src/app/start.js';
import { uuidV7 } from '../../src/kernel/ids.js';
import { testConfig } from '../support/config.js';
import { cuttable, poolOf, temporaryDataDir } from '../support/events.js';
import type { Cuttable } from '../support/events.js';
import { freshDatabase } from '../support/postgres.js';

const ADMIN_KEY = 'admin-key-of-the-tests-0123456789';
const DAY_MS = 86_400_000;

interface Receipt {
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: readonly {
    readonly index: number;
    readonly code: string;
    readonly detail: string;
  }[];
}
interface Answer {
  readonly status: number;
  readonly type: string;
  readonly retryAfter: string | null;
  readonly body: Receipt & { readonly code?: string; readonly status?: number };
}

const dir = temporaryDataDir();
let database: Awaited<ReturnType<typeof freshDatabase>>;
let proxy: Cuttable;
let pool: pg.Pool;
let sluice: RunningSluice;
let key = '';

beforeAll(async () => {
  Logger.overrideLogger(false);
  database = await freshDatabase();
  proxy = await cuttable(database.url);
  pool = poolOf(database.url);
  const { dataDir } = dir;
  sluice = await startSluice(testConfig({ dataDir, databaseUrl: proxy.url, adminKey: ADMIN_KEY }));
  const made = await admin('POST', '/keys', { name: 'app', scopes: ['outcomes:write'] });
  key = (made as { key: string }).key;
  await admin('PUT', '/models/spam', {});
  await admin('PUT', '/models/eta', {});
});
afterAll(async () => {
  await sluice.close();
  await pool.end();
  await proxy.close();
  await database.close();
  dir.remove();
});
beforeEach(async () => {
  await pool.query('TRUNCATE outcomes, outcome_ids');
});

async function admin(method: string, path: string, body: unknown): Promise<unknown> {
  const response = await fetch(`${sluice.controlUrl}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok)
    throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

async function send(body: string, type = 'application/json', withKey = key): Promise<Answer> {
  const response = await fetch(`${sluice.controlUrl}/api/v1/outcomes`, {
    method: 'POST',
    headers: { authorization: `Bearer ${withKey}`, 'content-type': type },
    body,
  });
  return {
    status: response.status,
    type: response.headers.get('content-type') ?? '',
    retryAfter: response.headers.get('retry-after'),
    body: (await response.json()) as Answer['body'],
  };
}

function post(...outcomes: readonly unknown[]): Promise<Answer> {
  return send(JSON.stringify({ outcomes }));
}

function outcome(change: Record<string, unknown> = {}): Record<string, unknown> {
  return { id: randomUUID(), model: 'spam', unit: 'ann', name: 'conversion', value: 1, ...change };
}

async function stored(): Promise<readonly Record<string, unknown>[]> {
  const { rows } = await pool.query<Record<string, unknown>>(
    `SELECT day::text, unit_key, id, model, request_id, name, value, at FROM outcomes ORDER BY model, id`,
  );
  return rows;
}

describe('POST /outcomes', () => {
  it('answers 202 only when the outcome is in the database', async () => {
    const answer = await post(
      outcome({ id: 'a', at: '2026-11-20T10:00:00.250+02:00', value: 2.5 }),
    );
    expect(answer).toMatchObject({
      status: 202,
      body: { accepted: 1, duplicates: 0, rejected: [] },
    });
    expect(await stored()).toEqual([
      {
        day: '2026-11-20',
        unit_key: 'ann',
        id: 'a',
        model: 'spam',
        request_id: null,
        name: 'conversion',
        value: 2.5,
        at: new Date('2026-11-20T08:00:00.250Z'),
      },
    ]);
  });

  it('files an outcome of a request under the request, on the day of the request', async () => {
    const requestId = uuidV7(Date.UTC(2026, 9, 3, 23, 59), new Uint8Array(10));
    expect(await post(outcome({ id: 'r', unit: undefined, requestId, value: true }))).toMatchObject(
      { status: 202 },
    );
    expect(await stored()).toMatchObject([
      { day: '2026-10-03', unit_key: requestId, request_id: requestId, value: 1 },
    ]);
  });

  it('takes the same outcome again as a duplicate, also when it is spelled differently', async () => {
    const at = '2026-11-20T10:00:00Z';
    await post(outcome({ id: 'a', value: 1, at }));
    expect(
      await post(outcome({ id: 'a', value: true, at: '2026-11-20T11:00:00.000+01:00' })),
    ).toMatchObject({
      status: 202,
      body: { accepted: 0, duplicates: 1, rejected: [] },
    });
    expect(await stored()).toHaveLength(1);
  });

  it('keeps the day of the first acceptance when an outcome without a time is sent again', async () => {
    await post(outcome({ id: 'a' }));
    await pool.query(`UPDATE outcome_ids SET day = day - 1`);
    expect(await post(outcome({ id: 'a' }))).toMatchObject({
      body: { accepted: 0, duplicates: 1 },
    });
    expect(await stored()).toHaveLength(1);
  });

  it('makes a partition again that was dropped behind its back', async () => {
    const at = '2026-07-01T00:00:00Z';
    await post(outcome({ at }));
    await pool.query('DROP TABLE outcomes_20260701, exposures_20260701, predictions_20260701');
    expect(await post(outcome({ at }))).toMatchObject({ status: 202, body: { accepted: 1 } });
  });

  it('keeps ids of different models apart', async () => {
    expect(await post(outcome({ id: 'a' }), outcome({ id: 'a', model: 'eta' }))).toMatchObject({
      body: { accepted: 2 },
    });
  });

  it('answers 409 with the members of a receipt when an id comes back with another payload', async () => {
    await post(outcome({ id: 'a', value: 1 }));
    const answer = await post(outcome({ id: 'a', value: 2 }));
    expect(answer.status).toBe(409);
    expect(answer.type).toMatch(/^application\/problem\+json/);
    expect(answer.body).toMatchObject({
      status: 409,
      code: 'conflict',
      accepted: 0,
      duplicates: 0,
      rejected: [{ index: 0, code: 'conflict' }],
    });
    expect((await stored()).map((row) => row['value'])).toEqual([1]);
  });

  it.each([
    ['unit', { unit: 'bob' }],
    ['name', { name: 'refund' }],
    ['value', { value: 0 }],
    ['time', { at: '2026-11-20T10:00:00Z' }],
  ])('sees a conflict in another %s', async (_what, change) => {
    await post(outcome({ id: 'a' }));
    expect(await post(outcome({ id: 'a', ...change }))).toMatchObject({ status: 409 });
  });

  it('takes the rest of a batch when one entry conflicts', async () => {
    await post(outcome({ id: 'a' }));
    const answer = await post(
      outcome({ id: 'a', value: 9 }),
      outcome({ id: 'b' }),
      outcome({ id: 'a' }),
    );
    expect(answer).toMatchObject({
      status: 202,
      body: { accepted: 1, duplicates: 1, rejected: [{ index: 0, code: 'conflict' }] },
    });
  });

  it('compares entries of one batch with each other', async () => {
    const answer = await post(
      outcome({ id: 'a' }),
      outcome({ id: 'a' }),
      outcome({ id: 'a', value: 2 }),
    );
    expect(answer).toMatchObject({
      status: 202,
      body: { accepted: 1, duplicates: 1, rejected: [{ index: 2, code: 'conflict' }] },
    });
  });

  it('rejects by index what it cannot take, and takes the others', async () => {
    const future = new Date(Date.now() + 2 * DAY_MS).toISOString();
    const answer = await post(
      outcome({ model: 'nowhere' }),
      outcome({ at: future }),
      outcome({ at: '1999-12-31T23:59:59Z' }),
      outcome({ value: 'much' }),
      outcome({ requestId: randomUUID() }),
      outcome({ unit: undefined }),
      outcome({ surprise: 1 }),
      outcome({ id: 'nul\0' }),
      outcome({ id: 'good' }),
    );
    expect(answer.status).toBe(202);
    expect(answer.body.accepted).toBe(1);
    expect(answer.body.rejected.map((one) => [one.index, one.code])).toEqual([
      [0, 'unknown_model'],
      [1, 'implausible_time'],
      [2, 'implausible_time'],
      [3, 'invalid_input'],
      [4, 'invalid_input'],
      [5, 'invalid_input'],
      [6, 'invalid_input'],
      [7, 'invalid_input'],
    ]);
  });

  it('answers 422 with the members of a receipt when nothing could be taken', async () => {
    const answer = await post(outcome({ model: 'nowhere' }));
    expect(answer.type).toMatch(/^application\/problem\+json/);
    expect(answer).toMatchObject({
      status: 422,
      body: { accepted: 0, rejected: [{ index: 0, code: 'unknown_model' }] },
    });
  });

  it('reads NDJSON line by line, so that one bad line does not cost the others', async () => {
    const deep = '['.repeat(40) + ']'.repeat(40);
    const lines = [
      JSON.stringify(outcome({ id: 'a' })),
      '{"id":',
      '',
      deep,
      JSON.stringify(outcome({ id: 'b' })),
      '',
    ];
    const answer = await send(lines.join('\n'), 'application/x-ndjson');
    expect(answer).toMatchObject({ status: 202, body: { accepted: 2 } });
    expect(answer.body.rejected.map((one) => [one.index, one.code])).toEqual([
      [1, 'malformed'],
      [2, 'malformed'],
    ]);
  });

  it('refuses what is no batch, too large a batch, and a key without the scope', async () => {
    expect(await send('[]')).toMatchObject({ status: 422 });
    expect(await send('{"outcomes":{}}')).toMatchObject({ status: 422 });
    expect((await send('{"outcomes":')).status).toBeGreaterThanOrEqual(400);
    expect(await post(...Array.from({ length: 1_001 }, () => outcome()))).toMatchObject({
      status: 413,
    });
    expect(await post(outcome({ unit: 'x'.repeat(1_100_000) }))).toMatchObject({ status: 413 });
    expect(await send('{"outcomes":[]}', 'application/json', 'nonsense')).toMatchObject({
      status: 401,
    });
    expect(await stored()).toEqual([]);
  });

  it('files hostile and huge units under the key that the gateway uses for them', async () => {
    const units = [
      '\t',
      '\\N',
      'a\nb',
      'a\0b',
      '𝒳',
      'x'.repeat(5_000),
      "'; DROP TABLE outcomes; --",
      '{1,2}',
      '"',
    ];
    expect(
      await post(...units.map((unit, index) => outcome({ id: `u${index}`, unit }))),
    ).toMatchObject({
      status: 202,
      body: { accepted: units.length },
    });
    const keys = (await stored()).map((row) => row['unit_key']);
    expect(keys[3]).toBe('a\uFFFDb');
    expect(keys[5]).toMatch(/^sha256:/);
    expect([0, 1, 2, 4, 6, 7, 8].map((index) => keys[index])).toEqual(
      [0, 1, 2, 4, 6, 7, 8].map((index) => units[index]),
    );
  });

  it('gives identical tables however outcomes are permuted, repeated and split over batches', async () => {
    const pool2 = Array.from({ length: 25 }, (_, index) =>
      outcome({
        id: `p${index}`,
        unit: `u${index % 7}`,
        value: index / 3,
        at: new Date(1_790_000_000_000 + index * 1e7).toISOString(),
      }),
    );
    await post(...pool2);
    const expected = await stored();
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray([...pool2, ...pool2, ...pool2], { minLength: 75, maxLength: 75 }),
        fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 10 }),
        async (order, sizes) => {
          await pool.query('TRUNCATE outcomes, outcome_ids');
          const batches: (readonly unknown[])[] = [];
          for (let at = 0, turn = 0; at < order.length; turn += 1) {
            const size = sizes[turn % sizes.length] ?? 1;
            batches.push(order.slice(at, at + size));
            at += size;
          }
          // At once: batches that share ids must not dead-lock or count one twice.
          const answers = await Promise.all(batches.map((batch) => post(...batch)));
          const sum = (of: (receipt: Receipt) => number): number =>
            answers.reduce((all, { body }) => all + of(body), 0);
          expect(answers.map((answer) => answer.status)).toEqual(batches.map(() => 202));
          expect(sum((receipt) => receipt.accepted)).toBe(25);
          expect(sum((receipt) => receipt.duplicates)).toBe(50);
          expect(await stored()).toEqual(expected);
        },
      ),
      { numRuns: 20 },
    );
  });

  it('acknowledges nothing while the database is away, and takes it all when it is back', async () => {
    const batch = [outcome({ id: 'a' }), outcome({ id: 'b' })];
    proxy.cut();
    const answer = await post(...batch);
    expect(answer.status).toBe(503);
    expect(Number(answer.retryAfter)).toBeGreaterThan(0);
    expect(answer.type).toMatch(/^application\/problem\+json/);
    proxy.restore();
    let again = await post(...batch);
    for (let attempt = 0; again.status === 503 && attempt < 50; attempt += 1)
      again = await post(...batch);
    expect(again).toMatchObject({ status: 202, body: { rejected: [] } });
    expect(await stored()).toHaveLength(2);
  });

  it('copies large batches, and finds the known ones among them by their ids', async () => {
    const many = Array.from({ length: 900 }, (_, index) => outcome({ id: `m${index}` }));
    expect((await post(...many)).body).toMatchObject({ accepted: 900, duplicates: 0 });
    const changed = { ...many[17], value: 2 };
    const again = [...many.slice(0, 17), changed, ...many.slice(18), outcome({ id: 'new' })];
    expect((await post(...again)).body).toMatchObject({
      accepted: 1,
      duplicates: 899,
      rejected: [{ index: 17, code: 'conflict' }],
      moreRejected: 0,
    });
    expect(await stored()).toHaveLength(901);
  });

  it('stores what COPY must escape as it was sent', async () => {
    const units = ['\\N', 'a\tb', 'c\nd', 'e\\', '\\.', "'", '"', '{}', '𝒳'];
    const many = Array.from({ length: 400 }, (_, index) =>
      outcome({
        id: `\\t${index}`,
        unit: units[index % units.length],
        name: 'a\\nb',
        value: index / 7,
      }),
    );
    expect((await post(...many)).body).toMatchObject({ accepted: 400 });
    const { rows } = await pool.query<Record<string, unknown>>(
      `SELECT id, unit_key AS unit, name, value FROM outcomes`,
    );
    const byId = (a: Record<string, unknown>, b: Record<string, unknown>): number =>
      String(a['id']) < String(b['id']) ? -1 : 1;
    const sent = many.map(({ id, unit, name, value }) => ({ id, unit, name, value }));
    expect(rows.sort(byId)).toEqual(sent.sort(byId));
  });

  // The last one: three hundred partitions make every later statement slow.
  it('bounds the partitions that one batch can make', async () => {
    const days = Array.from({ length: 102 }, (_, index) =>
      new Date(Date.UTC(2020, 0, 1) + index * DAY_MS).toISOString(),
    );
    const answer = await post(...days.map((at) => outcome({ at })));
    expect(answer.body).toMatchObject({
      accepted: 100,
      rejected: [{ index: 100, code: 'too_many_days' }, { index: 101 }],
    });
  });
});
