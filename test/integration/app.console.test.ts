import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { pathSchema, reportSchema } from '../../src/analysis/report.contract.js';
import { sessionSchema } from '../../src/auth/session.contract.js';
import { experimentListSchema } from '../../src/experiments/experiment-view.contract.js';
import { metricListSchema } from '../../src/metrics/metric-view.contract.js';
import { modelListSchema } from '../../src/models/model-view.contract.js';
import {
  seriesSchema,
  servedSchema,
  trafficSchema,
} from '../../src/monitoring/monitoring.contract.js';
import {
  type Changes,
  changesSchema,
  decisionLogSchema,
  decisionSchema,
  recentDecisionsSchema,
  replaySchema,
  standingSchema,
} from '../../src/rollouts/decision.contract.js';
import { freshDatabase, type TestDatabase } from '../support/postgres.js';
import {
  startTestSluice,
  startUpstream,
  type TestSluice,
  until,
  type Upstream,
} from '../support/sluice.js';

const ADMIN = 'admin-key-of-the-tests-0123456789';
const REQUESTS = 40;

let database: TestDatabase;
let sluice: TestSluice;
let upstream: Upstream;
let url: string;
let id: string;
let enrolled: number;

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- asserted by each test
async function read(path: string, key = ADMIN): Promise<any> {
  const answer = await fetch(`${url}/api/v1${path}`, {
    headers: { authorization: `Bearer ${key}` },
  });
  expect(answer.status, path).toBe(200);
  return answer.json();
}

function total(rows: readonly Record<string, number>[], field: string): number {
  return rows.reduce((sum, row) => sum + (row[field] ?? 0), 0);
}

/** Signs in as a browser would; the cookie that it would keep. */
async function signIn(key: string): Promise<string> {
  const answer = await fetch(`${url}/api/v1/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: url },
    body: JSON.stringify({ key }),
  });
  expect(answer.status).toBe(200);
  return (answer.headers.get('set-cookie') ?? '').split(';')[0]!;
}

beforeAll(async () => {
  database = await freshDatabase();
  sluice = await startTestSluice({ databaseUrl: database.url });
  const { client } = sluice;
  url = client.address.controlUrl;
  upstream = await startUpstream((body) => ({
    status: body['bad'] === true ? 500 : 200,
    body: {},
  }));
  await client.putModel('spam', {});
  for (const version of ['v1', 'v2'])
    await client.putVersion('spam', version, { url: upstream.url });
  const made = await client.createExperiment({
    ...{ name: 'shown', model: 'spam', kind: 'ab' },
    variants: [
      { name: 'control', version: 'v1', control: true },
      { name: 'v2', version: 'v2' },
    ],
    metrics: [{ metric: 'latency_ms', role: 'success' }],
    analysis: { minimumDetectableEffect: { relative: 0.1 }, plannedUnits: 1_000, interval: '1s' },
  });
  id = made.id;
  await client.perform('shown', 'start', 'a test');
  const answers = await Promise.all(
    Array.from({ length: REQUESTS }, (_, index) =>
      client.predict({
        model: 'spam',
        path: '/',
        unit: `u${index}`,
        body: { bad: index % 4 === 0 },
      }),
    ),
  );
  enrolled = answers.filter(({ reason }) => reason === 'experiment').length;
  await until('a report', async () => ((await client.report('shown')) === null ? null : true));
});

afterAll(async () => {
  await sluice.close();
  await upstream.close();
  await database.close();
});

describe('what the console reads', () => {
  it('is what the API document says, route by route', async () => {
    const answers: readonly (readonly [string, z.ZodType])[] = [
      ['/models', modelListSchema],
      ['/metrics', metricListSchema],
      ['/experiments', experimentListSchema],
      ['/experiments/shown/report', reportSchema],
      ['/experiments/shown/path', pathSchema],
      ['/experiments/shown/standing', standingSchema],
      ['/experiments/shown/decisions', decisionLogSchema],
      ['/experiments/shown/decisions/1', decisionSchema],
      ['/decisions', recentDecisionsSchema],
      ['/traffic', trafficSchema],
      ['/models/spam/traffic', seriesSchema],
      [`/experiments/${id}/served`, servedSchema],
      ['/session', sessionSchema],
    ];
    for (const [path, schema] of answers) {
      const parsed = schema.safeParse(await read(path));
      expect(parsed.error?.issues ?? [], path).toEqual([]);
    }
    const replayed = await fetch(`${url}/api/v1/experiments/shown/decisions/1/replay`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ADMIN}` },
    });
    expect(replaySchema.safeParse(await replayed.json()).success).toBe(true);
  });

  it('leaves the inputs of decisions out when asked to, and has them one by one', async () => {
    const { decisions } = await read('/experiments/shown/decisions?inputs=false');
    expect(decisions[0]).not.toHaveProperty('inputs');
    expect((await read('/experiments/shown/decisions/1')).inputs).toBeDefined();
  });
});

describe('traffic', () => {
  it('counts every request by the version that served it, with its errors', async () => {
    const model = await until('all requests', async () => {
      const { models } = await read('/traffic?minutes=5');
      return models[0]?.requests === REQUESTS ? models[0] : null;
    });
    expect(model).toMatchObject({ model: 'spam', health: 'failing' });
    expect(total(model.versions, 'errors')).toBe(REQUESTS / 4);
    expect(total(model.versions, 'share')).toBeCloseTo(1, 12);
    const { points, stretchMs } = await read('/models/spam/traffic?minutes=10&points=20');
    expect(stretchMs).toBe(30_000);
    expect(total(points, 'requests')).toBe(REQUESTS);
    const { cells } = await read(`/experiments/${id}/served`);
    for (const { assigned, served } of cells) expect(served).toBe(assigned);
    expect(total(cells, 'requests')).toBe(enrolled);
  });
});

describe('a session', () => {
  it('may do what its key may do, until the key is revoked', async () => {
    const headers = { authorization: `Bearer ${ADMIN}` };
    const made = await fetch(`${url}/api/v1/keys`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'reader', scopes: ['models:read'] }),
    });
    const { key, id: keyId } = (await made.json()) as { key: string; id: string };
    const cookie = await signIn(key);
    const status = async (path: string) =>
      (await fetch(`${url}/api/v1${path}`, { headers: { cookie } })).status;
    expect(await status('/models')).toBe(200);
    expect(await status('/experiments')).toBe(403);
    const revoked = await fetch(`${url}/api/v1/keys/${keyId}`, { method: 'DELETE', headers });
    expect(revoked.status).toBe(204);
    await until('the end of the session', async () =>
      (await status('/models')) === 401 ? true : null,
    );
  });

  it('is used by pages of this origin alone', async () => {
    const cookie = await signIn(ADMIN);
    const post = async (origin: string | null) => {
      const answer = await fetch(`${url}/api/v1/experiments/shown/resume`, {
        method: 'POST',
        headers: {
          ...{ cookie, 'content-type': 'application/json' },
          ...(origin === null ? {} : { origin }),
        },
        body: JSON.stringify({ reason: 'from elsewhere' }),
      });
      return answer.status;
    };
    expect(await post('http://evil.example')).toBe(403);
    expect(await post('http://127.0.0.1:1')).toBe(403);
    expect(await post(null)).toBe(403);
    expect(await post(url)).toBe(409);
    const elsewhere = await fetch(`${url}/api/v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: 'http://evil.example' },
      body: JSON.stringify({ key: ADMIN }),
    });
    expect(elsewhere.status).toBe(403);
  });

  it('is nothing without our seal, and does not rescue a wrong key', async () => {
    const port = new URL(url).port;
    const get = async (headers: Record<string, string>) =>
      (await fetch(`${url}/api/v1/models`, { headers })).status;
    expect(await get({ cookie: `sluice_session_${port}=v1.AAAA` })).toBe(401);
    const cookie = await signIn(ADMIN);
    expect(await get({ cookie, authorization: 'Bearer sl_wrong_wrong_wrong_wrong' })).toBe(401);
  });
});

describe('the stream of changes', () => {
  it('begins with the present state and says when something has changed', async () => {
    const abort = new AbortController();
    const cookie = await signIn(ADMIN);
    const answer = await fetch(`${url}/api/v1/changes`, {
      headers: { cookie },
      signal: abort.signal,
    });
    expect(answer.headers.get('content-type')).toContain('text/event-stream');
    const seen: string[] = [];
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
    const next = async (): Promise<Changes> => {
      for (;;) {
        const line = /^data: (.*)$/m.exec(seen.join(''));
        if (line?.[1] !== undefined) {
          seen.length = 0;
          return JSON.parse(line[1]) as Changes;
        }
        const { value, done } = await reader.read();
        if (done) throw new Error('the stream ended');
        seen.push(value);
      }
    };
    const first = await next();
    expect(changesSchema.safeParse(first).success).toBe(true);
    expect(first.experiments[id]).toBeDefined();
    await sluice.client.perform('shown', 'abort', 'a test');
    let now = first;
    while (now.experiments[id] !== undefined) now = await next();
    expect(now.decisions).toBeGreaterThan(first.decisions);
    expect(now.configVersion).toBeGreaterThan(first.configVersion);
    abort.abort();
  });
});
