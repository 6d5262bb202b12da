import { Injectable } from '@nestjs/common';
import { Pool, type Dispatcher } from 'undici';
import { UpstreamGuard } from '../models/upstream-guard.js';
import { guardedConnector } from '../models/guarded-connector.js';

/** Below the idle limit of usual servers (5 s and more), minus the half second by which undici's timers are late:
 * a request written to a connection that the server is closing fails, and may not be repeated. */
export const KEEP_ALIVE_MS = 4_000;
/** What a server's Keep-Alive hint is shortened by. */
export const KEEP_ALIVE_MARGIN_MS = 1_000;
/** Connections are renewed after this time: an open socket never looks its name up again. */
export const CONNECTION_MAX_AGE_MS = 300_000;
/** Connections per origin; further requests wait for one, until their deadline. */
const MAX_CONNECTIONS = 512;
/** Silence in the middle of a streamed answer after which the upstream is taken for dead. */
const STREAM_IDLE_MS = 120_000;

/** One connection pool per upstream origin. */
@Injectable()
export class Upstreams {
  readonly #pools = new Map<string, Pool>();
  readonly #connect: ReturnType<typeof guardedConnector>;

  constructor(guard: UpstreamGuard) {
    this.#connect = guardedConnector(guard);
  }

  dispatch(
    origin: string,
    options: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
  ): void {
    this.#poolOf(origin).dispatch(options, handler);
  }

  /** Lets go of the pools of other origins; requests under way on them end undisturbed. */
  keepOnly(origins: ReadonlySet<string>): void {
    for (const [origin, pool] of this.#pools) {
      if (origins.has(origin)) continue;
      this.#pools.delete(origin);
      // Rejects only when it was closed before: nothing to do then.
      pool.close().catch(() => undefined);
    }
  }

  /** Ends every connection, also those in use. */
  async destroy(): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.allSettled(pools.map((pool) => pool.destroy()));
  }

  #poolOf(origin: string): Pool {
    let pool = this.#pools.get(origin);
    if (pool === undefined) {
      pool = new Pool(origin, {
        connect: this.#connect,
        connections: MAX_CONNECTIONS,
        pipelining: 1,
        allowH2: false,
        keepAliveTimeout: KEEP_ALIVE_MS,
        keepAliveMaxTimeout: KEEP_ALIVE_MS,
        keepAliveTimeoutThreshold: KEEP_ALIVE_MARGIN_MS,
        clientTtl: CONNECTION_MAX_AGE_MS,
        // Every attempt has its own deadline until its answer begins (attempt.ts), which is finer than undici's.
        headersTimeout: 0,
        bodyTimeout: STREAM_IDLE_MS,
      });
      this.#pools.set(origin, pool);
    }
    return pool;
  }
}
