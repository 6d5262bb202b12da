import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Config } from '../../src/config/config.js';
import { Database } from '../../src/database/database.service.js';
import { QueueService } from '../../src/queue/queue.service.js';
import { testConfig } from '../support/config.js';
import { freshDatabase } from '../support/postgres.js';
import type { TestDatabase } from '../support/postgres.js';

interface Bench {
  readonly database: Database;
  readonly queue: QueueService;
}

Logger.overrideLogger(false);

const soon = { timeout: 20_000, interval: 50 };
let db: TestDatabase;
const benches: Bench[] = [];
beforeAll(async () => {
  db = await freshDatabase();
});
afterEach(async () => {
  for (const { queue, database } of benches.splice(0)) {
    await queue.close();
    await database.close();
  }
});
afterAll(async () => {
  await db.close();
});

async function bench(
  redisUrl: string | null,
  url = db.url,
  settings: Partial<Config> = {},
): Promise<Bench> {
  const config = testConfig({ dataDir: '/nonexistent', databaseUrl: url, redisUrl, ...settings });
  const database = new Database(config);
  const made = { database, queue: new QueueService(config, database) };
  benches.push(made);
  database.start();
  await database.whenReady();
  return made;
}

async function started(redisUrl: string | null): Promise<Bench> {
  const made = await bench(redisUrl);
  made.queue.start();
  await vi.waitFor(() => expect(made.queue.isReady).toBe(true), soon);
  return made;
}

async function queueConnections(): Promise<number> {
  const client = new pg.Client({ connectionString: db.url });
  await client.connect();
  try {
    const { rows } = await client.query<{ n: number }>(
      `SELECT count(*)::integer AS n FROM pg_stat_activity WHERE application_name = 'sluice-queue'
       AND datname = current_database()`,
    );
    return rows[0]?.n ?? 0;
  } finally {
    await client.end();
  }
}

it('connects where jobs are added or taken, and not beside a gateway alone', async () => {
  const alone = await bench(null, db.url, { roles: ['gateway'] });
  alone.queue.onApplicationBootstrap();
  expect(alone.queue.isUsed).toBe(false);
  const other = await bench(null, db.url, { roles: ['gateway', 'control'] });
  other.queue.onApplicationBootstrap();
  await vi.waitFor(() => expect(other.queue.isReady).toBe(true), soon);
  expect(await queueConnections()).toBeGreaterThan(0);
  await other.queue.close();
  await vi.waitFor(async () => expect(await queueConnections()).toBe(0), soon);
  expect(alone.queue.isReady).toBe(false);
});

function rulesOfBothBackends(redisUrl: () => string | null): void {
  it('hands a job to the handler of its name', async () => {
    const { queue } = await started(redisUrl());
    const seen: unknown[] = [];
    queue.process('one', (data) => Promise.resolve(void seen.push(data)));
    await vi.waitFor(() => expect(queue.isReady).toBe(true), soon);
    await vi.waitFor(async () => expect(await queue.add('one', { value: 1 })).toBe(true), soon);
    await vi.waitFor(() => expect(seen).toEqual([{ value: 1 }]), soon);
  });

  it('runs a delayed job later', async () => {
    const made = await bench(redisUrl());
    let ranAt = 0;
    made.queue.process('later', () => Promise.resolve(void (ranAt = Date.now())));
    made.queue.start();
    await vi.waitFor(() => expect(made.queue.isReady).toBe(true), soon);
    const addedAt = Date.now();
    expect(await made.queue.add('later', {}, { delayMs: 700 })).toBe(true);
    await vi.waitFor(() => expect(ranAt).toBeGreaterThan(0), soon);
    expect(ranAt - addedAt).toBeGreaterThanOrEqual(650);
  });

  it('keeps one job of an id while it waits, and takes the id again afterwards', async () => {
    const made = await bench(redisUrl());
    let runs = 0;
    made.queue.process('once', () => Promise.resolve(void (runs += 1)));
    made.queue.start();
    await vi.waitFor(() => expect(made.queue.isReady).toBe(true), soon);
    for (let round = 1; round <= 2; round += 1) {
      const adds = [1, 2, 3].map(() => made.queue.add('once', {}, { delayMs: 300, id: 'a:b' }));
      expect(await Promise.all(adds)).toEqual([true, true, true]);
      await vi.waitFor(() => expect(runs).toBe(round), soon);
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(runs).toBe(round);
    }
  });

  it('goes on after a handler has thrown', async () => {
    const made = await bench(redisUrl());
    let runs = 0;
    made.queue.process('bad', () => {
      runs += 1;
      return Promise.reject(new Error('on purpose'));
    });
    made.queue.start();
    await vi.waitFor(() => expect(made.queue.isReady).toBe(true), soon);
    await made.queue.add('bad', {});
    await made.queue.add('bad', {});
    await vi.waitFor(() => expect(runs).toBe(2), soon);
  });

  it('says false and neither throws nor hangs when it is not connected, not yet or no more', async () => {
    const { queue } = await bench(redisUrl());
    expect(await queue.add('one', {})).toBe(false);
    queue.start();
    await vi.waitFor(() => expect(queue.isReady).toBe(true), soon);
    await queue.close();
    expect(await queue.add('one', {})).toBe(false);
    expect(queue.failedAdds).toBe(2);
  });
}

describe('the queue on PostgreSQL', () => {
  rulesOfBothBackends(() => null);

  it('takes few connections and gives them back', async () => {
    const own = await freshDatabase();
    const count = async (): Promise<number> => {
      const client = new pg.Client(own.url);
      await client.connect();
      const { rows } = await client.query<{ n: number }>(
        'SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
      );
      await client.end();
      return rows[0]?.n ?? -1;
    };
    const { queue, database } = await bench(null, own.url);
    queue.process('one', () => Promise.resolve());
    queue.start();
    await vi.waitFor(() => expect(queue.isReady).toBe(true), soon);
    for (let index = 0; index < 20; index += 1) await queue.add('one', { index });
    expect(await count()).toBeLessThanOrEqual(12 + 2 + 2 + 1);
    await queue.close();
    await database.close();
    await vi.waitFor(async () => expect(await count()).toBe(0), soon);
    await own.close();
  });

  it('works again after every one of its connections was cut', async () => {
    const made = await bench(null);
    const seen = new Set<number>();
    made.queue.process('cut', (data) => Promise.resolve(void seen.add((data as { n: number }).n)));
    made.queue.start();
    await vi.waitFor(() => expect(made.queue.isReady).toBe(true), soon);
    await made.database.pool.query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
    );
    await vi.waitFor(async () => expect(await made.queue.add('cut', { n: 1 })).toBe(true), soon);
    await vi.waitFor(async () => {
      await made.queue.add('cut', { n: 2 });
      expect(seen.has(2)).toBe(true);
    }, soon);
    expect(made.queue.rebuildCount).toBeGreaterThan(0);
  });
});

function redisBinary(): string | null {
  for (const name of ['redis-server', 'valkey-server']) {
    try {
      return execFileSync('which', [name], { encoding: 'utf8' }).trim();
    } catch {
      continue;
    }
  }
  return null;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

const binary = redisBinary();
describe.skipIf(binary === null)(
  'the queue on Redis (skipped without redis-server on the PATH)',
  () => {
    let server: ChildProcess;
    let dir: string;
    let port: number;
    const start = async (): Promise<void> => {
      server = spawn(
        binary ?? '',
        ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--save', ''],
        {
          stdio: ['ignore', 'pipe', 'ignore'],
        },
      );
      for await (const chunk of server.stdout ?? [])
        if (String(chunk).includes('eady to accept')) break;
    };
    const kill = async (): Promise<void> => {
      server.kill('SIGKILL');
      await once(server, 'exit');
    };
    beforeAll(async () => {
      dir = mkdtempSync(join(tmpdir(), 'sluice-redis-'));
      port = await freePort();
      await start();
    });
    afterAll(async () => {
      await kill();
      rmSync(dir, { recursive: true, force: true });
    });

    rulesOfBothBackends(() => `redis://127.0.0.1:${port}`);

    it('says false while Redis is away and works again when it is back', async () => {
      const made = await bench(`redis://127.0.0.1:${port}`);
      const seen: unknown[] = [];
      made.queue.process('back', (data) => Promise.resolve(void seen.push(data)));
      made.queue.start();
      await vi.waitFor(() => expect(made.queue.isReady).toBe(true), soon);
      await kill();
      const since = Date.now();
      expect(await made.queue.add('back', {})).toBe(false);
      expect(Date.now() - since).toBeLessThan(2_000);
      await start();
      await vi.waitFor(async () => expect(await made.queue.add('back', { n: 1 })).toBe(true), soon);
      await vi.waitFor(() => expect(seen.length).toBeGreaterThan(0), soon);
    });
  },
);
