import pg from 'pg';

type Callback = (error: Error | null, result?: unknown) => void;
interface Internals {
  readonly connection: { readonly stream: { destroy(): void } };
}

/**
 * A client that ends itself when a query times out. pg only reports the time-out and keeps waiting for the answer, so
 * whoever gets that client from the pool next would hang behind a query that nobody wants any more. And a lost
 * connection that nobody listens to (bullmq removes its listeners before it closes) does not end the process.
 */
export class TimedClient extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config);
    const ask = this.query.bind(this) as (...given: unknown[]) => unknown;
    // pg's own overloads; the arguments are passed through untouched but for the callback
    this.query = ((...given: unknown[]): unknown => {
      const last = given.at(-1);
      if (typeof last === 'function') {
        const callback = last as Callback;
        given[given.length - 1] = (error: Error | null, result?: unknown) => {
          this.endIfTimedOut(error);
          callback(error, result);
        };
      }
      const result = ask(...given);
      if (result instanceof Promise) result.catch((error: unknown) => this.endIfTimedOut(error));
      return result;
    }) as pg.Client['query'];
  }

  override emit(event: string | symbol, ...args: unknown[]): boolean {
    if (event === 'error' && this.listenerCount('error') === 0) return false;
    return super.emit(event, ...(args as never[]));
  }

  /** Cuts the connection without asking the server, which may be frozen. */
  destroy(): void {
    (this as unknown as Internals).connection.stream.destroy();
  }

  private endIfTimedOut(error: unknown): void {
    if (error instanceof Error && error.message === 'Query read timeout') this.destroy();
  }
}

export interface ClientFamily {
  /** For the `Client` option of a pool. */
  readonly Client: typeof TimedClient;
  /** What is still open after a polite end would hold the process. */
  destroyAll(): void;
}

/** Clients of one pool that can be cut all at once. */
export function clientFamily(): ClientFamily {
  const open = new Set<TimedClient>();
  class Member extends TimedClient {
    constructor(config?: string | pg.ClientConfig) {
      super(config);
      open.add(this);
      this.once('end', () => open.delete(this));
    }
  }
  return {
    Client: Member,
    destroyAll(): void {
      for (const client of open) client.destroy();
      open.clear();
    },
  };
}
