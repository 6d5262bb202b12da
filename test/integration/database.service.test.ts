import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { ConfigModule } from '../../src/config/config.module.js';
import { DatabaseModule } from '../../src/database/database.module.js';
import { Database } from '../../src/database/database.service.js';
import { SluiceError } from '../../src/kernel/errors.js';
import { testConfig } from '../support/config.js';
import { emptyDatabase, freshDatabase } from '../support/postgres.js';
import type { TestDatabase } from '../support/postgres.js';

Logger.overrideLogger(false);

/** A door in front of PostgreSQL that can be shut, cut and frozen. */
interface Proxy {
  readonly url: string;
  readonly open: () => Promise<void>;
  readonly shut: () => Promise<void>;
  readonly cut: () => void;
  /** No byte goes through the present connections any more, and nothing tells either side. */
  readonly freeze: () => void;
}

@Entity({ name: 'metrics' })
class MetricProbeRow {
  @PrimaryColumn({ type: 'text' })
  name!: string;

  @Column({ type: 'jsonb' })
  definition!: object;
}

@Module({ imports: [DatabaseModule.rows([MetricProbeRow])] })
class ProbeModule {}

let db: TestDatabase;
const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
beforeAll(async () => {
  db = await freshDatabase();
});
afterAll(async () => {
  await db.close();
});

function database(url: string): Database {
  const made = new Database(testConfig({ dataDir: '/nonexistent', databaseUrl: url }));
  made.start();
  cleanups.push(() => made.close());
  return made;
}

async function proxy(): Promise<Proxy> {
  const target = new URL(db.url);
  const socketPath = `${target.searchParams.get('host') ?? ''}/.s.PGSQL.5432`;
  const sockets = new Set<Socket>();
  const frozen = new Set<Socket>();
  const server: Server = createServer((client) => {
    const upstream = connect(socketPath);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('error', () => undefined);
      from.on('close', () => to.destroy());
      from.on('data', (chunk: Buffer) => (frozen.has(from) ? undefined : to.write(chunk)));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  const shut = async (): Promise<void> => {
    if (!server.listening) return;
    server.close();
    cut();
    await once(server, 'close');
  };
  cleanups.push(shut);
  target.searchParams.delete('host');
  target.host = `127.0.0.1:${port}`;
  return {
    url: target.href,
    cut,
    shut,
    open: async () => {
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
    },
    freeze: () => {
      for (const socket of sockets) frozen.add(socket);
    },
  };
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'none';
  } catch (error) {
    return error instanceof SluiceError ? error.code : `not ours: ${String(error)}`;
  }
}

describe('the database service', () => {
  it('maps the rows that modules register and shares one pool with the hot paths', async () => {
    const module = await Test.createTestingModule({
      imports: [
        ConfigModule.forRoot(testConfig({ dataDir: '/nonexistent', databaseUrl: db.url })),
        ProbeModule,
      ],
    }).compile();
    await module.init();
    const service = module.get(Database);
    await service.whenReady();
    const name = randomUUID();
    await service.transaction((tx) =>
      tx.getRepository(MetricProbeRow).save({ name, definition: { kind: 'mean' } }),
    );
    const { rows } = await service.pool.query('SELECT definition FROM metrics WHERE name = $1', [
      name,
    ]);
    expect(rows).toEqual([{ definition: { kind: 'mean' } }]);
    await module.close();
    expect(service.isReady).toBe(false);
    expect(() => service.manager).toThrow(SluiceError);
  });

  it('rolls a transaction back when its work throws', async () => {
    const service = database(db.url);
    await service.whenReady();
    const name = randomUUID();
    const work = service.transaction(async (tx) => {
      await tx.query(`INSERT INTO metrics (name, definition) VALUES ($1, '{}')`, [name]);
      throw new Error('changed my mind');
    });
    await expect(work).rejects.toThrow('changed my mind');
    const { rowCount } = await service.pool.query('SELECT 1 FROM metrics WHERE name = $1', [name]);
    expect(rowCount).toBe(0);
    await service.close();
  });

  it('does not hold the start of the process, says unavailable meanwhile, and connects when the server comes', async () => {
    const door = await proxy();
    await door.shut();
    const service = database(door.url);
    expect(service.isReady).toBe(false);
    expect(() => service.manager).toThrow(/not connected/);
    expect(() => service.pool).toThrow(/not connected/);
    expect(await service.ping()).toBeNull();
    const since = Date.now();
    expect(await codeOf(service.transaction(() => Promise.resolve()))).toBe('unavailable');
    expect(Date.now() - since).toBeLessThan(4_000);
    expect(service.failure).toBeNull();
    await door.open();
    await service.whenReady();
    expect(await service.ping()).toBeGreaterThan(0);
  });

  it('calls a lost connection unavailable and works again afterwards', async () => {
    const door = await proxy();
    const service = database(door.url);
    await service.whenReady();
    const slow = codeOf(service.transaction((tx) => tx.query('SELECT pg_sleep(20)')));
    await sleep(200);
    await door.shut();
    expect(await slow).toBe('unavailable');
    expect(await codeOf(service.transaction((tx) => tx.query('SELECT 1')))).toBe('unavailable');
    await door.open();
    expect(await codeOf(service.transaction((tx) => tx.query('SELECT 1')))).toBe('none');
  });

  it('passes an error of the statement through as it is', async () => {
    const service = database(db.url);
    await service.whenReady();
    await expect(service.transaction((tx) => tx.query('SELECT 1 / 0'))).rejects.toThrow(
      'division by zero',
    );
  });

  it('closes within seconds while the server is frozen, and leaves no connection behind', async () => {
    const door = await proxy();
    const service = database(door.url);
    await service.whenReady();
    service.listen('sluice_plan', () => undefined);
    const stuck = codeOf(
      service.transaction(async (tx) => {
        await tx.query('SELECT 1');
        door.freeze();
        await tx.query('SELECT 1');
      }),
    );
    await sleep(500);
    const since = Date.now();
    await service.close();
    expect(Date.now() - since).toBeLessThan(8_000);
    expect(await stuck).toBe('unavailable');
  });

  it('hears notifications, and after a cut or a freeze is told to look again', async () => {
    const door = await proxy();
    const service = database(door.url);
    const direct = database(db.url);
    await Promise.all([service.whenReady(), direct.whenReady()]);
    const heard: string[] = [];
    const silence = service.listen('sluice_test', (payload) => heard.push(payload));
    const notify = (payload: string): Promise<unknown> =>
      direct.pool.query(`SELECT pg_notify('sluice_test', $1)`, [payload]);
    await vi.waitFor(() => expect(heard).toEqual(['']), { timeout: 20_000 });
    await notify('1');
    await vi.waitFor(() => expect(heard).toEqual(['', '1']), { timeout: 20_000 });
    door.cut();
    // missed, or heard by the next connection if that is there already: either way it comes after the empty one
    await notify('meanwhile');
    await vi.waitFor(() => expect(heard[2]).toBe(''), { timeout: 20_000 });
    await notify('2');
    await vi.waitFor(() => expect(heard.at(-1)).toBe('2'), { timeout: 20_000 });
    silence();
    const before = heard.length;
    await notify('3');
    await sleep(300);
    expect(heard).toHaveLength(before);
  });

  it('notices a half-open listening connection by its heartbeat', async () => {
    const door = await proxy();
    const service = database(door.url);
    await service.whenReady();
    const heard: string[] = [];
    service.listen('sluice_test', (payload) => heard.push(payload));
    await vi.waitFor(() => expect(heard).toEqual(['']), { timeout: 5_000 });
    door.freeze();
    await vi.waitFor(() => expect(heard).toEqual(['', '']), { timeout: 15_000 });
  });

  it('lets a gateway wait until the control plane has migrated, and never migrates itself', async () => {
    const empty = await emptyDatabase();
    cleanups.push(() => empty.close());
    const gateway = new Database(
      testConfig({ dataDir: '/nonexistent', databaseUrl: empty.url, roles: ['gateway'] }),
    );
    gateway.start();
    cleanups.push(() => gateway.close());
    await sleep(800);
    expect(gateway.isReady).toBe(false);
    await database(empty.url).whenReady();
    await gateway.whenReady();
    expect(gateway.isReady).toBe(true);
  });
});
