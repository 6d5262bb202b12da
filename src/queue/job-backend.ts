import { Queue, Worker, createPostgresBackend, runMigrations } from 'bullmq';
import type { JobsOptions, PgPool, Processor, WorkerOptions } from 'bullmq';
import { Redis } from 'ioredis';
import pg from 'pg';
import { settlesWithin } from '../database/deadline.js';
import { clientFamily } from '../database/timed-client.js';

export interface WaitingJob {
  /** When it was added, milliseconds since 1970. */
  readonly timestamp: number;
  readonly opts: { readonly delay?: number };
}

export interface JobQueue {
  add(name: string, data: object, options: JobsOptions): Promise<unknown>;
  /** Oldest first. */
  getWaiting(from: number, to: number): Promise<readonly WaitingJob[]>;
  waitUntilReady(): Promise<unknown>;
  close(): Promise<void>;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

export interface JobWorker {
  isRunning(): boolean;
  waitUntilReady(): Promise<unknown>;
  close(): Promise<void>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(
    event: 'failed',
    listener: (job: { readonly name: string } | undefined, error: Error) => void,
  ): unknown;
}

/** What keeps the jobs. It is asked for objects only after `prepare` has seen the server answer. */
export interface JobBackend {
  readonly kind: 'postgres' | 'redis';
  /** Throws while the server does not answer; brings its schema up to date. */
  prepare(): Promise<void>;
  queue(): JobQueue;
  worker(processor: Processor, concurrency: number): JobWorker;
  /** Gives back the connections that the objects above do not own. */
  dispose(): Promise<void>;
}

export const QUEUE_NAME = 'sluice';
/** bullmq knows no other name for the schema of a pool that it did not make. */
const SCHEMA = 'bullmq';
/** One pool for the queue and the worker, one connection of it for LISTEN; bullmq alone would open ten for each. */
const POOL_MAX = 3;
const CONNECT_TIMEOUT_MS = 5_000;
const QUERY_TIMEOUT_MS = 15_000;
const DISPOSE_MS = 500;
/** A job is an analysis of seconds; a worker that lost its lock for this long is taken for dead. */
const LOCK_MS = 60_000;

const workerOptions: Omit<WorkerOptions, 'connection'> = {
  lockDuration: LOCK_MS,
  stalledInterval: 30_000,
  maxStalledCount: 1,
};

/** Jobs in a schema of their own in our PostgreSQL, over a pool of our own: bullmq's clients can end the process. */
export function postgresJobs(url: string): JobBackend {
  const clients = clientFamily();
  const pool = new pg.Pool({
    connectionString: url,
    Client: clients.Client,
    options: `-c search_path=${SCHEMA}`,
    application_name: 'sluice-queue',
    max: POOL_MAX,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    keepAlive: true,
  });
  pool.on('error', () => undefined);
  // the same shape but for optional fields that may be undefined
  const connection = pool as unknown as PgPool;
  return {
    kind: 'postgres',
    prepare: () => migrateQueue(url),
    queue: () => new Queue(QUEUE_NAME, { connection }, createPostgresBackend),
    worker: (processor, concurrency) =>
      new Worker(
        QUEUE_NAME,
        processor,
        { ...workerOptions, connection, concurrency },
        createPostgresBackend,
      ),
    async dispose(): Promise<void> {
      await settlesWithin(pool.end(), DISPOSE_MS);
      clients.destroyAll();
    },
  };
}

/** bullmq never migrates by itself; its own advisory lock lets several processes try at once. */
async function migrateQueue(url: string): Promise<void> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
    await runMigrations(client, SCHEMA);
  } finally {
    await settlesWithin(client.end(), DISPOSE_MS);
  }
}

/** Jobs in Redis or Valkey; the server must keep `maxmemory-policy noeviction`. */
export function redisJobs(url: string): JobBackend {
  let clients: Redis[] = [];
  // without the first option a command given while Redis is away waits for ever
  const connect = (options: { readonly maxRetriesPerRequest: null | number }): Redis => {
    const client = new Redis(url, {
      enableOfflineQueue: false,
      connectTimeout: CONNECT_TIMEOUT_MS,
      lazyConnect: true,
      ...options,
    });
    client.on('error', () => undefined);
    clients.push(client);
    return client;
  };
  const dispose = async (): Promise<void> => {
    for (const client of clients) client.disconnect();
    clients = [];
    return Promise.resolve();
  };
  let shared: Redis | null = null;
  const sharedClient = (): Redis => {
    if (shared === null) throw new Error('the queue was not prepared');
    return shared;
  };
  return {
    kind: 'redis',
    async prepare(): Promise<void> {
      await dispose();
      shared = connect({ maxRetriesPerRequest: null });
      await shared.connect();
      await shared.ping();
    },
    queue: () => new Queue(QUEUE_NAME, { connection: sharedClient(), skipWaitingForReady: true }),
    // the worker duplicates it for its blocking call
    worker: (processor, concurrency) =>
      new Worker(QUEUE_NAME, processor, {
        ...workerOptions,
        connection: sharedClient(),
        concurrency,
      }),
    dispose,
  };
}
