import pg from 'pg';

type Callback = (error: Error | null, result?: unknown) => void;
interface Internals {
  readonly connection: { readonly stream: { destroy(): void } };
}

/**
 * A client that ends itself when a query times out. pg only reports the time-out and keeps waiting for the answer, so
 * whoever gets that client from the pool next would hang behind a query that nobody wants any more.
 */
export class TimedClient extends pg.Client {
  // pg's own overloads; the arguments are passed through untouched but for the callback
  override query = ((...given: unknown[]): unknown => {
    const last = given.at(-1);
    if (typeof last === 'function') {
      const callback = last as Callback;
      given[given.length - 1] = (error: Error | null, result?: unknown) => {
        this.endIfTimedOut(error);
        callback(error, result);
      };
    }
    const result: unknown = Reflect.apply(pg.Client.prototype.query, this, given);
    if (result instanceof Promise) result.catch((error: unknown) => this.endIfTimedOut(error));
    return result;
  }) as pg.Client['query'];

  private endIfTimedOut(error: unknown): void {
    if (!(error instanceof Error) || error.message !== 'Query read timeout') return;
    (this as unknown as Internals).connection.stream.destroy();
  }
}
