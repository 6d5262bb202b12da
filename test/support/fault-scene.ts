import { readdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SluiceClient } from '../../demo/sluice-client.js';
import type { ProductStatus } from './product.js';
import { startUpstream, until, type Upstream } from './sluice.js';

/** A product in one process or in several: whom to ask for what. */
export interface Played {
  readonly admin: SluiceClient;
  /** Data folder of the gateway. */
  readonly dataDir: string;
  /** What the gateway says about itself. */
  status(): Promise<ProductStatus>;
}

/** Two versions that are equally good, so that nothing but a fault can change who gets what. */
export interface Scene {
  /** The application's client, with a key of its own for outcomes. */
  readonly client: SluiceClient;
  /** Scope `outcomes:write`. */
  readonly dataKey: string;
  close(): Promise<void>;
}

/** A turn that was cut off leaves its lease behind, 5 s long; then the sweeper takes over, and two turns follow. */
const TAKEOVER_MS = 90_000;
/** A killed server recovers first; on a busy machine that and the starts of processes take their time. */
const BACK_MS = 90_000;
/** More than any promise, so that the test tells how long it took. */
const DRAINED_MS = 90_000;

export const MODEL = 'spam';
export const EXPERIMENT = 'under-fire';

const COMMON = {
  name: EXPERIMENT,
  model: MODEL,
  variants: [
    { name: 'control', version: 'v1', control: true },
    { name: 'v2', version: 'v2' },
  ],
  metrics: [
    { metric: 'mistakes', role: 'success' },
    { metric: 'error_rate', role: 'guardrail', nonInferiorityMargin: { absolute: 0.05 } },
  ],
};

/** Half of all units each; analysed every second, never decided. */
export const STEADY_AB = {
  ...COMMON,
  kind: 'ab',
  analysis: {
    ...{ minimumDetectableEffect: { absolute: 0.05 }, plannedUnits: 50_000 },
    ...{ minRuntime: '1h', interval: '1s' },
  },
};

/** Every request is copied to a second version, whose answers nobody waits for; it has a model of its own. */
export const STEADY_SHADOW = {
  ...STEADY_AB,
  ...{ name: 'in-the-dark', model: 'shadowed', kind: 'shadow' },
  mirror: { percent: 100, timeoutMs: 1_000, unsafeMethods: true },
};

/** Goes up a step every few seconds and stops before the last: decisions fall between and into the kills. */
export const CLIMBING_CANARY = {
  ...COMMON,
  kind: 'canary',
  analysis: {
    ...{ minimumDetectableEffect: { absolute: 0.05 }, plannedUnits: 50_000, minUnits: 10 },
    ...{ minRuntime: '1s', interval: '1s' },
  },
  rollout: {
    steps: [
      ...[0.1, 0.2, 0.3, 0.4].map((coverage) => ({
        coverage,
        hold: { duration: '4s', minUnits: 10 },
      })),
      { coverage: 0.5, hold: { approval: true } },
      { coverage: 1 },
    ],
  },
};

/** As {@link CLIMBING_CANARY} with as many steps as there may be, for runs that take long. */
export function longCanary(hold: string): object {
  const steps = Array.from({ length: 48 }, (_, index) => ({
    coverage: (100 + 8 * index) / 1_000,
    hold: { duration: hold, minUnits: 10 },
  }));
  return {
    ...CLIMBING_CANARY,
    rollout: {
      steps: [...steps, { coverage: 0.5, hold: { approval: true } }, { coverage: 1 }],
    },
  };
}

/** Registers the model with its versions and starts the experiment; resolves when the gateway follows it. */
export async function setScene(
  product: Pick<Played, 'admin' | 'status'>,
  definition: object,
  answerDelayMs = 0,
): Promise<Scene> {
  const { admin } = product;
  const upstreams = await Promise.all([0, 1].map(() => startVersion(answerDelayMs)));
  await startExperiment(product, {
    model: MODEL,
    settings: { unit: { header: 'x-sluice-unit' }, capture: { output: { spam: '/spam' } } },
    versions: Object.fromEntries(upstreams.map(({ url }, index) => [`v${index + 1}`, url])),
    definition,
  });
  const dataKey = await admin.createKey('application', ['outcomes:write']);
  return {
    client: admin.withDataKey(dataKey),
    dataKey,
    close: async () => {
      await Promise.all(upstreams.map((upstream) => upstream.close()));
    },
  };
}

export interface Setting {
  readonly model: string;
  /** Of the model, as they are put. */
  readonly settings: object;
  /** URL by name. */
  readonly versions: Readonly<Record<string, string>>;
  readonly definition: object;
}

/** Puts model, versions and metric there and starts the experiment; resolves when the gateway follows it. */
export async function startExperiment(
  played: Pick<Played, 'admin' | 'status'>,
  { model, settings, versions, definition }: Setting,
): Promise<void> {
  const { admin } = played;
  await admin.putModel(model, settings);
  for (const [name, url] of Object.entries(versions)) await admin.putVersion(model, name, { url });
  await admin.putMetric('mistakes', {
    kind: 'mean',
    source: { label: { outcome: 'truth', output: 'spam', loss: 'zero_one' } },
    direction: 'decrease',
  });
  const { name } = await admin.createExperiment(definition);
  await admin.perform(name, 'start', 'a test');
  await until('the gateway follows the experiment', async () => {
    const { decisions } = await decisionLog(admin, name);
    const started = decisions[0]?.configVersion ?? Infinity;
    return ((await played.status()).configVersion ?? 0) >= started ? true : null;
  });
}

/** A version that is wrong about every seventh mail. */
async function startVersion(answerDelayMs: number): Promise<Upstream> {
  const upstream = await startUpstream((body) => {
    const mail = Number(body['mail']);
    return { body: { spam: mail % 7 === 0 ? mail % 2 === 0 : mail % 2 === 1 } };
  });
  return answerDelayMs === 0 ? upstream : slowly(upstream, answerDelayMs);
}

/** The same answers, later: a fault finds requests under way. */
async function slowly(upstream: Upstream, delayMs: number): Promise<Upstream> {
  const proxy = createServer((request, response) => {
    void (async () => {
      const body = Buffer.concat(await request.toArray());
      const answer = await (await fetch(upstream.url, { method: 'POST', body })).text();
      await sleep(delayMs);
      response.writeHead(200, { 'content-type': 'application/json' }).end(answer);
    })();
  });
  proxy.keepAliveTimeout = 65_000;
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    close: async () => {
      await new Promise((resolve) => {
        proxy.close(resolve);
        proxy.closeAllConnections();
      });
      await upstream.close();
    },
  };
}

/** The number of the newest analysis, 0 before the first. */
export async function reportNumber(client: SluiceClient): Promise<number> {
  return (await client.report(EXPERIMENT))?.number ?? 0;
}

/** Waits for analyses of events that come now: the experiment goes on. Needs load. Resolves with the milliseconds. */
export async function goesOn(client: SluiceClient): Promise<number> {
  const sinceMs = performance.now();
  const works = async () => ((await client.whyNotUsable()) === null ? true : null);
  await until('the control plane works', works, BACK_MS);
  // a database that recovers still may refuse one question after it has answered another
  const number = () => reportNumber(client).catch(() => null);
  const before = await until('a report can be read', number, BACK_MS);
  const analysed = async () => (((await number()) ?? 0) >= before + 2 ? true : null);
  await until('two more analyses', analysed, TAKEOVER_MS);
  return performance.now() - sinceMs;
}

export interface LogCheck {
  readonly chainIntact: boolean;
  readonly kinds: readonly string[];
  /** What the last decision says. */
  readonly last: string;
  /** Decisions whose replay is not identical. */
  readonly different: readonly number[];
}

interface DecisionLog {
  readonly decisions: readonly {
    readonly number: number;
    readonly kind: string;
    readonly summary: string;
    readonly configVersion: number | null;
  }[];
  readonly chain: { readonly intact: boolean };
}

async function decisionLog(client: SluiceClient, experiment = EXPERIMENT): Promise<DecisionLog> {
  const { controlUrl, adminKey } = client.address;
  const response = await fetch(`${controlUrl}/api/v1/experiments/${experiment}/decisions`, {
    headers: { authorization: `Bearer ${adminKey}` },
  });
  return (await response.json()) as DecisionLog;
}

/** The decision log of the experiment, every entry of it computed again. */
export async function checkLog(client: SluiceClient): Promise<LogCheck> {
  const log = await decisionLog(client);
  const different: number[] = [];
  for (const { number } of log.decisions) {
    if (!(await client.replay(EXPERIMENT, number))) different.push(number);
  }
  return {
    chainIntact: log.chain.intact,
    kinds: log.decisions.map(({ kind }) => kind),
    last: log.decisions.at(-1)?.summary ?? 'none',
    different,
  };
}

/** Waits until every event is in the database and every outcome acknowledged; resolves with the milliseconds. */
export async function drained(
  product: Pick<Played, 'dataDir' | 'status'>,
  load: { readonly untold: number },
): Promise<number> {
  const sinceMs = performance.now();
  const isIn = async () => {
    const { unshippedBytes } = (await product.status()).spool;
    const told = load.untold === 0;
    return told && unshippedBytes === 0 && (await leftSpools(product.dataDir)) <= 1 ? true : null;
  };
  await until('everything is in the database', isIn, DRAINED_MS);
  return performance.now() - sinceMs;
}

/** Folders of spools; one belongs to the living process, the others wait for somebody to ship them. */
async function leftSpools(dataDir: string): Promise<number> {
  const names = await readdir(join(dataDir, 'spool')).catch((): string[] => []);
  return names.filter((name) => name !== 'rejected').length;
}
