import { execFileSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Logger } from '@nestjs/common';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { pidExists, startTimeOf } from '../../src/config/process-identity.js';
import { childOptions } from '../../src/database/cluster.js';
import { Database } from '../../src/database/database.service.js';
import { EmbeddedPostgres } from '../../src/database/embedded-postgres.js';
import { findPackage, prepareBinaries } from '../../src/database/postgres-binaries.js';
import { canReach, serverAccount } from '../../src/database/server-account.js';
import type { ServerAccount } from '../../src/database/server-account.js';
import { testConfig } from '../support/config.js';
import { firstLine, nodeChild } from '../support/node-child.js';
import type { ChildAccount } from '../support/node-child.js';

Logger.overrideLogger(false);

const isRoot = process.getuid?.() === 0;
const project = fileURLToPath(new URL('../..', import.meta.url));
/** An ordinary account to test with when we are root; null when it could not even read the sources. */
const ordinary: ServerAccount | null =
  isRoot && canReach(serverAccount(), join(project, 'src'), 'execute') ? serverAccount() : null;

interface Started {
  readonly child: ChildProcess;
  readonly url: string;
  readonly pid: number;
  readonly error?: string;
}

/** Made once: a cluster that was started and stopped; tests that are not about the first start copy it. */
let made: string;
let base: string;
let dir: string;
const servers: EmbeddedPostgres[] = [];
const children: ChildProcess[] = [];
beforeAll(async () => {
  made = mkdtempSync(join(tmpdir(), 'sluice-pg-made-'));
  const server = new EmbeddedPostgres(made);
  await server.start();
  await server.stop();
});
afterAll(() => rmSync(made, { recursive: true, force: true }));
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'sluice-pg-'));
  chmodSync(base, 0o755);
  dir = join(base, 'data');
});
afterEach(async () => {
  for (const child of children.splice(0)) await end(child, 'SIGTERM');
  for (const server of servers.splice(0)) await server.stop();
  rmSync(base, { recursive: true, force: true });
});

function embedded(at = dir): EmbeddedPostgres {
  const server = new EmbeddedPostgres(at);
  servers.push(server);
  return server;
}

/** The folder of a database that was used before. */
function usedFolder(at = dir): string {
  execFileSync('cp', ['-a', made, at]);
  return at;
}

async function inChild(account: ChildAccount = {}): Promise<Started> {
  const child = nodeChild('./embedded-child.ts', [dir], account);
  children.push(child);
  return { child, ...(JSON.parse(await firstLine(child)) as Omit<Started, 'child'>) };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, 'exit');
}

async function ask<T extends pg.QueryResultRow>(url: string, sql: string): Promise<T[]> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 5_000,
    query_timeout: 10_000,
  });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<T>(sql)).rows;
  } finally {
    await client.end().catch(() => undefined);
  }
}

function isGone(pid: number): boolean {
  return !pidExists(pid) || startTimeOf(pid) === 'zombie';
}

/** Names, sizes and times of everything below a folder: equal before and after, nothing was touched. */
function fingerprint(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map(
      (name) =>
        `${name} ${lstatSync(join(root, name)).size} ${lstatSync(join(root, name)).mtimeMs}`,
    )
    .sort();
}

describe('the embedded database', () => {
  it('is a durable, checksummed UTF-8 PostgreSQL 18 behind a private socket with scram', async () => {
    const url = await embedded().start();
    const [settings] = await ask<Record<string, string>>(
      url,
      `SELECT current_setting('server_version_num')::int / 10000 AS major, current_setting('data_checksums') AS sums,
              current_setting('server_encoding') AS encoding, current_setting('synchronous_commit') AS sync,
              current_setting('fsync') AS fsync, current_setting('listen_addresses') AS tcp,
              current_setting('idle_in_transaction_session_timeout') AS idle`,
    );
    expect(settings).toEqual({
      major: 18,
      sums: 'on',
      encoding: 'UTF8',
      sync: 'on',
      fsync: 'on',
      tcp: '',
      idle: '1min',
    });
    await expect(ask(url.replace(/:[0-9a-f]{48}@/, ':wrong@'), 'SELECT 1')).rejects.toThrow(
      /password/,
    );
    expect(statSync(join(dir, 'postgres.password')).mode & 0o777).toBe(0o600);
    expect(statSync(join(dir, 'postgres', 'run')).mode & 0o777).toBe(0o700);
    expect(
      readdirSync(join(dir, 'postgres', 'run')).filter((name) => name.includes('password')),
    ).toEqual([]);
  });

  it('keeps its data and its URL over a stop', async () => {
    usedFolder();
    const first = embedded();
    const url = await first.start();
    await ask(url, 'CREATE TABLE kept AS SELECT 42 AS n');
    const pid = first.pid ?? 0;
    await first.stop();
    expect(isGone(pid)).toBe(true);
    expect(existsSync(join(dir, 'lock'))).toBe(false);
    const again = await embedded().start();
    expect(again).toBe(url);
    expect(await ask(again, 'SELECT n FROM kept')).toEqual([{ n: 42 }]);
  });

  it('runs twice side by side in two folders', async () => {
    const [one, two] = await Promise.all([
      embedded(usedFolder()).start(),
      embedded(usedFolder(join(base, 'other'))).start(),
    ]);
    await ask(one, 'CREATE TABLE mine ()');
    expect(await ask(two, `SELECT to_regclass('mine') AS mine`)).toEqual([{ mine: null }]);
  });

  it('takes a data folder with a path too long for a socket', async () => {
    const url = await embedded(usedFolder(join(base, 'x'.repeat(120)))).start();
    expect(await ask(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    rmSync(decodeURIComponent(new URL(url).searchParams.get('host') ?? ''), {
      recursive: true,
      force: true,
    });
  });

  it.skipIf(!isRoot)(
    'as root, serves a data folder below a private home from a place the server can reach',
    async () => {
      chmodSync(base, 0o700);
      const server = embedded();
      const url = await server.start();
      const place = readFileSync(join(dir, 'postgres.path'), 'utf8').trim();
      try {
        expect(place).toMatch(/^\/var\/(lib|tmp)\/sluice\/[0-9a-f]{16}$/);
        await ask(url, 'CREATE TABLE kept ()');
        await server.stop();
        expect(
          await ask(await server.start(), `SELECT to_regclass('kept') IS NOT NULL AS kept`),
        ).toEqual([{ kept: true }]);
        await server.stop();
        rmSync(place, { recursive: true, force: true });
        await expect(new EmbeddedPostgres(dir).start()).rejects.toThrow(/is missing/);
      } finally {
        await server.stop();
        rmSync(place, { recursive: true, force: true });
      }
    },
  );

  it.skipIf(ordinary === null)(
    'runs as an ordinary user (skipped unless root and the sources are readable)',
    async () => {
      chownSync(base, ordinary?.uid ?? 0, ordinary?.gid ?? 0);
      const started = await inChild({ uid: ordinary?.uid ?? 0, gid: ordinary?.gid ?? 0 });
      expect(started.error).toBeUndefined();
      expect(statSync(join(dir, 'postgres', 'data')).uid).toBe(ordinary?.uid);
      expect(statSync(dir).mode & 0o777).toBe(0o700);
      expect(await ask(started.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
      await end(started.child, 'SIGTERM');
      expect(isGone(started.pid)).toBe(true);
    },
  );
});

describe('the embedded database under faults', () => {
  it('has one server and all its data after its Node process was killed', async () => {
    usedFolder();
    const first = await inChild();
    await ask(first.url, 'CREATE TABLE kept AS SELECT 7 AS n');
    await expect(new EmbeddedPostgres(dir).start()).rejects.toThrow(
      `in use by process ${first.child.pid}`,
    );
    await end(first.child, 'SIGKILL');
    expect(pidExists(first.pid)).toBe(true);
    const server = embedded();
    const url = await server.start();
    expect(isGone(first.pid)).toBe(true);
    expect(server.pid).not.toBe(first.pid);
    expect(url).toBe(first.url);
    expect(await ask(url, 'SELECT n FROM kept')).toEqual([{ n: 7 }]);
  });

  it('takes over from a frozen server whose Node process was killed', async () => {
    usedFolder();
    const first = await inChild();
    process.kill(first.pid, 'SIGSTOP');
    await end(first.child, 'SIGKILL');
    expect(await ask(await embedded().start(), 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(isGone(first.pid)).toBe(true);
  });

  it('is started again under the same URL when the server is killed, and pools recover', async () => {
    usedFolder();
    const server = embedded();
    const url = await server.start();
    const pool = new pg.Pool({
      connectionString: url,
      connectionTimeoutMillis: 2_000,
      query_timeout: 2_000,
    });
    pool.on('error', () => undefined);
    pool.on('connect', (client) => client.on('error', () => undefined));
    await pool.query('CREATE TABLE kept AS SELECT 7 AS n');
    const killed = server.pid ?? 0;
    process.kill(killed, 'SIGKILL');
    await vi.waitFor(
      async () => expect((await pool.query('SELECT n FROM kept')).rows).toEqual([{ n: 7 }]),
      {
        timeout: 30_000,
        interval: 100,
      },
    );
    await vi.waitFor(() => expect(server.restartCount).toBe(1), { timeout: 30_000 });
    expect(server.pid).not.toBe(killed);
    expect(server.url).toBe(url);
    await pool.end();
  });

  it('is stopped by the next start when a process ended without stopping it', async () => {
    usedFolder();
    const { child, pid } = await inChild();
    // SIGINT has no handler there: Node ends at once, and the server has a session of its own
    await end(child, 'SIGINT');
    await embedded().start();
    expect(isGone(pid)).toBe(true);
  });

  it('refuses a cluster of another major version and leaves it untouched', async () => {
    usedFolder();
    const data = join(dir, 'postgres', 'data');
    writeFileSync(join(data, 'PG_VERSION'), '17\n');
    const before = fingerprint(data);
    const message = /is of PostgreSQL 17, this release brings 18/;
    await expect(embedded().start()).rejects.toThrow(message);
    const database = new Database(testConfig({ dataDir: dir }));
    database.start();
    await expect(database.whenReady()).rejects.toThrow(message);
    expect(database.failure?.message).toMatch(message);
    expect(() => database.manager).toThrow(message);
    await database.close();
    expect(fingerprint(data)).toEqual(before);
    writeFileSync(join(data, 'PG_VERSION'), '18\n');
    await embedded().start();
  });

  it('refuses a folder with files of somebody else in place of the cluster', async () => {
    mkdirSync(join(dir, 'postgres', 'data'), { recursive: true });
    writeFileSync(join(dir, 'postgres', 'data', 'thesis.txt'), 'years of work');
    await expect(embedded().start()).rejects.toThrow(/neither empty nor a PostgreSQL cluster/);
    expect(readFileSync(join(dir, 'postgres', 'data', 'thesis.txt'), 'utf8')).toBe('years of work');
  });

  it('refuses a cluster whose password is lost instead of waiting for it', async () => {
    usedFolder();
    rmSync(join(dir, 'postgres.password'));
    await expect(embedded().start()).rejects.toThrow(/postgres.password is missing/);
  });

  it('begins again after a start that died while it made the cluster', async () => {
    const draft = join(dir, 'postgres', 'data.partial');
    mkdirSync(draft, { recursive: true });
    writeFileSync(join(draft, 'PG_VERSION'), '18\n');
    expect(await ask(await embedded().start(), 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(existsSync(draft)).toBe(false);
  });

  it.skipIf(process.platform !== 'linux')(
    'starts with a stale postmaster.pid, whatever it names today',
    async () => {
      usedFolder();
      const server = embedded();
      const pidFile = join(dir, 'postgres', 'data', 'postmaster.pid');
      // PostgreSQL takes a thread of ours for its predecessor: it has our account and answers to signals
      const thread = readdirSync('/proc/self/task')
        .map(Number)
        .find((id) => id !== process.pid);
      for (const pid of [thread, process.pid, 4_194_300]) {
        const url = await server.start();
        const lines = readFileSync(pidFile, 'utf8').split('\n');
        await server.stop();
        writeFileSync(pidFile, [String(pid), ...lines.slice(1)].join('\n'));
        if (isRoot) chownSync(pidFile, serverAccount().uid, serverAccount().gid);
        expect(await server.start()).toBe(url);
        await server.stop();
      }
    },
  );
});

describe('the programs of the embedded database', () => {
  it('get their library links when install scripts were off, in place or in a reachable copy', () => {
    const account = serverAccount();
    const original = findPackage();
    const root = join(base, 'package');
    mkdirSync(root);
    cpSync(join(original.root, 'native'), join(root, 'native'), {
      recursive: true,
      verbatimSymlinks: true,
    });
    const library = join(root, 'native', 'lib');
    const links = (): string[] =>
      readdirSync(library).filter((name) => lstatSync(join(library, name)).isSymbolicLink());
    const count = links().length;
    for (const name of links()) rmSync(join(library, name));
    const works = (initdb: string): string =>
      execFileSync(initdb, ['--version'], { ...childOptions(account, '/'), encoding: 'utf8' });

    const inPlace = prepareBinaries(account, base, { root, version: original.version });
    expect(inPlace.initdb).toBe(join(root, 'native/bin/initdb'));
    expect(links()).toHaveLength(count);
    expect(works(inPlace.initdb)).toMatch(/PostgreSQL\) 18/);

    for (const name of links()) rmSync(join(library, name));
    // root can write anywhere, but the server's account cannot pass a private folder; others cannot write here
    chmodSync(isRoot ? root : library, isRoot ? 0o700 : 0o555);
    const copied = prepareBinaries(account, base, { root, version: original.version });
    chmodSync(isRoot ? root : library, 0o755);
    expect(copied.initdb).toBe(join(base, `binaries-${original.version}`, 'native/bin/initdb'));
    expect(works(copied.initdb)).toMatch(/PostgreSQL\) 18/);
  });
});

describe('the database service on the embedded database', () => {
  it('starts, migrates and stops it by itself, and lives through its death', async () => {
    usedFolder();
    const database = new Database(testConfig({ dataDir: dir }));
    database.start();
    await database.whenReady();
    expect(await database.manager.query('SELECT count(*)::int AS n FROM models')).toEqual([
      { n: 0 },
    ]);
    const data = join(dir, 'postgres', 'data');
    const pid = Number.parseInt(readFileSync(join(data, 'postmaster.pid'), 'utf8'), 10);
    const heard: string[] = [];
    database.listen('sluice_plan', (payload) => heard.push(payload));
    await vi.waitFor(() => expect(heard).toEqual(['']), { timeout: 5_000 });
    process.kill(pid, 'SIGKILL');
    await sleep(200);
    await vi.waitFor(() => database.transaction((tx) => tx.query('SELECT 1')), {
      timeout: 30_000,
      interval: 200,
    });
    await vi.waitFor(() => expect(heard.length).toBeGreaterThan(1), { timeout: 10_000 });
    await database.transaction((tx) => tx.query(`SELECT pg_notify('sluice_plan', '5')`));
    await vi.waitFor(() => expect(heard.at(-1)).toBe('5'), { timeout: 5_000 });
    await database.close();
    expect(existsSync(join(data, 'postmaster.pid'))).toBe(false);
    await expect(database.transaction(() => Promise.resolve())).rejects.toThrow();
  });

  it('stops a start that is under way', async () => {
    const database = new Database(testConfig({ dataDir: dir }));
    database.start();
    await sleep(300);
    await database.close();
    await expect(database.whenReady()).rejects.toThrow(/closed/);
    expect(existsSync(join(dir, 'lock'))).toBe(false);
    const pidFile = join(dir, 'postgres', 'data', 'postmaster.pid');
    expect(existsSync(pidFile)).toBe(false);
  });
});
