import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SecretsService } from '../../src/auth/secrets.service.js';
import type { Config } from '../../src/config/config.js';
import type { Exposure, Mirror, Prediction } from '../../src/events/event.js';
import { Spool } from '../../src/events/spool.service.js';
import { Door } from '../../src/gateway/door.service.js';
import { Fleet } from '../../src/gateway/fleet.service.js';
import { Forwarder } from '../../src/gateway/forwarder.service.js';
import { Gatekeeper } from '../../src/gateway/gatekeeper.service.js';
import { GatewayServer } from '../../src/gateway/gateway-server.service.js';
import { GatewayTelemetry } from '../../src/gateway/gateway-telemetry.service.js';
import { LivePlanService } from '../../src/gateway/live-plan.service.js';
import { Mirrors } from '../../src/gateway/mirrors.service.js';
import type { OutlierSettings } from '../../src/gateway/outlier.js';
import type { PlanSource } from '../../src/gateway/plan-source.js';
import { Upstreams } from '../../src/gateway/upstreams.service.js';
import { Load } from '../../src/load/load.service.js';
import { UpstreamGuard } from '../../src/models/upstream-guard.js';
import type {
  ExperimentPlan,
  ModelPlan,
  TrafficPlan,
  VersionPlan,
} from '../../src/routing/plan.js';

/** Plans from memory: what PostgreSQL is to the gateway, without it. */
export class MemoryPlanSource implements PlanSource {
  isReady = true;
  #plan: TrafficPlan | null;
  #listeners = new Set<() => void>();

  constructor(plan: TrafficPlan | null = null) {
    this.#plan = plan;
  }

  latest(afterVersion: number): Promise<TrafficPlan | null> {
    const plan = this.#plan;
    return Promise.resolve(plan !== null && plan.version > afterVersion ? plan : null);
  }

  listen(onHint: () => void): () => void {
    this.#listeners.add(onHint);
    return () => this.#listeners.delete(onHint);
  }

  /** Stores a plan; `hint` false: the notification is lost. */
  publish(plan: TrafficPlan, hint = true): void {
    this.#plan = plan;
    if (hint) for (const listener of this.#listeners) listener();
  }
}

/** The real spool, which also remembers what it was given, in order. */
export class WatchedSpool extends Spool {
  readonly events: (
    | { readonly exposure: Exposure }
    | { readonly prediction: Prediction }
    | { readonly mirror: Mirror }
    | { readonly mark: string }
  )[] = [];
  /** 'fail': nothing can be written; 'throw': the spool itself breaks; 'hold': writing takes until `release`. */
  mode: 'work' | 'fail' | 'throw' | 'hold' = 'work';
  #held: (() => void)[] = [];

  release(): void {
    for (const append of this.#held.splice(0)) append();
  }

  override appendExposure(e: Exposure, durable: (ok: boolean) => void): void {
    if (this.mode === 'throw') throw new Error('the spool is broken');
    if (this.mode === 'fail') {
      setImmediate(durable, false);
      return;
    }
    const append = (): void => {
      super.appendExposure(e, (ok) => {
        this.events.push({ exposure: e });
        durable(ok);
      });
    };
    if (this.mode === 'hold') this.#held.push(append);
    else append();
  }

  override appendPrediction(p: Prediction): void {
    if (this.mode === 'throw') throw new Error('the spool is broken');
    this.events.push({ prediction: p });
    super.appendPrediction(p);
  }

  override appendMirror(m: Mirror): void {
    this.events.push({ mirror: m });
    super.appendMirror(m);
  }

  mark(mark: string): void {
    this.events.push({ mark });
  }

  get predictions(): Prediction[] {
    return this.events.flatMap((event) => ('prediction' in event ? [event.prediction] : []));
  }

  get mirrors(): Mirror[] {
    return this.events.flatMap((event) => ('mirror' in event ? [event.mirror] : []));
  }

  get exposures(): Exposure[] {
    return this.events.flatMap((event) => ('exposure' in event ? [event.exposure] : []));
  }

  /** Waits until a number of predictions is there and returns the newest. */
  async prediction(count = this.predictions.length + 1): Promise<Prediction> {
    const untilMs = Date.now() + 5_000;
    while (this.predictions.length < count && Date.now() < untilMs) await pause(5);
    const prediction = this.predictions[count - 1];
    if (prediction === undefined) throw new Error(`no prediction ${count} within 5 s`);
    return prediction;
  }
}

export interface TestGateway {
  readonly url: string;
  readonly source: MemoryPlanSource;
  readonly spool: WatchedSpool;
  readonly live: LivePlanService;
  readonly fleet: Fleet;
  readonly load: Load;
  readonly mirrors: Mirrors;
  readonly server: GatewayServer;
  readonly secrets: SecretsService;
  readonly dataDir: string;
  close(): Promise<void>;
}

export function gatewayConfig(dataDir: string, change: Partial<Config> = {}): Config {
  return {
    roles: ['gateway'],
    gatewayHost: '127.0.0.1',
    gatewayPort: 0,
    gatewayProcesses: 1,
    controlHost: '127.0.0.1',
    controlPort: 0,
    dataDir,
    databaseUrl: null,
    redisUrl: null,
    adminKey: null,
    secret: 'test secret of the gateway',
    upstreamAllow: [],
    allowLoopback: true,
    gatewayAuth: 'open',
    leaseMs: 5_000,
    maxInFlight: 1_024,
    maxQueueMs: 200,
    predictionsPerSecond: 0,
    outcomePostsPerSecond: 0,
    retentionDays: null,
    shipShare: 0.5,
    logLevel: 'silent',
    ...change,
  };
}

/** A real gateway on a free port, put together as the module does it, with plans from memory. */
export async function startGateway(
  source: MemoryPlanSource,
  {
    config: change = {},
    dataDir: given,
    outliers = {},
  }: { config?: Partial<Config>; dataDir?: string; outliers?: Partial<OutlierSettings> } = {},
): Promise<TestGateway> {
  const dataDir = given ?? mkdtempSync(join(tmpdir(), 'sluice-gateway-'));
  const config = gatewayConfig(dataDir, change);
  const secrets = new SecretsService(config.secret ?? '');
  const spool = new WatchedSpool(config);
  const load = new Load(config);
  load.onModuleInit();
  const fleet = new Fleet();
  fleet.configure(outliers);
  const live = new LivePlanService(config, source, secrets, fleet);
  const guard = new UpstreamGuard(config);
  const upstreams = new Upstreams(guard);
  const telemetry = new GatewayTelemetry(spool, live, fleet, load);
  const mirrors = new Mirrors(guard, spool, telemetry, load);
  const forwarder = new Forwarder(spool, upstreams, telemetry, mirrors);
  const door = new Door(live, new Gatekeeper(config, secrets), forwarder, telemetry, load);
  const server = new GatewayServer(config, live, upstreams, mirrors, door);
  await server.onApplicationBootstrap();
  if (source.isReady) await live.refresh();
  return {
    url: `http://127.0.0.1:${server.address?.port ?? 0}`,
    source,
    spool,
    live,
    fleet,
    load,
    mirrors,
    server,
    secrets,
    dataDir,
    close: async () => {
      await server.beforeApplicationShutdown();
      load.onApplicationShutdown();
      await spool.close();
      if (given === undefined) rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

export interface TestUpstream {
  readonly url: string;
  readonly server: Server;
  close(): Promise<void>;
}

/** A real HTTP server on a free port of loopback. */
export async function startUpstream(
  handler: (req: IncomingMessage, res: ServerResponse) => void,
): Promise<TestUpstream> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    server,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

/** The whole body of a request. */
export async function bytesOf(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** A port on which nothing listens. */
export async function closedPort(): Promise<number> {
  const upstream = await startUpstream((_req, res) => res.end());
  await upstream.close();
  return Number(new URL(upstream.url).port);
}

export function versionPlan(
  name: string,
  url: string,
  change: Partial<VersionPlan> = {},
): VersionPlan {
  return { name, url, sealedHeaders: null, timeoutMs: null, ...change };
}

/** A model `m` whose champion is its first version. */
export function modelPlan(
  versions: readonly VersionPlan[],
  change: Partial<ModelPlan> = {},
): ModelPlan {
  return {
    name: 'm',
    unit: { header: 'x-sluice-unit' },
    fallback: null,
    timeoutMs: 2_000,
    idempotent: false,
    capture: { output: {}, input: {} },
    disclose: false,
    champion: versions[0]?.name ?? null,
    versions: Object.fromEntries(versions.map((version) => [version.name, version])),
    experiments: [],
    ...change,
  };
}

export function canaryPlan(coverage: number, change: Partial<ExperimentPlan> = {}): ExperimentPlan {
  return {
    id: '0197f1a0-0000-7000-8000-000000000001',
    name: 'm-v2',
    kind: 'canary',
    epoch: 1,
    salt: 'abc123',
    coverage,
    phase: 1,
    variants: [
      { name: 'control', version: 'v1', control: true },
      { name: 'candidate', version: 'v2', control: false },
    ],
    segments: [],
    ...change,
  };
}

export function trafficPlan(version: number, ...models: readonly ModelPlan[]): TrafficPlan {
  return {
    version,
    models: Object.fromEntries(models.map((model) => [model.name, model])),
    keys: [],
  };
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
