import type { buildConnector } from 'undici';
import type { UpstreamHandler, UpstreamRequest } from './upstream-call.js';
import { UpstreamConnection, type ConnectionOwner } from './upstream-connection.js';

/**
 * Below the idle limit of usual servers (5 s and more): a request written to a connection that the server is closing
 * fails, and may not be repeated.
 */
const KEEP_ALIVE_MS = 4_000;
/** What a server's Keep-Alive hint is shortened by. */
const KEEP_ALIVE_MARGIN_MS = 1_000;
/** Connections are renewed after this time: an open socket never looks its name up again. */
const CONNECTION_MAX_AGE_MS = 300_000;
/** Idle connections and requests that nobody waits for any more are looked for this often. */
const SWEEP_MS = 1_000;

interface Job {
  readonly request: UpstreamRequest;
  readonly handler: UpstreamHandler;
}

/** Connections to one origin, used again newest first, so that what is not needed grows old and is closed. */
export class UpstreamPool implements ConnectionOwner {
  readonly #url: URL;
  readonly #all = new Set<UpstreamConnection>();
  readonly #idle: UpstreamConnection[] = [];
  #waiting: Job[] = [];
  #connecting = 0;
  #isClosed = false;
  #onEmpty: (() => void) | null = null;
  readonly #sweep: NodeJS.Timeout;

  /**
   * @param origin scheme, host and port
   * @param connect guarded: it is asked for every connection
   * @param maxConnections further requests wait for one, until nobody wants them any more
   */
  constructor(
    origin: string,
    private readonly connect: buildConnector.connector,
    private readonly maxConnections: number,
  ) {
    this.#url = new URL(origin);
    this.#sweep = setInterval(() => this.#tidy(), SWEEP_MS);
    this.#sweep.unref();
  }

  /** Sends a request, at once on an idle connection or as soon as there is one. */
  dispatch(request: UpstreamRequest, handler: UpstreamHandler): void {
    const connection = this.#takeIdle();
    if (connection !== null) {
      connection.send(request, handler);
      return;
    }
    this.#waiting.push({ request, handler });
    if (this.#all.size + this.#connecting < this.maxConnections) this.#open();
  }

  /** Takes no more requests; those under way and waiting end undisturbed. Resolves when they have. */
  close(): Promise<void> {
    this.#isClosed = true;
    for (const connection of this.#idle.splice(0)) connection.destroy();
    return new Promise((done) => {
      this.#onEmpty = done;
      this.#endIfEmpty();
    });
  }

  /** Ends every connection; whoever waits for an answer hears of it. */
  destroy(): void {
    this.#isClosed = true;
    const error = new Error('the gateway stops');
    for (const { handler } of this.#waiting.splice(0)) if (handler.isWanted) handler.onError(error);
    for (const connection of [...this.#all]) connection.fail(error);
    this.#endIfEmpty();
  }

  freed(connection: UpstreamConnection): void {
    const nowMs = performance.now();
    connection.idleSinceMs = nowMs;
    if (this.#isClosed && this.#waiting.length === 0) connection.destroy();
    else if (nowMs - connection.openedMs > CONNECTION_MAX_AGE_MS) {
      connection.destroy();
    } else this.#use(connection);
  }

  gone(connection: UpstreamConnection): void {
    this.#all.delete(connection);
    const place = this.#idle.lastIndexOf(connection);
    if (place >= 0) this.#idle.splice(place, 1);
    if (this.#waiting.length > this.#connecting) this.#open();
    this.#endIfEmpty();
  }

  #use(connection: UpstreamConnection): void {
    const job = this.#nextJob();
    if (job === null) this.#idle.push(connection);
    else connection.send(job.request, job.handler);
  }

  #nextJob(): Job | null {
    let job = this.#waiting.shift();
    while (job !== undefined && !job.handler.isWanted) job = this.#waiting.shift();
    return job ?? null;
  }

  #takeIdle(): UpstreamConnection | null {
    const nowMs = performance.now();
    let connection = this.#idle.pop();
    while (connection !== undefined && isStale(connection, nowMs)) {
      connection.destroy();
      connection = this.#idle.pop();
    }
    return connection ?? null;
  }

  #open(): void {
    this.#connecting += 1;
    const { protocol, hostname, host, port } = this.#url;
    // As undici's client calls its connector: an IPv6 address without its brackets.
    const bare = hostname.replace(/^\[(.*)\]$/, '$1');
    this.connect({ hostname: bare, host, protocol, port }, (error, socket) => {
      this.#connecting -= 1;
      if (error !== null) this.#failed(error);
      else {
        const connection = new UpstreamConnection(socket, host, this, performance.now());
        this.#all.add(connection);
        this.#use(connection);
      }
    });
  }

  /** One connection that could not be opened costs one request; the others have theirs on the way. */
  #failed(error: Error): void {
    this.#nextJob()?.handler.onError(error);
    if (this.#waiting.length > this.#connecting + this.#all.size) this.#open();
    this.#endIfEmpty();
  }

  #tidy(): void {
    const nowMs = performance.now();
    for (const connection of this.#idle.filter((one) => isStale(one, nowMs))) connection.destroy();
    this.#waiting = this.#waiting.filter(({ handler }) => handler.isWanted);
  }

  #endIfEmpty(): void {
    if (!this.#isClosed || this.#all.size > 0 || this.#waiting.length > 0) return;
    clearInterval(this.#sweep);
    this.#onEmpty?.();
  }
}

function isStale(connection: UpstreamConnection, nowMs: number): boolean {
  const hintMs =
    connection.keepAliveSeconds === null ? Infinity : connection.keepAliveSeconds * 1_000;
  const keptMs = Math.min(KEEP_ALIVE_MS, hintMs - KEEP_ALIVE_MARGIN_MS);
  return (
    nowMs - connection.idleSinceMs > keptMs || nowMs - connection.openedMs > CONNECTION_MAX_AGE_MS
  );
}
