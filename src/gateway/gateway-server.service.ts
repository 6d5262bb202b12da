import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Server as NetServer, type AddressInfo } from 'node:net';
import {
  Inject,
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { CONFIG } from '../config/config.js';
import type { Config } from '../config/config.js';
import { systemClock } from '../kernel/clock.js';
import { Door } from './door.service.js';
import { LivePlanService } from './live-plan.service.js';
import { Mirrors } from './mirrors.service.js';
import { Upstreams } from './upstreams.service.js';

/** Requests under way get this long to end after the stop; streams are cut then. */
const DRAIN_DEADLINE_MS = 10_000;
/** Time for busy connections to get an answer that says `connection: close`, before idle ones are closed. */
const FAREWELL_MS = 500;
/** Longer than callers keep idle connections, so that the caller closes first and no request meets a closing one. */
const IDLE_CONNECTION_MS = 75_000;
/** A turn of the event loop that finds nothing takes hundredths of a millisecond. */
const QUIET_TURN_MS = 0.1;
/** A gateway under full load may have no such turn. */
const QUIET_WITHIN_MS = 200;
const HEADERS_TIMEOUT_MS = 20_000;
const REQUEST_TIMEOUT_MS = 60_000;
/** A connection without a byte either way is dead: twice the longest time-out that a model may have, and a bit. */
const SILENT_CONNECTION_MS = 1_260_000;
const MAX_HEADER_BYTES = 16 * 1024;
/** The two time-outs above are looked at this rarely: the check walks over every connection. */
const CONNECTION_CHECK_MS = 5_000;

/** The data-plane server: node:http itself, because a framework's request life cycle costs more than the routing. */
@Injectable()
export class GatewayServer implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #logger = new Logger('Gateway');
  readonly #server: Server;
  #isClosing = false;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly live: LivePlanService,
    private readonly upstreams: Upstreams,
    private readonly mirrors: Mirrors,
    door: Door,
  ) {
    this.#server = createServer(
      {
        keepAliveTimeout: IDLE_CONNECTION_MS,
        headersTimeout: HEADERS_TIMEOUT_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        connectionsCheckingInterval: CONNECTION_CHECK_MS,
        maxHeaderSize: MAX_HEADER_BYTES,
        noDelay: true,
      },
      (req: IncomingMessage, res: ServerResponse) => {
        if (this.#isClosing) res.shouldKeepAlive = false;
        door.handle(req, res, systemClock.nowMs());
      },
    );
    this.#server.timeout = SILENT_CONNECTION_MS;
    door.guard(this.#server);
  }

  /** Where it listens; the port is the real one when the configured one is 0. Null while it does not. */
  get address(): AddressInfo | null {
    const address = this.#server.address();
    return typeof address === 'object' ? address : null;
  }

  /**
   * Several processes bind the same port and the system spreads connections over them (SO_REUSEPORT). Where it does not
   * spread them, the main process hands them out (node:cluster). Why: docs/decisions.
   */
  get #sharesPort(): boolean {
    return this.config.gatewayProcesses > 1 && process.platform === 'linux';
  }

  /** Serves from the snapshot at once; the database may come later. */
  async onApplicationBootstrap(): Promise<void> {
    this.live.onAdopt((plan) => {
      this.upstreams.keepOnly(plan.origins);
      this.mirrors.follow(plan);
    });
    await this.live.start();
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      const { gatewayPort: port, gatewayHost: host } = this.config;
      this.#server.listen({ port, host, reusePort: this.#sharesPort }, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    const { address, port } = this.address ?? { address: '', port: 0 };
    this.#logger.log(`gateway listens on http://${address}:${port}`);
  }

  /** Stops accepting, lets requests under way end, cuts what is left after the deadline. */
  async beforeApplicationShutdown(): Promise<void> {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.mirrors.stop();
    // http.Server's own close() would also reset idle connections, and with them requests that are just arriving.
    const closed = new Promise<void>((resolve) => {
      afterInput(() => {
        NetServer.prototype.close.call(this.#server, () => {
          resolve();
        });
      });
    });
    const cut = setTimeout(() => {
      this.#server.closeAllConnections();
    }, DRAIN_DEADLINE_MS);
    const sweep = setInterval(() => {
      afterInput(() => {
        this.#server.closeIdleConnections();
      });
    }, FAREWELL_MS);
    await closed;
    clearTimeout(cut);
    clearInterval(sweep);
    this.#server.close();
    await this.live.stop();
    this.upstreams.destroy();
  }
}

/**
 * Runs once everything that has arrived is taken in: connections that wait to be accepted would be reset with the
 * listener, and a connection whose request has not been read yet looks idle. Between the look at the sockets and the
 * act no callback may run and no other program may have the processor: on a busy machine 8 requests came in between.
 */
function afterInput(act: () => void): void {
  const untilMs = performance.now() + QUIET_WITHIN_MS;
  let lastMs = performance.now();
  const onTurn = (): void => {
    const nowMs = performance.now();
    const isQuiet = nowMs - lastMs < QUIET_TURN_MS;
    lastMs = nowMs;
    if (isQuiet || nowMs > untilMs) act();
    else setImmediate(onTurn);
  };
  setImmediate(onTurn);
}
