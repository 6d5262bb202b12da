import { lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import type { buildConnector } from 'undici';
import { guardedConnector, type AddressGuard } from '../models/guarded-connector.js';

/** Connections to one shadow that may be opened within any second: what breaks connections must not be fed with them. */
export const MAX_CONNECTS_PER_S = 10;
/**
 * Names looked up at once for all shadows. A look-up waits in one of the process's four worker threads, which a dead
 * name server holds for many seconds; versions that answer callers, and the spool's syncs, need the others.
 */
const MAX_LOOKUPS = 2;

const WINDOW_MS = 1_000;

/** Code of the error with which a connection is refused by ourselves. */
export const NO_CONNECTION = 'SLUICE_NO_CONNECTION';

/** Counts what was opened within the last second. */
export class ConnectBudget {
  readonly #atMs = new Array<number>(MAX_CONNECTS_PER_S).fill(-Infinity);
  #next = 0;
  #taken = 0;

  /** Connections opened so far. */
  get taken(): number {
    return this.#taken;
  }

  /** How many may be opened now. */
  left(nowMs: number): number {
    return this.#atMs.filter((atMs) => nowMs - atMs >= WINDOW_MS).length;
  }

  /** Takes one connection out of the budget; false: there is none left now. */
  take(nowMs: number): boolean {
    if (nowMs - (this.#atMs[this.#next] ?? -Infinity) < WINDOW_MS) return false;
    this.#atMs[this.#next] = nowMs;
    this.#next = (this.#next + 1) % MAX_CONNECTS_PER_S;
    this.#taken += 1;
    return true;
  }
}

/** The guarded connector of all shadows: the same guard as for every upstream, and few look-ups at once. */
export function mirrorConnector(guard: AddressGuard): buildConnector.connector {
  return guardedConnector(guard, fewLookups());
}

/** Opens connections within a budget; one that exceeds it fails with {@link NO_CONNECTION}, and never at once. */
export function withinBudget(
  connect: buildConnector.connector,
  budget: ConnectBudget,
): buildConnector.connector {
  return (options, callback) => {
    if (budget.take(performance.now())) connect(options, callback);
    else process.nextTick(callback, noConnection('a connection'), null);
  };
}

/** Who asks for a name that is being looked up already waits for that answer. */
export function fewLookups(resolve: LookupFunction = lookup): LookupFunction {
  const running = new Map<string, Parameters<LookupFunction>[2][]>();
  return (hostname, options, callback) => {
    const waiting = running.get(hostname);
    if (waiting !== undefined) {
      waiting.push(callback);
      return;
    }
    if (running.size >= MAX_LOOKUPS) {
      process.nextTick(callback, noConnection('a look-up'), []);
      return;
    }
    const callbacks = [callback];
    running.set(hostname, callbacks);
    resolve(hostname, options, (error, addresses, family) => {
      running.delete(hostname);
      for (const told of callbacks) told(error, addresses, family);
    });
  };
}

function noConnection(what: string): NodeJS.ErrnoException {
  const error: NodeJS.ErrnoException = new Error(`${what} more than shadows may have`);
  error.code = NO_CONNECTION;
  return error;
}
