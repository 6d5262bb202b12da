import cluster from 'node:cluster';
import { Logger, Module } from '@nestjs/common';
import type { DynamicModule, INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ConfigModule } from '../config/config.module.js';
import type { Config } from '../config/config.js';
import { DATABASE_SERVER } from '../database/database-server.js';
import type { DatabaseServer } from '../database/database-server.js';
import { DatabaseModule } from '../database/database.module.js';
import { Database } from '../database/database.service.js';
import { Shipper } from '../events/shipper.service.js';
import { Spool } from '../events/spool.service.js';
import { Fleet } from '../gateway/fleet.service.js';
import { GatewayModule } from '../gateway/gateway.module.js';
import { GatewayTelemetry } from '../gateway/gateway-telemetry.service.js';
import { LivePlanService } from '../gateway/live-plan.service.js';
import { Mirrors } from '../gateway/mirrors.service.js';
import { SluiceError } from '../kernel/errors.js';
import { LoadModule } from '../load/load.module.js';
import type { FromGateway, GatewayAnswers, ToGateway } from './gateway-messages.js';
import { PinoLogger } from './pino-logger.js';

/** Within this the process is gone, whatever hangs: the main process may be gone already and kill nobody. */
const SHUTDOWN_DEADLINE_MS = 24_000;

/** The embedded database belongs to the main process, which says when it is there. */
class MainProcessDatabase implements DatabaseServer {
  #known = Promise.withResolvers<string>();

  constructor() {
    this.#known.promise.catch(() => undefined);
  }

  isAt(url: string): void {
    this.#known.resolve(url);
  }

  start(): Promise<string> {
    return this.#known.promise;
  }

  stop(): Promise<void> {
    this.#known.reject(new SluiceError('unavailable', 'the database is being closed'));
    return Promise.resolve();
  }
}

@Module({})
class GatewayProcessModule {
  static of(config: Config, server: DatabaseServer): DynamicModule {
    return {
      module: GatewayProcessModule,
      global: true,
      imports: [ConfigModule.forRoot(config), LoadModule, DatabaseModule, GatewayModule],
      providers: [{ provide: DATABASE_SERVER, useValue: server }],
      exports: [DATABASE_SERVER],
    };
  }
}

/** A gateway in a process of its own, as the main process tells it; ends in order with it. */
export function runGatewayProcess(): void {
  const server = new MainProcessDatabase();
  let app: Promise<INestApplicationContext> | null = null;
  let isStopping = false;
  const stop = (): void => {
    if (isStopping) return;
    isStopping = true;
    setTimeout(() => process.exit(1), SHUTDOWN_DEADLINE_MS).unref();
    void (app ?? Promise.resolve(null))
      .then((started) => started?.close())
      .then(
        () => process.exit(0),
        () => process.exit(1),
      );
  };
  process.on('message', (message: ToGateway) => {
    switch (message.kind) {
      case 'begin':
        app = start(message.index, message.config, server);
        app.catch((error: unknown) => fail(error));
        return;
      case 'database':
        server.isAt(message.url);
        return;
      case 'ask':
        void app?.then((started) => answer(started, message)).catch(() => undefined);
        return;
      case 'stop':
        stop();
        return;
    }
  });
  // without this Node ends the process at once when its main process is gone, with every request in it
  if (cluster.worker !== undefined) cluster.worker.exitedAfterDisconnect = true;
  process.on('disconnect', stop);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, stop);
}

async function start(
  index: number,
  config: Config,
  server: DatabaseServer,
): Promise<INestApplicationContext> {
  const app = await NestFactory.createApplicationContext(GatewayProcessModule.of(config, server), {
    logger: new PinoLogger(config.logLevel, undefined, { gateway: index }),
    abortOnError: false,
  });
  app.get(GatewayTelemetry, { strict: false }).name({ gateway: String(index) });
  const live = app.get(LivePlanService, { strict: false });
  live.onAdopt((plan) => tell({ kind: 'plan', version: plan.version }));
  if (live.current !== null) tell({ kind: 'plan', version: live.current.version });
  tell({ kind: 'listening' });
  return app;
}

function fail(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  new Logger('Gateway').error(error);
  tell({ kind: 'failed', message }, () => process.exit(1));
}

async function answer(
  app: INestApplicationContext,
  { id, what }: Extract<ToGateway, { kind: 'ask' }>,
): Promise<void> {
  tell({ kind: 'answer', id, value: await ANSWERS[what](app) });
}

const ANSWERS: {
  readonly [K in keyof GatewayAnswers]: (
    app: INestApplicationContext,
  ) => Promise<GatewayAnswers[K]>;
} = {
  state: (app) => {
    const find = { strict: false } as const;
    return Promise.resolve({
      uptimeSeconds: Math.round(process.uptime()),
      databaseReady: app.get(Database, find).isReady,
      spool: app.get(Spool, find).counters(),
      shippingFailure: app.get(Shipper, find).status().failure,
      traffic: app.get(Fleet, find).status,
      shadows: app.get(Mirrors, find).status,
    });
  },
  alive: () => Promise.resolve(null),
  metrics: (app) => app.get(GatewayTelemetry, { strict: false }).json(),
  refresh: async (app) => {
    await app.get(Database, { strict: false }).whenReady();
    await app.get(LivePlanService, { strict: false }).refresh();
    return null;
  },
};

/** A main process that is gone hears nothing; the channel's end is noticed by itself. */
function tell(message: FromGateway, then: () => void = () => undefined): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => then());
  else then();
}
