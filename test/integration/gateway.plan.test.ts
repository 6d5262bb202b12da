import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PlanSnapshot } from '../../src/gateway/plan-snapshot.js';
import type { TrafficPlan } from '../../src/routing/plan.js';
import {
  MemoryPlanSource,
  modelPlan,
  pause,
  startGateway,
  startUpstream,
  trafficPlan,
  versionPlan,
  type TestUpstream,
} from '../support/gateway.js';

let upstreams: TestUpstream[] = [];
const folders: string[] = [];

beforeAll(async () => {
  upstreams = await Promise.all(
    ['a', 'b'].map((name) => startUpstream((_req, res) => res.end(name))),
  );
});

afterAll(async () => {
  await Promise.all(upstreams.map((upstream) => upstream.close()));
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'sluice-plan-'));
  folders.push(made);
  return made;
}

/** A plan whose champion carries the plan's number in its name; even and odd plans use other upstreams. */
function planOf(version: number): TrafficPlan {
  const url = upstreams[version % 2]?.url ?? '';
  return trafficPlan(version, modelPlan([versionPlan(`p${version}`, url)]));
}

describe('a new plan', () => {
  it('is adopted in well under half a second when its notification is lost, because of the poll', async () => {
    const gateway = await startGateway(new MemoryPlanSource(planOf(1)));
    gateway.source.publish(planOf(2), false);
    const startedMs = performance.now();
    while (gateway.live.current?.version !== 2 && performance.now() - startedMs < 2_000) {
      await pause(5);
    }
    expect(performance.now() - startedMs).toBeLessThan(700);
    await gateway.close();
  });

  it('is never replaced by an older one', async () => {
    const gateway = await startGateway(new MemoryPlanSource(planOf(5)));
    // A source that breaks its promise: a replica that lags behind.
    gateway.source.latest = () => Promise.resolve(planOf(4));
    await gateway.live.refresh();
    expect(gateway.live.current?.version).toBe(5);
    await gateway.close();
  });

  it('stays in force while the source fails, and is followed again afterwards', async () => {
    const gateway = await startGateway(new MemoryPlanSource(planOf(1)));
    const { latest } = gateway.source;
    gateway.source.latest = () => Promise.reject(new Error('connection refused'));
    await gateway.live.refresh();
    expect((await fetch(`${gateway.url}/models/m`)).status).toBe(200);
    gateway.source.latest = latest;
    gateway.source.publish(planOf(2));
    await gateway.live.refresh();
    expect(gateway.live.current?.version).toBe(2);
    await gateway.close();
  });

  it('never mixes with another one and never goes back, under load', async () => {
    const gateway = await startGateway(new MemoryPlanSource(planOf(1)));
    let isOver = false;
    let requests = 0;
    const client = async (): Promise<void> => {
      let newest = 0;
      while (!isOver) {
        const reply = await fetch(`${gateway.url}/models/m`, { method: 'POST', body: 'x' });
        const version = Number(reply.headers.get('x-sluice-config-version'));
        expect(reply.status).toBe(200);
        expect(reply.headers.get('x-sluice-version')).toBe(`p${version}`);
        expect(await reply.text()).toBe(version % 2 === 0 ? 'a' : 'b');
        expect(version).toBeGreaterThanOrEqual(newest);
        newest = version;
        requests++;
      }
    };
    const clients = Array.from({ length: 16 }, client);
    for (let version = 2; version <= 120; version++) {
      gateway.source.publish(planOf(version));
      await pause(5);
    }
    isOver = true;
    await Promise.all(clients);
    expect(requests).toBeGreaterThan(100);
    expect(gateway.live.current?.version).toBe(120);
    await gateway.close();
  });
});

describe('a cold start without a database', () => {
  it('serves from the snapshot within two seconds', async () => {
    const dataDir = folder();
    const source = new MemoryPlanSource(planOf(7));
    await (await startGateway(source, { dataDir })).close();
    const away = new MemoryPlanSource();
    away.isReady = false;
    const startedMs = performance.now();
    const gateway = await startGateway(away, { dataDir });
    const reply = await fetch(`${gateway.url}/models/m`);
    expect(performance.now() - startedMs).toBeLessThan(2_000);
    expect(reply.status).toBe(200);
    expect(reply.headers.get('x-sluice-config-version')).toBe('7');
    expect((await fetch(`${gateway.url}/ready`)).status).toBe(200);
    await gateway.close();
  });

  it('answers 503 while there is no snapshot either, and is not ready', async () => {
    const away = new MemoryPlanSource();
    away.isReady = false;
    const gateway = await startGateway(away);
    const reply = await fetch(`${gateway.url}/models/m`);
    expect(reply.status).toBe(503);
    expect(reply.headers.get('retry-after')).toBe('1');
    expect(await reply.json()).toMatchObject({ code: 'no_plan' });
    expect((await fetch(`${gateway.url}/ready`)).status).toBe(503);
    expect((await fetch(`${gateway.url}/live`)).status).toBe(200);
    await gateway.close();
  });

  it('is over with the first answer of a database that holds no plan: unknown models are a 404', async () => {
    const gateway = await startGateway(new MemoryPlanSource());
    expect((await fetch(`${gateway.url}/models/m`)).status).toBe(404);
    expect((await fetch(`${gateway.url}/ready`)).status).toBe(200);
    await gateway.close();
  });
});

describe('the snapshot', () => {
  async function saved(...versions: readonly number[]): Promise<string> {
    const path = join(folder(), 'plan');
    const snapshot = new PlanSnapshot(path);
    for (const version of versions) await snapshot.save(planOf(version));
    return path;
  }

  function fileOf(path: string, version: number): string {
    const name = readdirSync(path).find((file) =>
      readFileSync(join(path, file), 'utf8').includes(`"version":${version},`),
    );
    return join(path, name ?? 'none');
  }

  it('gives back the newest of three generations', async () => {
    const path = await saved(1, 2, 3, 4, 9);
    expect(readdirSync(path)).toHaveLength(3);
    expect(await new PlanSnapshot(path).load()).toEqual(planOf(9));
    for (const version of [3, 4]) expect(fileOf(path, version)).not.toContain('none');
  });

  it.each([
    ['cut short', (text: string) => text.slice(0, text.length / 2)],
    ['changed in one letter', (text: string) => text.replace('127.0.0.1', '127.0.0.2')],
    ['empty', () => ''],
    ['something else', () => '{}'],
    ['of another format', (text: string) => text.replace('sluice-plan-1', 'sluice-plan-2')],
  ])('falls back to the generation before when the newest is %s', async (_name, damage) => {
    const path = await saved(1, 2, 3);
    const file = fileOf(path, 3);
    writeFileSync(file, damage(readFileSync(file, 'utf8')));
    expect((await new PlanSnapshot(path).load())?.version).toBe(2);
    await new PlanSnapshot(path).save(planOf(4));
    expect((await new PlanSnapshot(path).load())?.version).toBe(4);
    expect(fileOf(path, 2)).not.toContain('none');
  });

  it('is not set back by a process that is late', async () => {
    const path = await saved(7, 8, 9);
    await new PlanSnapshot(path).save(planOf(6));
    expect((await new PlanSnapshot(path).load())?.version).toBe(9);
    for (const version of [7, 8]) expect(fileOf(path, version)).not.toContain('none');
  });

  it('is null when nothing is there or nothing is intact', async () => {
    expect(await new PlanSnapshot(join(folder(), 'nowhere')).load()).toBeNull();
    const path = await saved(1);
    writeFileSync(fileOf(path, 1), 'x');
    expect(await new PlanSnapshot(path).load()).toBeNull();
  });
});

describe('the end of the gateway', () => {
  it('aborts no request, while callers keep coming on their open connections', async () => {
    const slow = await startUpstream((_req, res) => {
      setTimeout(() => res.end('slow'), 20);
    });
    const plan = trafficPlan(1, modelPlan([versionPlan('v1', slow.url)]));
    const gateway = await startGateway(new MemoryPlanSource(plan));
    let isClosing = false;
    let served = 0;
    const broken: string[] = [];
    const client = async (): Promise<void> => {
      for (;;) {
        try {
          const reply = await fetch(`${gateway.url}/models/m`, { method: 'POST', body: 'x' });
          if ((await reply.text()) === 'slow') served++;
        } catch (error) {
          const { cause } = error as { cause?: { code?: string } };
          // Refused: the listener is gone, which is how callers are sent elsewhere.
          if (!isClosing || cause?.code !== 'ECONNREFUSED') broken.push(String(cause?.code));
          return;
        }
      }
    };
    const clients = Array.from({ length: 8 }, client);
    await pause(200);
    isClosing = true;
    await gateway.close();
    await Promise.all(clients);
    await slow.close();
    expect(broken).toEqual([]);
    expect(served).toBeGreaterThan(20);
  });
});
