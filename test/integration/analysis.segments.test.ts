import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AnalysisService } from '../../src/analysis/analysis.service.js';
import { controlServer } from '../../src/app/control-server.js';
import { createApp } from '../../src/app/start.js';
import { FirstKeyService } from '../../src/auth/first-key.service.js';
import { Database } from '../../src/database/database.service.js';
import { ExperimentsService } from '../../src/experiments/experiments.service.js';
import { testConfig } from '../support/config.js';
import {
  exposure,
  insertEvents,
  prediction,
  requestIdAt,
  settle,
} from '../support/metric-events.js';
import { freshDatabase, type TestDatabase } from '../support/postgres.js';

const UNITS = 800;
const dataDir = mkdtempSync(join(tmpdir(), 'sluice-segments-'));

let db: TestDatabase;
let app: NestFastifyApplication;
let key: string;

beforeAll(async () => {
  db = await freshDatabase();
  const config = testConfig({ dataDir, databaseUrl: db.url, roles: ['control'] });
  app = await createApp(config, controlServer(config));
  await app.listen(0, '127.0.0.1');
  await app.get(Database, { strict: false }).whenReady();
  const first = await app.get(FirstKeyService, { strict: false }).ensure();
  key = first.kind === 'present' ? '' : first.key;
  await call('PUT', '/models/spam', {
    capture: {
      output: { both: '/both' },
      input: { tier: '/tier', lang: '/lang', both: '/both' },
    },
  });
  for (const version of ['v1', 'v2']) {
    await call('PUT', `/models/spam/versions/${version}`, { url: 'http://127.0.0.1:9' });
  }
  for (const name of ['spam-v2', 'draft']) await call('POST', '/experiments', experiment(name));
  await call('POST', '/experiments/spam-v2/start', { reason: 'go' });
  await gatherEvidence();
});

afterAll(async () => {
  await app.close();
  await db.close();
  rmSync(dataDir, { recursive: true, force: true });
});

const experiment = (name: string) => ({
  name,
  model: 'spam',
  kind: 'ab',
  variants: [
    { name: 'control', version: 'v1', control: true },
    { name: 'v2', version: 'v2' },
  ],
  metrics: [
    { metric: 'latency_ms', role: 'success' },
    { metric: 'error_rate', role: 'guardrail', nonInferiorityMargin: { absolute: 0.05 } },
  ],
  analysis: { minimumDetectableEffect: { relative: 0.1 }, plannedUnits: 1000 },
});

async function call(method: string, path: string, body?: unknown) {
  const response = await fetch(`${await app.getUrl()}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- asserted by each test
  return { status: response.status, body: (await response.json()) as any };
}

/** The variant is 20 ms slower for the free tier alone, which also loses every fifth unit of it. */
async function gatherEvidence(): Promise<void> {
  const started = await app.get(ExperimentsService, { strict: false }).get('spam-v2');
  const atMs = Date.now();
  const events = Array.from({ length: UNITS }, (_, unit) => {
    const isTreated = unit % 2 === 1;
    const isFree = unit % 4 > 1;
    return {
      isLost: isTreated && isFree && unit % 5 === 0,
      requestId: requestIdAt(atMs, unit),
      atMs,
      unitKey: `u${String(unit)}`,
      experimentId: started.id,
      phase: started.rollout?.phases[0]?.phase ?? 0,
      variant: isTreated ? 'v2' : 'control',
      latencyMs: 50 + ((unit * 13) % 7) + (isTreated && isFree ? 20 : 0),
      captured: { tier: isFree ? 'free' : 'paid' },
    };
  }).filter(({ isLost }) => !isLost);
  const { pool } = app.get(Database, { strict: false });
  await insertEvents(pool, {
    exposures: events.map(({ requestId, unitKey, experimentId, phase, variant }) =>
      exposure({ requestId, atMs, unitKey, experimentId, phase, variant }),
    ),
    predictions: events.map(({ isLost: _isLost, ...fields }) => prediction(fields)),
  });
  await settle(pool);
  await app.get(AnalysisService, { strict: false }).run(started);
}

const segments = (name: string, query: string) =>
  call('GET', `/experiments/${name}/segments?${query}`);

describe('GET /experiments/{id}/segments', () => {
  it('shows in which segment an effect and a mismatch sit', async () => {
    const { status, body } = await segments('spam-v2', 'attribute=tier&metric=latency_ms');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      ...{ display: 'diagnostic', attribute: 'tier', metric: 'latency_ms', epoch: 1 },
      segments: [
        {
          segment: { kind: 'value', value: 'paid' },
          arms: [
            { variant: 'control', n: 200, difference: null },
            { variant: 'v2', n: 200, difference: { kind: 'estimated', level: 0.95 } },
          ],
          sampleRatio: { chiSquarePValue: 1 },
        },
        {
          segment: { kind: 'value', value: 'free' },
          arms: [
            { variant: 'control', n: 200 },
            { variant: 'v2', n: 160, difference: { kind: 'estimated' } },
          ],
        },
      ],
    });
    const [paid, free] = body.segments;
    expect(paid.arms[1].difference.interval.lower).toBeLessThan(0);
    expect(paid.arms[1].difference.interval.upper).toBeGreaterThan(0);
    expect(free.arms[1].difference.interval.lower).toBeGreaterThan(15);
    expect(free.sampleRatio.chiSquarePValue).toBeLessThan(0.05);
  });

  it('is no part of a report', async () => {
    const { body } = await call('GET', '/experiments/spam-v2/report');
    expect(JSON.stringify(body)).not.toContain('diagnostic"');
    expect(JSON.stringify(body)).not.toContain('segment');
  });

  it.each([
    ['attribute=both&metric=latency_ms', 'attribute', 'one of lang, tier'],
    ['attribute=tier&metric=clicks', 'metric', 'one of latency_ms, error_rate'],
  ])('refuses %s and names what is known', async (query, field, expected) => {
    const { status, body } = await segments('spam-v2', query);
    expect(status).toBe(422);
    expect(body.defects).toMatchObject([{ field, expected }]);
  });

  it('needs both parameters, and a start', async () => {
    expect((await segments('spam-v2', 'attribute=tier')).status).toBe(422);
    expect((await segments('draft', 'attribute=tier&metric=latency_ms')).status).toBe(409);
  });
});
