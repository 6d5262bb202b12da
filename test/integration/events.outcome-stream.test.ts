import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import type { ClientRequest } from 'node:http';
import { Logger } from '@nestjs/common';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startSluice } from '../../src/app/start.js';
import type { RunningSluice } from '../../src/app/start.js';
import { testConfig } from '../support/config.js';
import { cuttable, poolOf, temporaryDataDir, until } from '../support/events.js';
import type { Cuttable } from '../support/events.js';
import { freshDatabase } from '../support/postgres.js';

const ADMIN_KEY = 'admin-key-of-the-tests-0123456789';
const RETENTION_DAYS = 30;

interface Answer {
  readonly status: number;
  readonly body: {
    readonly accepted: number;
    readonly duplicates: number;
    readonly moreRejected: number;
    readonly rejected: readonly { readonly index: number; readonly code: string }[];
  };
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
  const place = { dataDir, databaseUrl: proxy.url, adminKey: ADMIN_KEY };
  sluice = await startSluice(testConfig({ ...place, retentionDays: RETENTION_DAYS }));
  await admin('PUT', '/models/spam', {});
  key = (await admin('POST', '/keys', { name: 'app', scopes: ['outcomes:write'] })).key;
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

async function admin(method: string, path: string, body: unknown): Promise<{ key: string }> {
  const response = await fetch(`${sluice.controlUrl}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(response.ok).toBe(true);
  return (await response.json()) as { key: string };
}

/** A request whose body is written piece by piece. */
function open(): { readonly sending: ClientRequest; readonly answer: Promise<Answer> } {
  const sending = request(`${sluice.controlUrl}/api/v1/outcomes`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/x-ndjson' },
  });
  const answer = new Promise<Answer>((done, failed) => {
    sending.on('error', failed);
    sending.on('response', (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('error', failed);
      response.on('end', () => {
        const body = JSON.parse(Buffer.concat(pieces).toString()) as Answer['body'];
        done({ status: response.statusCode ?? 0, body });
      });
    });
  });
  answer.catch(() => undefined); // a test that breaks the connection asks for no answer
  return { sending, answer };
}

function write(sending: ClientRequest, text: string): Promise<void> {
  return new Promise((done) => sending.write(text, () => done()));
}

function line(change: Record<string, unknown> = {}): string {
  const sent = { id: randomUUID(), model: 'spam', unit: 'ann', name: 'conversion', value: 1 };
  return `${JSON.stringify({ ...sent, ...change })}\n`;
}

function lines(prefix: string, count: number): string {
  return Array.from({ length: count }, (_, index) => line({ id: `${prefix}${index}` })).join('');
}

async function storedCount(): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM outcomes JOIN outcome_ids USING (model, id)`,
  );
  return rows[0]?.count ?? 0;
}

async function send(text: string): Promise<Answer> {
  const { sending, answer } = open();
  sending.end(text);
  return answer;
}

describe('outcomes as a stream', () => {
  it('takes far more lines than a batch may have, under one receipt', async () => {
    const answer = await send(lines('a', 25_000));
    expect(answer).toMatchObject({
      status: 202,
      body: { accepted: 25_000, duplicates: 0, rejected: [], moreRejected: 0 },
    });
    expect(await storedCount()).toBe(25_000);
  });

  it('stores lines while others are still to come', async () => {
    const { sending, answer } = open();
    await write(sending, lines('a', 5_000));
    await until('the first lines are stored', async () => (await storedCount()) >= 2_000);
    sending.end(lines('b', 10));
    expect((await answer).body).toMatchObject({ accepted: 5_010 });
  });

  it('keeps what was stored before the connection broke, and takes the rest when all comes again', async () => {
    const all = lines('a', 8_000);
    const { sending } = open();
    await write(sending, all.slice(0, 700_000));
    await until('some lines are stored', async () => (await storedCount()) >= 2_000);
    sending.destroy();
    const before = await storedCount();
    const answer = await send(all);
    expect(answer.status).toBe(202);
    expect(answer.body.accepted + answer.body.duplicates).toBe(8_000);
    expect(answer.body.duplicates).toBeGreaterThanOrEqual(before);
    expect(await storedCount()).toBe(8_000);
  });

  it('lets the first of two lines that contradict count, however far apart they are', async () => {
    const answer = await send(line({ id: 'a' }) + lines('b', 6_000) + line({ id: 'a', value: 9 }));
    expect(answer.body).toMatchObject({
      accepted: 6_001,
      rejected: [{ index: 6_001, code: 'conflict' }],
    });
    const { rows } = await pool.query<{ value: number }>(
      `SELECT value FROM outcomes WHERE id = 'a'`,
    );
    expect(rows).toEqual([{ value: 1 }]);
  });

  it('counts rejections beyond those that it tells', async () => {
    const answer = await send(`${'{"id":\n'.repeat(2_500)}${line()}`);
    expect(answer.status).toBe(202);
    expect(answer.body).toMatchObject({ accepted: 1, moreRejected: 1_500 });
    expect(answer.body.rejected.map(({ index }) => index)).toEqual(
      Array.from({ length: 1_000 }, (_, index) => index),
    );
  });

  it('does not read on while the database is away, and stores nothing twice afterwards', async () => {
    const all = lines('a', 12_000);
    const { sending, answer } = open();
    await write(sending, all.slice(0, 400_000));
    await until('the first lines are stored', async () => (await storedCount()) >= 2_000);
    proxy.cut();
    sending.end(all.slice(400_000));
    expect((await answer).status).toBe(503);
    proxy.restore();
    let again = await send(all);
    for (let turn = 0; again.status === 503 && turn < 50; turn += 1) again = await send(all);
    expect(again).toMatchObject({ status: 202 });
    expect(again.body.accepted + again.body.duplicates).toBe(12_000);
    expect(await storedCount()).toBe(12_000);
  });

  it('refuses an outcome from before the days that are kept, and says which those are', async () => {
    const ago = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString();
    const answer = await send(
      line({ at: ago(RETENTION_DAYS + 2) }) + line({ at: ago(RETENTION_DAYS - 2) }),
    );
    expect(answer.body).toMatchObject({ accepted: 1, rejected: [{ index: 0, code: 'too_old' }] });
    expect(JSON.stringify(answer.body.rejected)).toMatch(/SLUICE_RETENTION_DAYS/);
  });

  it('answers each of many streams that repeat each other, and stores every id once', async () => {
    const all = lines('a', 3_000);
    const answers = await Promise.all(Array.from({ length: 6 }, () => send(all)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 202));
    const sum = (of: (body: Answer['body']) => number): number =>
      answers.reduce((total, { body }) => total + of(body), 0);
    expect(sum(({ accepted }) => accepted)).toBe(3_000);
    expect(sum(({ duplicates }) => duplicates)).toBe(15_000);
    expect(await storedCount()).toBe(3_000);
  });
});

describe('what is stored about a unit', () => {
  it('is erased by an administrator and by nobody else', async () => {
    await send(line({ unit: 'carl & sons/é' }) + line({ unit: 'dora' }));
    const erase = (query: string, withKey: string): Promise<Response> =>
      fetch(`${sluice.controlUrl}/api/v1/units?${query}`, {
        method: 'DELETE',
        headers: { authorization: `Bearer ${withKey}` },
      });
    const query = new URLSearchParams({ unit: 'carl & sons/é', model: 'spam' }).toString();
    expect((await erase(query, key)).status).toBe(403);
    expect((await erase('model=spam', ADMIN_KEY)).status).toBe(422);
    const answer = await erase(query, ADMIN_KEY);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ erased: { outcomes: 1 } });
    expect(await storedCount()).toBe(1);
  });

  it('is listed by the day, with what goes next', async () => {
    const answer = await fetch(`${sluice.controlUrl}/api/v1/events/retention`, {
      headers: { authorization: `Bearer ${ADMIN_KEY}` },
    });
    expect(await answer.json()).toMatchObject({ retentionDays: RETENTION_DAYS, heldBy: null });
  });
});
