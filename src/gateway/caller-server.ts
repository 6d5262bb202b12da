import { createServer, type AddressInfo, type ListenOptions, type Server } from 'node:net';
import { CallerConnection, type CallerHost, type CallerLimits } from './caller-connection.js';
import type { CallerRequest } from './caller-request.js';
import type { CallerResponse } from './caller-response.js';
import type { MalformedRequest } from './request-parser.js';

/** Every connection is asked this often whether one of its limits is over. */
const CHECK_MS = 1_000;

/** What answers the requests. */
export interface CallerHandler {
  onRequest(request: CallerRequest, response: CallerResponse): void;
  onMalformed(response: CallerResponse, error: MalformedRequest): void;
  /** A bug of ours, or a connection that the system could not give us. */
  onFault(error: unknown): void;
}

/** An HTTP/1.1 server on plain sockets, for the data plane alone. Why: docs/decisions/0018. */
export class CallerServer implements CallerHost {
  readonly keepAliveLines: string;
  readonly #net: Server;
  readonly #connections = new Set<CallerConnection>();
  #isClosing = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(
    readonly limits: CallerLimits,
    private readonly handler: CallerHandler,
  ) {
    const seconds = Math.floor(limits.idleMs / 1_000);
    this.keepAliveLines = `connection: keep-alive\r\nkeep-alive: timeout=${seconds}\r\n`;
    this.#net = createServer({ noDelay: true }, (socket) => {
      this.#connections.add(new CallerConnection(socket, this, performance.now()));
    });
  }

  /** True from `beginClosing` on: every answer ends its connection. */
  get isClosing(): boolean {
    return this.#isClosing;
  }

  /** The listener itself: who may connect, and how many. */
  get net(): Server {
    return this.#net;
  }

  /** Where it listens; null while it does not. */
  get address(): AddressInfo | null {
    const address = this.#net.address();
    return typeof address === 'object' ? address : null;
  }

  /** Rejects with the system's error when the port cannot be had. */
  listen(options: ListenOptions): Promise<void> {
    this.#timer = setInterval(() => {
      const nowMs = performance.now();
      for (const connection of this.#connections) connection.check(nowMs);
    }, CHECK_MS).unref();
    return new Promise((resolve, reject) => {
      this.#net.once('error', reject);
      this.#net.listen(options, () => {
        this.#net.off('error', reject);
        this.#net.on('error', (error) => this.onFault(error));
        resolve();
      });
    });
  }

  /** From now on every answer ends its connection. */
  beginClosing(): void {
    this.#isClosing = true;
  }

  /** Accepts nothing any more; `done` runs when the last connection has ended. */
  stopListening(done: () => void): void {
    this.#net.close(() => {
      if (this.#timer !== null) clearInterval(this.#timer);
      done();
    });
  }

  closeIdleConnections(): void {
    for (const connection of this.#connections) if (connection.isIdle) connection.destroy();
  }

  closeAllConnections(): void {
    for (const connection of this.#connections) connection.destroy();
  }

  onRequest(request: CallerRequest, response: CallerResponse): void {
    this.handler.onRequest(request, response);
  }

  onMalformed(response: CallerResponse, error: MalformedRequest): void {
    this.handler.onMalformed(response, error);
  }

  onFault(error: unknown): void {
    this.handler.onFault(error);
  }

  onGone(connection: CallerConnection): void {
    this.#connections.delete(connection);
  }
}
