import type { AddressInfo } from 'node:net';
import type { Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { FastifyAdapter, NestFastifyApplication } from '@nestjs/platform-fastify';
import { FirstKeyService } from '../auth/first-key.service.js';
import type { FirstKey } from '../auth/first-key.service.js';
import type { Config, Role } from '../config/config.js';
import { Database } from '../database/database.service.js';
import { GatewayServer } from '../gateway/gateway-server.service.js';
import { LivePlanService } from '../gateway/live-plan.service.js';
import { Load } from '../load/load.service.js';
import { AppModule } from './app.module.js';
import { controlServer } from './control-server.js';
import { GatewayProcesses } from './gateway-processes.service.js';
import { PinoLogger } from './pino-logger.js';
import { shedRequests } from './shed-requests.js';

/** Requests and event streams under way on the control plane get this long to end. */
const CONTROL_DRAIN_MS = 3_000;

/** A process of the product with every role that its configuration names. */
export interface RunningSluice {
  /** Null without the gateway role. */
  readonly gatewayUrl: string | null;
  readonly controlUrl: string;
  /** The admin key that was given or has just been made; null when an earlier start made it. */
  readonly adminKey: string | null;
  close(): Promise<void>;
}

/** A process that listens; its database may still be on its way. */
export interface StartingSluice {
  readonly roles: readonly Role[];
  readonly gatewayUrl: string | null;
  readonly controlUrl: string;
  /** Resolves when the database is there and has an admin key; gateways without other roles need neither. */
  firstKey(): Promise<FirstKey>;
  close(): Promise<void>;
}

/** Starts every role and returns when it listens and its database is ready; for tests, the demo and benchmarks. */
export async function startSluice(config: Config): Promise<RunningSluice> {
  const starting = await listen(config);
  try {
    const first = await starting.firstKey();
    const { gatewayUrl, controlUrl } = starting;
    const adminKey = first.kind === 'present' ? null : first.key;
    return { gatewayUrl, controlUrl, adminKey, close: () => starting.close() };
  } catch (error) {
    await starting.close();
    throw error;
  }
}

/** Starts every role and returns as soon as it listens: a gateway serves from its snapshot without a database. */
export async function listen(config: Config): Promise<StartingSluice> {
  const app = await createApp(config, controlServer(config));
  try {
    await app.listen(config.controlPort, config.controlHost);
  } catch (error) {
    await close(app);
    throw error;
  }
  const isGateway = config.roles.includes('gateway');
  return {
    roles: config.roles,
    gatewayUrl: isGateway ? urlOf(app.get(gatewayOf(config), { strict: false }).address) : null,
    controlUrl: urlOf(app.getHttpServer().address() as AddressInfo | null),
    firstKey: () => firstKey(app, config),
    close: once(() => close(app)),
  };
}

/** The application on its server, not listening yet. */
export async function createApp(
  config: Config,
  server: FastifyAdapter,
): Promise<NestFastifyApplication> {
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.of(config), server, {
    logger: new PinoLogger(config.logLevel),
    bodyParser: false,
    abortOnError: false,
  });
  shedRequests(server.getInstance(), app.get(Load, { strict: false }));
  return app;
}

async function firstKey(app: NestFastifyApplication, config: Config): Promise<FirstKey> {
  if (config.roles.every((role) => role === 'gateway')) return { kind: 'present' };
  await app.get(Database, { strict: false }).whenReady();
  const first = await app.get(FirstKeyService, { strict: false }).ensure();
  // the plan is asked for twice a second; whoever starts us need not wait for the next time
  if (config.roles.includes('gateway')) {
    const plans = config.gatewayProcesses === 1 ? LivePlanService : GatewayProcesses;
    await app.get<Pick<LivePlanService, 'refresh'>>(plans, { strict: false }).refresh();
  }
  return first;
}

/** Who listens for predictions: this process, or several of its own. */
function gatewayOf(config: Config): Type<{ readonly address: AddressInfo | null }> {
  return config.gatewayProcesses === 1 ? GatewayServer : GatewayProcesses;
}

/**
 * Nest's hooks give the order: gateway and jobs finish (before shutdown), the control server closes, then spool,
 * queue and database. Only the server needs help: an open event stream would hold it for ever.
 */
async function close(app: NestFastifyApplication): Promise<void> {
  const cut = setTimeout(() => app.getHttpServer().closeAllConnections(), CONTROL_DRAIN_MS);
  try {
    await app.close();
  } finally {
    clearTimeout(cut);
  }
}

function once(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  return () => (running ??= work());
}

function urlOf(address: AddressInfo | null): string {
  if (address === null) return '';
  const { address: host, family, port } = address;
  const shown = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${family === 'IPv6' && shown !== '127.0.0.1' ? `[${shown}]` : shown}:${port}`;
}
