import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import type { PredictionAnswer, SluiceClient } from '../../demo/sluice-client.js';
import { Cast } from '../support/cast.js';
import { faultProxy, type FaultProxy } from '../support/fault-proxy.js';
import { longCanary, MODEL, startExperiment, STEADY_SHADOW } from '../support/fault-scene.js';
import { HOSTILE_BEHAVIOURS } from '../support/hostile-shadows.js';
import { Load, unitName } from '../support/load.js';
import { type OwnPostgres, startOwnPostgres } from '../support/own-postgres.js';
import { SLOW_BEHAVIOURS, startLargeUpstream, startSlowClient } from '../support/slow-clients.js';
import { startSwitchboard, startTrickster, type Switchboard, type Trickster } from './trickster.js';
import type { Watched } from './watch.js';

/** A model that hangs is given up after this, so that a fault of a second is one. */
const MODEL_TIMEOUT_MS = 800;
/** Every so many requests go to the model with a shadow. */
const SHADOWED_EVERY = 10;
const SHADOWED = STEADY_SHADOW.model;
/** A model that only slow clients call, so that every exposure is one of the load. */
const ASIDE = 'aside';
const UNITS = 5_000;
/** A second in which this program stands still, and both versions with it, would be a total outage and end the canary. */
const NO_LIMITS = { limits: { errorRate: null, timeoutRate: null } };
const HANG_MS = 1_000;
const FREEZE_MS = 1_000;
const REFUSE_MS = 2_000;
const HOSTILE_MS = 3_000;
const SLOW_CLIENTS = 10;
/** Longer than any answer takes with a model that hangs and a fallback that hangs too. */
const CALL_TIMEOUT_MS = 10_000;

export interface SoakScene {
  readonly database: OwnPostgres;
  readonly proxy: FaultProxy;
  readonly cast: Cast;
  readonly client: SluiceClient;
  readonly load: Load;
  readonly upstream: Trickster;
  readonly shadow: Switchboard;
  readonly watched: readonly Watched[];
  close(): Promise<void>;
}

type Fault = (scene: SoakScene, draw: () => number) => Promise<void>;

/** Each ends by itself, or is over when its promise is. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  'connections to PostgreSQL reset': async ({ proxy }) => {
    proxy.refuse();
    await sleep(20);
    proxy.heal();
  },
  'PostgreSQL refused': async ({ proxy }) => {
    proxy.refuse();
    await sleep(REFUSE_MS);
    proxy.heal();
  },
  'PostgreSQL frozen': async ({ database }) => {
    database.freeze();
    await sleep(FREEZE_MS);
    database.thaw();
  },
  'worker killed': async ({ cast }) => {
    await cast.as('worker').end('SIGKILL');
    cast.as('worker').spawn();
  },
  'worker stopped': async ({ cast }) => {
    cast.as('worker').signal('SIGSTOP');
    await sleep(FREEZE_MS);
    cast.as('worker').signal('SIGCONT');
  },
  'upstream fails': ({ upstream }) => inMood(upstream, 'fails'),
  'upstream hangs': ({ upstream }) => inMood(upstream, 'hangs'),
  'slow clients': ({ client }, draw) => {
    const behaviour = SLOW_BEHAVIOURS[Math.floor(draw() * SLOW_BEHAVIOURS.length)] ?? '';
    const target = { url: client.address.gatewayUrl, path: `/models/${ASIDE}/score` };
    for (let index = 0; index < SLOW_CLIENTS; index += 1) {
      const slow = startSlowClient(behaviour, target);
      setTimeout(() => slow.close(), 60_000).unref();
    }
    return Promise.resolve();
  },
  'shadow hostile': async ({ shadow }, draw) => {
    const behaviours = HOSTILE_BEHAVIOURS.filter((name) => !name.includes('resolve'));
    await shadow.connectTo(behaviours[Math.floor(draw() * behaviours.length)] ?? null);
    await sleep(HOSTILE_MS);
    await shadow.connectTo(null);
  },
};

async function inMood(upstream: Trickster, mood: 'fails' | 'hangs'): Promise<void> {
  upstream.mood = mood;
  await sleep(HANG_MS);
  upstream.mood = 'works';
}

/** The product as three processes on a database behind a proxy, with a canary and a shadow experiment. */
export async function startSoak(ratePerSecond: number): Promise<SoakScene> {
  const later: (() => Promise<unknown>)[] = [];
  const database = await startOwnPostgres();
  later.push(() => database.close());
  const proxy = await faultProxy(database.url);
  later.push(() => proxy.close());
  const [upstream, candidate] = [await startTrickster(), await startTrickster()];
  later.push(
    () => upstream.close(),
    () => candidate.close(),
  );
  const shadow = await startSwitchboard(candidate.url);
  later.push(() => shadow.close());
  const collecting = { imports: ['collecting.mjs'] };
  const cast = await Cast.start({
    databaseUrl: proxy.url,
    of: { gateway: collecting, control: collecting },
  });
  later.push(() => cast.dispose());
  const settings = {
    unit: { header: 'x-sluice-unit' },
    capture: { output: { spam: '/spam' } },
    timeoutMs: MODEL_TIMEOUT_MS,
  };
  await startExperiment(cast, {
    ...{ model: MODEL, settings, definition: { ...longCanary('5s'), decision: NO_LIMITS } },
    versions: { v1: upstream.url, v2: candidate.url },
  });
  await startExperiment(cast, {
    ...{ model: SHADOWED, settings, definition: STEADY_SHADOW },
    versions: { v1: upstream.url, v2: shadow.url },
  });
  const large = await startLargeUpstream();
  later.push(() => large.close());
  await cast.admin.putModel(ASIDE, {});
  await cast.admin.putVersion(ASIDE, 'v1', { url: large.url });
  await cast.admin.setChampion(ASIDE, 'v1', 'a test');
  const key = await cast.admin.createKey('application', ['outcomes:write']);
  const client = cast.admin.withDataKey(key);
  const pool = new Pool(client.address.gatewayUrl, { connections: 128, pipelining: 1 });
  later.push(() => pool.destroy());
  const load = new Load({
    ...{ client, model: MODEL, ratePerSecond, units: UNITS, maxInFlight: 1_000 },
    send: (mail) => send(pool, mail),
    // a version that fails or hangs is answered for with its failure: that is an answer of the gateway
    isGood: (status) => status === 200 || status >= 500,
  });
  later.push(() => load.close());
  const watched = (['gateway', 'control', 'worker'] as const).map((name) => ({
    ...{ name, pid: () => cast.as(name).pid, isJudged: name !== 'worker' },
    collect: () => cast.as(name).collected(),
  }));
  return {
    ...{ database, proxy, cast, client, load, upstream, shadow, watched },
    close: async () => {
      for (const end of later.reverse()) await end();
    },
  };
}

/** Cheaper than `fetch`: the load must leave the processors to what it loads. */
async function send(pool: Pool, mail: number): Promise<PredictionAnswer> {
  const model = mail % SHADOWED_EVERY === 0 ? SHADOWED : MODEL;
  const { statusCode, headers, body } = await pool.request({
    ...{ method: 'POST', path: `/models/${model}/score` },
    headers: { 'content-type': 'application/json', 'x-sluice-unit': unitName(mail) },
    body: `{"mail":${mail}}`,
    ...{ headersTimeout: CALL_TIMEOUT_MS, bodyTimeout: CALL_TIMEOUT_MS },
  });
  await body.dump();
  const header = (name: string): string | null => {
    const value = headers[name];
    return typeof value === 'string' ? value : null;
  };
  return {
    status: statusCode,
    requestId: header('x-sluice-request-id'),
    version: header('x-sluice-version'),
    reason: header('x-sluice-reason'),
    body: null,
  };
}
