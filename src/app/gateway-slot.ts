import cluster from 'node:cluster';
import type { Worker } from 'node:cluster';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config/config.js';
import { SluiceError } from '../kernel/errors.js';
import type { FromGateway, GatewayAnswers, ToGateway } from './gateway-messages.js';

/** The first restart comes at once for a person, and not for a program that dies as soon as it starts. */
const RESTART_FIRST_MS = 100;
const RESTART_MAX_MS = 5_000;
/** A process that lived for so long did not die of its start: the pauses begin anew. */
const STEADY_AFTER_MS = 30_000;
/** A process that does not answer so long is busy or about to die; whoever asked does not wait for it. */
const ANSWER_MS = 1_000;
/** Often enough that a process that hangs is found within seconds. */
const LIFE_SIGN_MS = 2_000;
/** A process that misses so many life signs in a row hangs: its connections would wait for ever. No collection of garbage takes that long. */
const MISSED_MAX = 6;
/** Requests under way get 10 s, events still to be shipped 5 s; whoever is left then is killed. Its spool stays. */
const STOP_MS = 17_000;

/** The program that runs in a gateway process, beside the one that runs here: compiled or as written. */
const PROGRAM = fileURLToPath(
  new URL(`../gateway-process${extname(import.meta.filename)}`, import.meta.url),
);

/** What a slot tells while its processes come and go. */
export interface SlotEvents {
  /** A process ended that nobody had told to; another follows after the pause. */
  readonly onDeath: (why: string, pauseMs: number) => void;
  /** Its successor answers. */
  readonly onReturn: () => void;
}

/** One place for a gateway process: starts it, starts it again when it dies, asks it, ends it. */
export class GatewaySlot {
  #worker: Worker | null = null;
  #listening = false;
  #planVersion: number | null = null;
  #databaseUrl: string | null = null;
  #failure: string | null = null;
  #restarts = 0;
  #deathsInRow = 0;
  #startedAtMs = 0;
  #isStopping = false;
  #restart: NodeJS.Timeout | null = null;
  #lifeSigns: NodeJS.Timeout | null = null;
  #missed = 0;
  #asked = 0;
  readonly #waiting = new Map<number, (value: unknown) => void>();

  constructor(
    readonly index: number,
    private readonly config: Config,
    private readonly events: SlotEvents,
  ) {}

  /** Process id; null while there is none. */
  get pid(): number | null {
    return this.#worker?.process.pid ?? null;
  }

  /** Takes connections. */
  get isListening(): boolean {
    return this.#listening;
  }

  /** Version of the plan in force in it; null while it knows none. */
  get planVersion(): number | null {
    return this.#planVersion;
  }

  /** How often a process of this slot was started again. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Starts the first process; resolves once it listens, rejects when it ends before. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#spawn(resolve, () => {
        const why = this.#failure ?? 'it ended before it listened';
        reject(new SluiceError('unavailable', `gateway process ${this.index}: ${why}`));
      });
    });
  }

  /** Tells where the embedded database is, now and to every successor. */
  databaseIsAt(url: string): void {
    this.#databaseUrl = url;
    this.#send({ kind: 'database', url });
  }

  /** Null when it does not answer in time. */
  ask<K extends keyof GatewayAnswers>(
    what: K,
    withinMs = ANSWER_MS,
  ): Promise<GatewayAnswers[K] | null> {
    if (!this.#listening) return Promise.resolve(null);
    const id = (this.#asked += 1);
    return new Promise((resolve) => {
      const done = (value: unknown): void => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        resolve(value as GatewayAnswers[K] | null);
      };
      const timer = setTimeout(done, withinMs, null);
      this.#waiting.set(id, done);
      this.#send({ kind: 'ask', id, what });
    });
  }

  /** Ends the process in order, or by force after the deadline. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    if (this.#restart !== null) clearTimeout(this.#restart);
    const worker = this.#worker;
    if (worker === null) return;
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    this.#watchNoMore();
    this.#send({ kind: 'stop' });
    const kill = setTimeout(() => worker.process.kill('SIGKILL'), STOP_MS);
    await ended;
    clearTimeout(kill);
  }

  #spawn(onListening: () => void, onEarlyEnd: (why: string) => void): void {
    cluster.setupPrimary({ exec: PROGRAM, args: [] });
    const worker = cluster.fork();
    this.#worker = worker;
    this.#startedAtMs = Date.now();
    // a channel that breaks means a process that ends: its exit tells
    worker.on('error', () => undefined);
    worker.on('message', (message: FromGateway) => {
      this.#hear(message);
      if (message.kind === 'listening') onListening();
    });
    worker.once('exit', (code, signal) => {
      const wasListening = this.#listening;
      this.#gone();
      const why = this.#failure ?? `it ended (${signal || code})`;
      if (!wasListening) onEarlyEnd(why);
      if (wasListening && !this.#isStopping) this.#respawnAfter(why);
    });
    // the folder of the lock, the secret and the plan is that of the main process; the spool is its own by its id
    const config: Config = { ...this.config, roles: ['gateway'] };
    this.#send({ kind: 'begin', index: this.index, config });
    if (this.#databaseUrl !== null) this.#send({ kind: 'database', url: this.#databaseUrl });
  }

  #respawnAfter(why: string): void {
    if (Date.now() - this.#startedAtMs > STEADY_AFTER_MS) this.#deathsInRow = 0;
    const pauseMs = restartPauseMs(this.#deathsInRow);
    this.#deathsInRow += 1;
    this.events.onDeath(why, pauseMs);
    this.#restart = setTimeout(() => {
      this.#restarts += 1;
      this.#spawn(
        () => this.events.onReturn(),
        (early) => {
          if (!this.#isStopping) this.#respawnAfter(early);
        },
      );
    }, pauseMs);
  }

  #hear(message: FromGateway): void {
    this.#missed = 0;
    switch (message.kind) {
      case 'listening':
        this.#listening = true;
        this.#failure = null;
        this.#watch();
        break;
      case 'plan':
        this.#planVersion = message.version;
        break;
      case 'answer':
        this.#waiting.get(message.id)?.(message.value);
        break;
      case 'failed':
        this.#failure = message.message;
        break;
    }
  }

  /**
   * Asks for a life sign again and again, and kills a process that gives none: what it holds is in its spool, and its
   * successor takes connections. Counted in questions and not in time, so that a machine that stood still, or a main
   * process that was busy itself, is no reason to kill.
   */
  #watch(): void {
    this.#watchNoMore();
    this.#missed = 0;
    this.#lifeSigns = setInterval(() => {
      if (this.#missed >= MISSED_MAX) {
        const silentS = (MISSED_MAX * LIFE_SIGN_MS) / 1_000;
        this.#failure = `it gave no life sign for ${silentS} s and was killed`;
        this.#worker?.process.kill('SIGKILL');
        return;
      }
      this.#missed += 1;
      void this.ask('alive');
    }, LIFE_SIGN_MS).unref();
  }

  #watchNoMore(): void {
    if (this.#lifeSigns !== null) clearInterval(this.#lifeSigns);
    this.#lifeSigns = null;
  }

  #gone(): void {
    this.#watchNoMore();
    this.#worker = null;
    this.#listening = false;
    this.#planVersion = null;
    for (const done of [...this.#waiting.values()]) done(null);
  }

  #send(message: ToGateway): void {
    if (this.#worker?.isConnected() === true) this.#worker.send(message);
  }
}

/**
 * Milliseconds before a process is started again.
 *
 * @param deathsInRow how many predecessors died young, 0 or more
 */
export function restartPauseMs(deathsInRow: number): number {
  return Math.min(RESTART_MAX_MS, RESTART_FIRST_MS * 2 ** Math.min(deathsInRow, 10));
}
