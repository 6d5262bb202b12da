import { Injectable } from '@nestjs/common';
import { UpstreamGuard } from '../models/upstream-guard.js';
import { guardedConnector } from '../models/guarded-connector.js';
import type { UpstreamHandler, UpstreamRequest } from './upstream-call.js';
import { UpstreamPool } from './upstream-pool.js';

/** Connections per origin; further requests wait for one, until their deadline. */
const MAX_CONNECTIONS = 512;

/** One connection pool per upstream origin. */
@Injectable()
export class Upstreams {
  readonly #pools = new Map<string, UpstreamPool>();
  readonly #connect: ReturnType<typeof guardedConnector>;

  constructor(guard: UpstreamGuard) {
    this.#connect = guardedConnector(guard);
  }

  dispatch(origin: string, request: UpstreamRequest, handler: UpstreamHandler): void {
    this.#poolOf(origin).dispatch(request, handler);
  }

  /** Lets go of the pools of other origins; requests under way on them end undisturbed. */
  keepOnly(origins: ReadonlySet<string>): void {
    for (const [origin, pool] of this.#pools) {
      if (origins.has(origin)) continue;
      this.#pools.delete(origin);
      void pool.close();
    }
  }

  /** Ends every connection, also those in use. */
  destroy(): void {
    for (const pool of this.#pools.values()) pool.destroy();
    this.#pools.clear();
  }

  #poolOf(origin: string): UpstreamPool {
    let pool = this.#pools.get(origin);
    if (pool === undefined) {
      pool = new UpstreamPool(origin, this.#connect, MAX_CONNECTIONS);
      this.#pools.set(origin, pool);
    }
    return pool;
  }
}
