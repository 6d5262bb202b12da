import type { AddressInfo } from 'node:net';
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
import type { CallerLimits } from './caller-connection.js';
import { CallerServer } from './caller-server.js';
import { Door } from './door.service.js';
import { LivePlanService } from './live-plan.service.js';
import { Mirrors } from './mirrors.service.js';
import { Upstreams } from './upstreams.service.js';

/** Requests under way get this long to end after the stop; streams are cut then. */
const DRAIN_DEADLINE_MS = 10_000;
/** Time for busy connections to get an answer that says `connection: close`, before idle ones are closed. */
const FAREWELL_MS = 500;
/** A turn of the event loop that finds nothing takes hundredths of a millisecond. */
const QUIET_TURN_MS = 0.1;
/** A gateway under full load may have no such turn. */
const QUIET_WITHIN_MS = 200;
const LIMITS: CallerLimits = {
  headMs: 20_000,
  requestMs: 60_000,
  // longer than callers keep idle connections, so that the caller closes first and no request meets a closing one
  idleMs: 75_000,
  // a connection without a byte either way is dead: twice the longest time-out that a model may have, and a bit
  silentMs: 1_260_000,
  stalledMs: 300_000,
};

/** The data-plane server: its place among the application's starts and stops. */
@Injectable()
export class GatewayServer implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #logger = new Logger('Gateway');
  readonly #server: CallerServer;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly live: LivePlanService,
    private readonly upstreams: Upstreams,
    private readonly mirrors: Mirrors,
    door: Door,
  ) {
    this.#server = new CallerServer(LIMITS, {
      onRequest: (req, res) => {
        door.handle(req, res, systemClock.nowMs());
      },
      onMalformed: (res, error) => {
        door.malformed(res, error);
      },
      onFault: (error) => {
        this.#logger.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
      },
    });
    door.guard(this.#server.net);
  }

  /** Where it listens; the port is the real one when the configured one is 0. Null while it does not. */
  get address(): AddressInfo | null {
    return this.#server.address;
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
    const { gatewayPort: port, gatewayHost: host } = this.config;
    await this.#server.listen({ port, host, reusePort: this.#sharesPort });
    const bound = this.address ?? { address: host, port };
    this.#logger.log(`gateway listens on http://${bound.address}:${bound.port}`);
  }

  /** Stops accepting, lets requests under way end, cuts what is left after the deadline. */
  async beforeApplicationShutdown(): Promise<void> {
    if (this.#server.isClosing) return;
    this.#server.beginClosing();
    this.mirrors.stop();
    const closed = new Promise<void>((resolve) => {
      afterInput(() => {
        this.#server.stopListening(resolve);
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
