import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { Config } from '../../src/config/config.js';
import type { Exposure, Mirror, Prediction } from '../../src/events/event.js';
import { uuidV7 } from '../../src/kernel/ids.js';

export const EXPERIMENT_ID = '0193b2c4-5d6e-7f80-9a1b-0123456789ab';

/** An exposure with a fresh request id. */
export function anExposure(change: Partial<Exposure> = {}): Exposure {
  const atMs = change.atMs ?? Date.now();
  return {
    requestId: uuidV7(atMs, randomBytes(10)),
    atMs,
    model: 'spam',
    unitKey: `user-${randomUUID()}`,
    experimentId: EXPERIMENT_ID,
    epoch: 1,
    phase: 0,
    variant: 'control',
    version: 'v1',
    configVersion: 7,
    ...change,
  };
}

/** A prediction with a fresh request id. */
export function aPrediction(change: Partial<Prediction> = {}): Prediction {
  const atMs = change.atMs ?? Date.now();
  return {
    requestId: uuidV7(atMs, randomBytes(10)),
    atMs,
    model: 'spam',
    unitKey: `user-${randomUUID()}`,
    experimentId: EXPERIMENT_ID,
    epoch: 1,
    phase: 0,
    variant: 'control',
    assignedVersion: 'v1',
    servedVersion: 'v1',
    reason: 'experiment',
    status: 200,
    error: false,
    timeout: false,
    fallback: false,
    latencyMs: 12.5,
    attempts: 1,
    captured: null,
    configVersion: 7,
    ...change,
  };
}

/** A mirrored request with a fresh request id. */
export function aMirror(change: Partial<Mirror> = {}): Mirror {
  const atMs = change.atMs ?? Date.now();
  return {
    requestId: uuidV7(atMs, randomBytes(10)),
    atMs,
    model: 'spam',
    unitKey: `user-${randomUUID()}`,
    experimentId: EXPERIMENT_ID,
    epoch: 1,
    phase: 0,
    variant: 'v2',
    version: 'v2',
    drop: null,
    primary: { status: 200, error: false, timeout: false, latencyMs: 12.5, captured: null },
    shadow: { status: 200, error: false, timeout: false, latencyMs: 14, captured: null },
    configVersion: 7,
    ...change,
  };
}

/** A data folder of its own and what belongs to the configuration of a spool in it. */
export function temporaryDataDir(): {
  readonly config: Config;
  readonly dataDir: string;
  remove(): void;
} {
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-events-'));
  return {
    dataDir,
    config: configOf(dataDir),
    remove: () => rmSync(dataDir, { recursive: true, force: true }),
  };
}

/** As much of a configuration as events look at. */
export function configOf(dataDir: string): Config {
  return { dataDir, roles: ['gateway'] } as unknown as Config;
}

/** A small pool with the time-outs that production has. */
export function poolOf(url: string): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: 4,
    connectionTimeoutMillis: 2_000,
    query_timeout: 10_000,
  });
  pool.on('error', () => undefined); // an idle connection that breaks is replaced by the next use
  return pool;
}

/** A TCP proxy in front of a database that can be cut off and put back, as a database that stops and starts. */
export interface Cuttable {
  readonly url: string;
  cut(): void;
  restore(): void;
  close(): Promise<void>;
}

export async function cuttable(databaseUrl: string): Promise<Cuttable> {
  const target = new URL(databaseUrl);
  const socketFolder = target.searchParams.get('host');
  const port = Number(target.port || 5432);
  const open = new Set<Socket>();
  let isCut = false;
  const server = createServer((socket) => {
    if (isCut) return void socket.destroy();
    const upstream =
      socketFolder?.startsWith('/') === true
        ? createConnection(join(socketFolder, `.s.PGSQL.${port}`))
        : createConnection(port, target.hostname);
    for (const [from, to] of [
      [socket, upstream],
      [upstream, socket],
    ] as const) {
      open.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        open.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  url.searchParams.delete('host');
  const cut = (): void => {
    isCut = true;
    for (const socket of open) socket.destroy();
  };
  return {
    url: url.href,
    cut,
    restore: () => void (isCut = false),
    close: () => {
      cut();
      return new Promise((done) => server.close(() => done()));
    },
  };
}

/** Waits until a condition holds; throws with what was waited for when it does not in time. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  withinMs = 20_000,
): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((done) => setTimeout(done, 20));
  }
}
