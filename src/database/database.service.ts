import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable, Logger, Optional } from '@nestjs/common';
import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import pg from 'pg';
import { DataSource } from 'typeorm';
import type { EntityManager, EntityTarget, ObjectLiteral } from 'typeorm';
import { CONFIG } from '../config/config.js';
import type { Config } from '../config/config.js';
import { SluiceError } from '../kernel/errors.js';
import { asUnavailable } from './connection-errors.js';
import { DATABASE_SERVER } from './database-server.js';
import type { DatabaseServer } from './database-server.js';
import { settlesWithin, withDeadline } from './deadline.js';
import { EmbeddedPostgres } from './embedded-postgres.js';
import { Heartbeat } from './heartbeat.js';
import { Listener } from './listener.js';
import { isMigrated, migrate } from './migrate.js';
import { isPermanent, permanentFailure } from './permanent-failure.js';
import { clientFamily } from './timed-client.js';

export type Row = EntityTarget<ObjectLiteral> & (new () => ObjectLiteral);

/** One pool per process, shared by TypeORM and the hot paths; six processes fit into 100 connections. */
const POOL_MAX = 12;
/** A gateway ships one batch at a time and asks for one plan at a time; one more, so that neither waits for the other. */
const GATEWAY_POOL_MAX = 3;
const CONNECT_TIMEOUT_MS = 5_000;
/** The server gives up first, so that a slow query ends there too; ours is for a server that does not answer at all. */
const STATEMENT_TIMEOUT_MS = 30_000;
const QUERY_TIMEOUT_MS = 32_000;
/**
 * A process that is paused inside a transaction holds its locks, and readers of new rows wait for the oldest
 * transaction: nobody waits for it longer than for its lease. A busy process gets this much at least.
 */
const IDLE_IN_TRANSACTION_MIN_MS = 1_000;
/** A caller would rather hear "unavailable" than wait for the database to come. */
const READY_WAIT_MS = 2_000;
const RETRY_FIRST_MS = 250;
const RETRY_MAX_MS = 5_000;
const CLOSE_MS = 3_000;
const PING_MS = 2_000;
/** bullmq and the partitions' primary keys need at least this. */
const OLDEST_SERVER = 140_000;

/** The way to PostgreSQL. The process starts without it, and lives on while it is away. */
@Injectable()
export class Database implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Database');
  private readonly rows = new Set<Row>();
  private readonly listeners = new Set<Listener>();
  private readonly server: DatabaseServer | null;
  private readonly ready = Promise.withResolvers<undefined>();
  private readonly clients = clientFamily();
  private url: string | null;
  private source: DataSource | null = null;
  private connecting: Promise<void> | null = null;
  private closing: Promise<void> | null = null;
  private permanent: SluiceError | null = null;
  private heartbeat: Heartbeat | null = null;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Optional() @Inject(DATABASE_SERVER) server?: DatabaseServer,
  ) {
    this.url = config.databaseUrl;
    this.server =
      config.databaseUrl === null ? (server ?? new EmbeddedPostgres(config.dataDir)) : null;
    this.ready.promise.catch(() => undefined);
  }

  /** Tables that TypeORM maps; called by `DatabaseModule.rows` before the application starts. */
  addRows(rows: readonly Row[]): void {
    for (const row of rows) this.rows.add(row);
  }

  onApplicationBootstrap(): void {
    this.start();
  }

  /** Connects in the background, with retries; `whenReady` tells the end of it. */
  start(): void {
    this.connecting ??= this.connectUntilReady();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.close();
  }

  /** Resolves once connected and migrated; rejects only if that can never happen (see `failure`) or after `close`. */
  whenReady(): Promise<void> {
    return this.ready.promise;
  }

  get isReady(): boolean {
    return this.source !== null;
  }

  /** Whether it answered the last time that it was asked, a few seconds ago at most. */
  get isAnswering(): boolean {
    return this.source !== null && this.heartbeat?.isAnswering === true;
  }

  /** Why the database can never be used by this process: wrong version, unknown platform, changed migration. */
  get failure(): SluiceError | null {
    return this.permanent;
  }

  /** For objects with connections of their own. */
  get connectionUrl(): string {
    if (this.url === null) throw this.unavailable();
    return this.url;
  }

  get manager(): EntityManager {
    return this.connected().manager;
  }

  /** The same pool that TypeORM uses, without its cost. */
  get pool(): pg.Pool {
    return (this.connected().driver as unknown as { master: pg.Pool }).master;
  }

  /** One transaction. Errors of the connection come as `unavailable`: the outcome is then unknown, not failed. */
  async transaction<T>(work: (tx: EntityManager) => Promise<T>): Promise<T> {
    if (!this.isReady)
      await withDeadline(this.whenReady(), READY_WAIT_MS, 'waiting for the database');
    try {
      return await this.connected().transaction(work);
    } catch (error) {
      throw asUnavailable(error);
    }
  }

  /** Milliseconds for one round trip, null when the database does not answer. */
  async ping(): Promise<number | null> {
    const since = performance.now();
    try {
      const ping = this.pool.query({ text: 'SELECT 1', query_timeout: PING_MS } as pg.QueryConfig);
      // the deadline holds for the wait for a connection too: of a frozen server none comes free
      await withDeadline(ping, PING_MS, 'asking the database');
      return performance.now() - since;
    } catch {
      return null;
    }
  }

  /** Notifications of a channel until the returned function is called; '' after each connect, as a hint to look. */
  listen(channel: string, onNotify: (payload: string) => void): () => void {
    const listener = new Listener(
      () => this.connectionUrl,
      { channel, onNotify },
      (error) => this.logger.debug(`listening on ${channel}: ${messageOf(error)}`),
    );
    this.listeners.add(listener);
    listener.start();
    return () => {
      this.listeners.delete(listener);
      void listener.close();
    };
  }

  /** Ends every connection and the embedded server; each step has a deadline, because a frozen server answers none. */
  close(): Promise<void> {
    this.closing ??= this.closeAll();
    return this.closing;
  }

  private async closeAll(): Promise<void> {
    this.ready.reject(new SluiceError('unavailable', 'the database is being closed'));
    await Promise.all([...this.listeners].map((listener) => listener.close()));
    this.listeners.clear();
    this.heartbeat?.stop();
    const { source } = this;
    this.source = null;
    if (source !== null && !(await settlesWithin(source.destroy(), CLOSE_MS))) {
      this.logger.warn(`the connections did not close within ${CLOSE_MS} ms and were cut`);
    }
    this.clients.destroyAll();
    await this.server?.stop();
    if (this.connecting !== null) await settlesWithin(this.connecting, CLOSE_MS);
    // a start that was under way while we stopped it may have brought a server up after all
    await this.server?.stop();
  }

  private async connectUntilReady(): Promise<void> {
    let waitMs = RETRY_FIRST_MS;
    while (this.closing === null) {
      try {
        await this.connectOnce();
        return;
      } catch (error) {
        if (this.hasClosed()) return;
        if (isPermanent(error)) {
          this.permanent = error;
          this.logger.error(error.message);
          this.ready.reject(error);
          return;
        }
        this.logger.warn(`the database is not there yet: ${messageOf(error)}`);
        await sleep(waitMs);
        waitMs = Math.min(RETRY_MAX_MS, waitMs * 2);
      }
    }
  }

  private async connectOnce(): Promise<void> {
    const url = this.server === null ? this.connectionUrl : await this.server.start();
    if (this.hasClosed()) return;
    this.url = url;
    await this.prepareSchema(url);
    const source = this.dataSource(url);
    try {
      await source.initialize();
      await checkServer(source);
    } catch (error) {
      if (source.isInitialized) await settlesWithin(source.destroy(), CLOSE_MS);
      throw error;
    }
    if (this.hasClosed()) {
      await settlesWithin(source.destroy(), CLOSE_MS);
      return;
    }
    this.source = source;
    this.heartbeat = new Heartbeat({
      ping: () => this.ping(),
      onSilent: () => this.logger.warn('the database does not answer'),
      onBack: (ms) =>
        this.logger.warn(`the database answers again after ${(ms / 1_000).toFixed(1)} s`),
    });
    this.ready.resolve(undefined);
  }

  /** Gateways never migrate: there may be many of them and they may be older; they wait for the control plane. */
  private async prepareSchema(url: string): Promise<void> {
    if (!this.isGatewayOnly) {
      const count = await migrate(url);
      if (count > 0) this.logger.log(`applied ${count} migrations`);
    } else if (!(await isMigrated(url))) {
      throw new SluiceError('unavailable', 'the control plane has not migrated the database yet');
    }
  }

  private get isGatewayOnly(): boolean {
    return this.config.roles.every((role) => role === 'gateway');
  }

  private dataSource(url: string): DataSource {
    return new DataSource({
      type: 'postgres',
      driver: pg,
      url,
      entities: [...this.rows],
      synchronize: false,
      logging: false,
      installExtensions: false,
      applicationName: 'sluice',
      poolSize: this.isGatewayOnly ? GATEWAY_POOL_MAX : POOL_MAX,
      connectTimeoutMS: CONNECT_TIMEOUT_MS,
      poolErrorHandler: (error: unknown) =>
        this.logger.warn(`an idle connection was lost: ${messageOf(error)}`),
      extra: {
        Client: this.clients.Client,
        query_timeout: QUERY_TIMEOUT_MS,
        statement_timeout: STATEMENT_TIMEOUT_MS,
        idle_in_transaction_session_timeout: Math.max(
          IDLE_IN_TRANSACTION_MIN_MS,
          this.config.leaseMs,
        ),
        keepAlive: true,
      },
    });
  }

  private connected(): DataSource {
    if (this.source === null) throw this.unavailable();
    return this.source;
  }

  private unavailable(): SluiceError {
    return this.permanent ?? new SluiceError('unavailable', 'the database is not connected');
  }

  /** A method, because `closing` changes while we wait and the compiler would think it cannot. */
  private hasClosed(): boolean {
    return this.closing !== null;
  }
}

async function checkServer(source: DataSource): Promise<void> {
  const [row] = await source.query<{ version: string; readable: string }[]>(
    `SELECT current_setting('server_version_num') AS version, current_setting('server_version') AS readable`,
  );
  if (Number(row?.version) >= OLDEST_SERVER) return;
  throw permanentFailure(`PostgreSQL ${row?.readable ?? 'of unknown version'} is too old`, {
    field: 'DATABASE_URL',
    given: row?.readable,
    expected: 'PostgreSQL 14 or newer',
    advice: 'upgrade the server, or unset DATABASE_URL to use the embedded one',
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}
