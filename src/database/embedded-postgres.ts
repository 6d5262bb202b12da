import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import pg from 'pg';
import { lockDataDir, readOrMake } from '../config/data-dir.js';
import type { DataDirLock } from '../config/data-dir.js';
import { SluiceError } from '../kernel/errors.js';
import { clusterPlace, inspectCluster, rememberPlace } from './cluster-place.js';
import type { ClusterPlace } from './cluster-place.js';
import { childOptions, initialiseCluster, leftServer, stopServer, SUPERUSER } from './cluster.js';
import type { DatabaseServer } from './database-server.js';
import { permanentFailure } from './permanent-failure.js';
import { prepareBinaries } from './postgres-binaries.js';
import type { PostgresBinaries } from './postgres-binaries.js';
import { serverAccount } from './server-account.js';
import type { ServerAccount } from './server-account.js';

const DATABASE = 'sluice';
/** Without a sign of life; a server that says "starting up" replays its log and gets RECOVERY_MS. */
const READY_MS = 60_000;
const RECOVERY_MS = 600_000;
const PROBE_MS = 3_000;
const PROBE_PAUSE_MS = 50;
const RESTART_FIRST_MS = 100;
const RESTART_MAX_MS = 5_000;
const LOG_MAX_BYTES = 10 * 1024 * 1024;
const STARTING_UP = '57P03';
const NO_SUCH_DATABASE = '3D000';

/** Small but honest: nothing here trades durability for speed. */
const SETTINGS = {
  listen_addresses: '',
  // 64 gateway processes with a pool of 3 and a listener each, and the main process
  max_connections: '300',
  shared_buffers: '128MB',
  synchronous_commit: 'on',
  idle_in_transaction_session_timeout: '60s',
  timezone: 'UTC',
  log_timezone: 'UTC',
  lc_messages: 'C',
  log_checkpoints: 'off',
} as const;

interface Prepared {
  readonly place: ClusterPlace;
  readonly binaries: PostgresBinaries;
  readonly account: ServerAccount;
  readonly password: string;
}

/** A real PostgreSQL of our own in a folder: made, started, watched, restarted and stopped by this process. */
export class EmbeddedPostgres implements DatabaseServer {
  private readonly logger = new Logger('EmbeddedPostgres');
  private readonly dataDir: string;
  private lock: DataDirLock | null = null;
  private prepared: Prepared | null = null;
  private child: ChildProcess | null = null;
  private stopping = false;
  private restarts = 0;
  private readonly stopOnExit = (): void => {
    this.child?.kill('SIGINT');
  };

  constructor(dataDir: string) {
    this.dataDir = resolve(dataDir);
  }

  /** How often the server died and was started again. */
  get restartCount(): number {
    return this.restarts;
  }

  /** Process id of the server, null while there is none. */
  get pid(): number | null {
    return this.child?.pid ?? null;
  }

  /** The URL to connect to; the same after every restart. */
  get url(): string {
    if (this.prepared === null)
      throw new SluiceError('unavailable', 'the embedded database is not started');
    return this.urlOf(this.prepared, DATABASE);
  }

  /** Resolves once the server answers queries. A failed start holds neither lock nor server and may be repeated. */
  async start(): Promise<string> {
    if (this.child !== null) return this.url;
    this.stopping = false;
    this.lock ??= lockDataDir(this.dataDir);
    try {
      this.prepared ??= await this.prepare();
      await this.clearLeftServer(this.prepared);
      await this.launch(this.prepared);
      await this.ensureDatabase(this.prepared);
    } catch (error) {
      await this.stop();
      throw error;
    }
    process.once('exit', this.stopOnExit);
    return this.url;
  }

  /** Fast shutdown with a deadline, then the hard ways; gives the folder back. */
  async stop(): Promise<void> {
    this.stopping = true;
    process.removeListener('exit', this.stopOnExit);
    const { child } = this;
    if (child?.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      await stopServer(child.pid);
    }
    this.child = null;
    this.lock?.release();
    this.lock = null;
  }

  private async prepare(): Promise<Prepared> {
    const account = serverAccount();
    const place = clusterPlace(this.dataDir, account);
    const binaries = prepareBinaries(account, place.root);
    const state = inspectCluster(place, binaries.major);
    const passwordFile = join(this.dataDir, 'postgres.password');
    if (state === 'present' && !existsSync(passwordFile)) {
      throw permanentFailure(`${passwordFile} is missing`, {
        field: passwordFile,
        expected: 'the password made at the first start',
        advice: 'restore it from a backup of the data folder',
      });
    }
    const password = readOrMake(passwordFile, () => randomBytes(24).toString('hex'));
    if (state === 'missing') {
      this.logger.log(`making a PostgreSQL ${binaries.version} cluster in ${place.data}`);
      await initialiseCluster(place, binaries, account, password);
    }
    rememberPlace(this.dataDir, place);
    return { place, binaries, account, password };
  }

  /** Killed without warning, a supervisor leaves its server running: two on one folder must never happen. */
  private async clearLeftServer({ place }: Prepared): Promise<void> {
    const left = leftServer(place);
    if (left?.isPostmaster !== true) return;
    this.logger.warn(`stopping the server ${left.pid} that an earlier process left running`);
    await stopServer(left.pid);
  }

  private async launch(prepared: Prepared): Promise<void> {
    const { place, binaries, account } = prepared;
    const settings = Object.entries(SETTINGS).flatMap(([name, value]) => [
      '-c',
      `${name}=${value}`,
    ]);
    const options = childOptions(account, place.data);
    // PostgreSQL takes a live process with the number in a stale postmaster.pid for its predecessor, even one of our
    // own threads, unless that number is announced as a grandparent
    const left = leftServer(place);
    if (left !== null && !left.isPostmaster) options.env['PG_GRANDPARENT_PID'] = String(left.pid);
    const log = this.openLog();
    // a session of its own: Ctrl-C in the terminal must reach us first, for what we still have to write
    const child = spawn(binaries.postgres, ['-D', place.data, '-k', place.socketDir, ...settings], {
      ...options,
      detached: true,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    this.child = child;
    const died = new Promise<never>((_resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        reject(
          new SluiceError(
            'unavailable',
            `PostgreSQL ended (${signal ?? code}): ${this.lastLogLines()}`,
          ),
        );
      });
    });
    died.catch(() => undefined);
    await Promise.race([this.untilReady(prepared, child), died]);
    child.once('exit', () => void this.restart(prepared, child));
    if (child.exitCode !== null || child.signalCode !== null) await died;
  }

  private async restart(prepared: Prepared, dead: ChildProcess): Promise<void> {
    if (this.stopping || this.child !== dead) return;
    this.logger.error(`PostgreSQL died (${dead.signalCode ?? dead.exitCode}); starting it again`);
    let waitMs = RESTART_FIRST_MS;
    while (!this.isStopping()) {
      await sleep(waitMs);
      if (this.isStopping()) return;
      try {
        await this.launch(prepared);
        this.restarts += 1;
        this.logger.log('PostgreSQL is back');
        return;
      } catch (error) {
        this.logger.error(`PostgreSQL does not start: ${(error as Error).message}`);
        waitMs = Math.min(RESTART_MAX_MS, waitMs * 2);
      }
    }
  }

  /** A method, because the flag changes while we wait and the compiler would think it cannot. */
  private isStopping(): boolean {
    return this.stopping;
  }

  private async untilReady(prepared: Prepared, child: ChildProcess): Promise<void> {
    const since = Date.now();
    let deadlineMs = READY_MS;
    let last: unknown;
    while (Date.now() - since < deadlineMs) {
      if (this.isStopping() || child.exitCode !== null || child.signalCode !== null) return;
      try {
        await this.query(prepared, 'postgres', 'SELECT 1');
        return;
      } catch (error) {
        last = error;
        if ((error as { code?: string }).code === STARTING_UP) deadlineMs = RECOVERY_MS;
      }
      await sleep(PROBE_PAUSE_MS);
    }
    await this.giveUp(child);
    throw new SluiceError('unavailable', `PostgreSQL did not answer within ${deadlineMs} ms`, [], {
      cause: last,
    });
  }

  private async giveUp(child: ChildProcess): Promise<void> {
    if (child.pid !== undefined) await stopServer(child.pid);
  }

  private async ensureDatabase(prepared: Prepared): Promise<void> {
    try {
      await this.query(prepared, DATABASE, 'SELECT 1');
    } catch (error) {
      if ((error as { code?: string }).code !== NO_SUCH_DATABASE) throw error;
      await this.query(prepared, 'postgres', `CREATE DATABASE ${DATABASE}`);
    }
  }

  private async query(prepared: Prepared, database: string, sql: string): Promise<void> {
    const client = new pg.Client({
      connectionString: this.urlOf(prepared, database),
      connectionTimeoutMillis: PROBE_MS,
      query_timeout: READY_MS,
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.query(sql);
    } finally {
      void client.end().catch(() => undefined);
    }
  }

  private urlOf({ place, password }: Prepared, database: string): string {
    return `postgres://${SUPERUSER}:${password}@localhost:5432/${database}?host=${encodeURIComponent(place.socketDir)}`;
  }

  private get logPath(): string {
    return join(this.dataDir, 'postgres.log');
  }

  private openLog(): number {
    const size = statSync(this.logPath, { throwIfNoEntry: false })?.size ?? 0;
    if (size > LOG_MAX_BYTES) renameSync(this.logPath, `${this.logPath}.1`);
    return openSync(this.logPath, 'a', 0o600);
  }

  private lastLogLines(): string {
    try {
      return readFileSync(this.logPath, 'utf8').trimEnd().split('\n').slice(-3).join(' | ');
    } catch {
      return `see ${this.logPath}`;
    }
  }
}
