import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable, Logger } from '@nestjs/common';
import type {
  OnApplicationBootstrap,
  OnApplicationShutdown,
  OnModuleDestroy,
  OnModuleInit,
} from '@nestjs/common';
import { CONFIG } from '../config/config.js';
import type { Config } from '../config/config.js';
import { isConnectionError } from '../database/connection-errors.js';
import { Database } from '../database/database.service.js';
import { settlesWithin, withDeadline } from '../database/deadline.js';
import { SluiceError } from '../kernel/errors.js';
import type { JobBackend, JobQueue, JobWorker } from './job-backend.js';

/** Gets the data as it was added, unparsed: jobs may come from another release. */
export type JobHandler = (data: unknown) => Promise<void>;

export interface AddOptions {
  readonly delayMs?: number;
  /** While a job of this id waits or runs, adding it again does nothing. */
  readonly id?: string;
}

interface Connected {
  readonly backend: JobBackend;
  readonly queue: JobQueue;
  readonly worker: JobWorker | null;
  /** How many handlers the worker was made for. */
  readonly handled: number;
}

interface Registered {
  readonly handler: JobHandler;
  readonly concurrency: number;
}

const ADD_MS = 1_000;
const READY_MS = 10_000;
const PROBE_EVERY_MS = 10_000;
const PROBE_MS = 3_000;
const RETRY_FIRST_MS = 500;
const RETRY_MAX_MS = 10_000;
const CLOSE_MS = 2_000;
/** Waiting this long while we have nothing to do means that our worker is deaf. */
const DEAF_AFTER_MS = 30_000;
/** Enough to look at after an incident; nobody reads more, and every one costs a row. */
const KEEP_DONE = 100;
const KEEP_FAILED = 500;
const DEFAULT_CONCURRENCY = 1;

/**
 * Jobs are hints: they may run twice, late or never, and what must happen is found again in PostgreSQL by a sweeper. So
 * nothing here throws or waits long, and a queue that stopped working is thrown away and made anew.
 */
@Injectable()
export class QueueService
  implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy, OnApplicationShutdown
{
  private readonly logger = new Logger('Queue');
  private readonly handlers = new Map<string, Registered>();
  private connected: Connected | null = null;
  private readonly stop = new AbortController();
  private loop: Promise<void> | null = null;
  private closing: Promise<void> | null = null;
  private wake: AbortController | null = null;
  private running = 0;
  private failures = 0;
  private rebuilds = 0;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly database: Database,
  ) {}

  /** Jobs that could not be added since the start. */
  get failedAdds(): number {
    return this.failures;
  }

  /** How often the queue was thrown away and made anew. */
  get rebuildCount(): number {
    return this.rebuilds;
  }

  get isReady(): boolean {
    return this.connected !== null;
  }

  /** True once the job is kept; false after a second at most, when the queue is away. Never throws. */
  async add(name: string, data: object, options: AddOptions = {}): Promise<boolean> {
    try {
      if (this.connected === null)
        throw new SluiceError('unavailable', 'the queue is not connected');
      await withDeadline(
        this.connected.queue.add(name, data, jobOptions(name, options)),
        ADD_MS,
        'adding a job',
      );
      return true;
    } catch (error) {
      this.failures += 1;
      this.logger.debug(`the job ${name} was not added: ${messageOf(error)}`);
      return false;
    }
  }

  /** The handler of jobs of this name; all handlers of a process together run at most the sum of their concurrencies. */
  process(
    name: string,
    handler: JobHandler,
    options: { readonly concurrency?: number } = {},
  ): void {
    this.handlers.set(name, { handler, concurrency: options.concurrency ?? DEFAULT_CONCURRENCY });
    // a worker that is already there was made for fewer handlers
    if (this.connected !== null) this.wake?.abort();
  }

  /** The control plane adds jobs and workers take them; a gateway by itself has no use for the queue. */
  get isUsed(): boolean {
    return this.config.roles.some((role) => role !== 'gateway');
  }

  /** Before anything listens: reading the packages holds up the event loop. */
  async onModuleInit(): Promise<void> {
    if (this.isUsed) await import('./job-backend.js');
  }

  onApplicationBootstrap(): void {
    if (this.isUsed) this.start();
  }

  start(): void {
    this.loop ??= this.run();
  }

  /** While others still drain: a server that does not answer takes both of our deadlines. */
  onModuleDestroy(): void {
    void this.close();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.close();
  }

  /** Waits for running handlers and for the server, but not for long. */
  close(): Promise<void> {
    this.closing ??= this.closeOnce();
    return this.closing;
  }

  private async closeOnce(): Promise<void> {
    this.stop.abort();
    this.wake?.abort();
    await this.disconnect();
    if (this.loop !== null) await settlesWithin(this.loop, CLOSE_MS);
    await this.disconnect();
  }

  private async run(): Promise<void> {
    let waitMs = RETRY_FIRST_MS;
    while (!this.hasStopped()) {
      this.wake = new AbortController();
      try {
        this.connected = await this.connect();
        waitMs = RETRY_FIRST_MS;
        await this.watch(this.connected, this.wake.signal);
      } catch (error) {
        this.logger.warn(`the queue is away: ${messageOf(error)}`);
      }
      await this.disconnect();
      if (this.hasStopped()) return;
      this.rebuilds += 1;
      await sleep(waitMs, undefined, { signal: this.stop.signal }).catch(() => undefined);
      waitMs = Math.min(RETRY_MAX_MS, waitMs * 2);
    }
  }

  /** A method, because the flag changes while we wait and the compiler would think it cannot. */
  private hasStopped(): boolean {
    return this.stop.signal.aborted;
  }

  private async connect(): Promise<Connected> {
    const backend = await this.makeBackend();
    const queue = await this.whole(backend, async () => {
      await withDeadline(backend.prepare(), READY_MS, 'preparing the queue');
      return backend.queue();
    });
    queue.on('error', (error) => this.onError(backend, error));
    let worker: JobWorker | null = null;
    try {
      const handled = this.handlers.size;
      worker = this.handlers.size === 0 ? null : this.makeWorker(backend);
      await withDeadline(
        Promise.all([queue.waitUntilReady(), worker?.waitUntilReady()]),
        READY_MS,
        'connecting the queue',
      );
      return { backend, queue, worker, handled };
    } catch (error) {
      // a worker that is not closing asks an ended pool again and again, without ever giving the event loop a turn
      void worker?.close().catch(() => undefined);
      void queue.close().catch(() => undefined);
      await backend.dispose();
      throw error;
    }
  }

  private async whole<T>(backend: JobBackend, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      await backend.dispose();
      throw error;
    }
  }

  private async makeBackend(): Promise<JobBackend> {
    // a gateway by itself starts sooner without bullmq and ioredis
    const { postgresJobs, redisJobs } = await import('./job-backend.js');
    if (this.config.redisUrl !== null) return redisJobs(this.config.redisUrl);
    await this.database.whenReady();
    return postgresJobs(this.database.connectionUrl);
  }

  private makeWorker(backend: JobBackend): JobWorker {
    let concurrency = 0;
    for (const registered of this.handlers.values()) concurrency += registered.concurrency;
    const worker = backend.worker((job) => this.handle(job.name, job.data), concurrency);
    worker.on('error', (error) => this.onError(backend, error));
    worker.on('failed', (job, error) =>
      this.logger.warn(`the job ${job?.name ?? '?'} failed: ${messageOf(error)}`),
    );
    return worker;
  }

  private async handle(name: string, data: unknown): Promise<void> {
    const registered = this.handlers.get(name);
    if (registered === undefined)
      throw new SluiceError('not_found', `nothing handles jobs named ${name}`);
    this.running += 1;
    try {
      await registered.handler(data);
    } finally {
      this.running -= 1;
    }
  }

  /** bullmq on PostgreSQL may stay dead after a lost connection; ioredis comes back by itself. */
  private onError(backend: JobBackend, error: unknown): void {
    if (this.hasStopped()) return;
    this.logger.debug(`the queue reports: ${messageOf(error)}`);
    if (backend.kind === 'postgres' && isConnectionError(error)) this.wake?.abort();
  }

  /** Returns when the queue should be made anew. */
  private async watch(connected: Connected, wake: AbortSignal): Promise<void> {
    while (connected.handled === this.handlers.size) {
      await sleep(PROBE_EVERY_MS, undefined, { signal: wake }).catch(() => undefined);
      if (wake.aborted) return;
      await this.probe(connected);
    }
  }

  private async probe({ queue, worker }: Connected): Promise<void> {
    const waiting = await withDeadline(queue.getWaiting(0, 0), PROBE_MS, 'probing the queue');
    if (worker === null) return;
    const [first] = waiting;
    const since = first === undefined ? Date.now() : first.timestamp + (first.opts.delay ?? 0);
    const isDeaf = this.running === 0 && Date.now() - since > DEAF_AFTER_MS;
    if (isDeaf || !worker.isRunning())
      throw new SluiceError('unavailable', 'the worker takes no jobs');
  }

  private async disconnect(): Promise<void> {
    const { connected } = this;
    if (connected === null) return;
    this.connected = null;
    const { queue, worker, backend } = connected;
    const closing = Promise.all([
      worker?.close().catch(() => undefined),
      queue.close().catch(() => undefined),
    ]);
    if (!(await settlesWithin(closing, CLOSE_MS)))
      this.logger.debug('the queue did not close in time');
    await backend.dispose();
  }
}

/** Of jobs without an id some are kept to look at; one with an id must go at once, or it would block its successor. */
function jobOptions(name: string, { delayMs, id }: AddOptions): object {
  const keep =
    id === undefined
      ? { removeOnComplete: { count: KEEP_DONE }, removeOnFail: { count: KEEP_FAILED } }
      : { removeOnComplete: true, removeOnFail: true, jobId: `${name}-${id.replaceAll(':', '-')}` };
  return delayMs === undefined ? keep : { ...keep, delay: Math.max(0, Math.round(delayMs)) };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}
