import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { faultProxy } from './fault-proxy.js';
import type { FaultProxy } from './fault-proxy.js';
import { Product } from './product.js';
import { startUpstream, until } from './sluice.js';

const MODEL = 'm';
/** Between two predictions of a watcher: much shorter than what is measured, and the watchers leave a processor free. */
const WATCH_PAUSE_MS = 4;
/** A change that no gateway has after this is lost. */
const LOST_MS = 30_000;
/** A process loads the whole product; on a busy machine that takes its time. */
const START_MS = 90_000;
const SECRET = { SLUICE_SECRET: 'one secret for all gateways' };

/** How long one change took to reach every gateway. */
export interface Spread {
  /** From the change's answer to the answer of each gateway that shows it; 0 when that came first. */
  readonly afterMs: readonly number[];
}

/** A control plane and gateways, each a process of its own, each gateway behind a network of its own. */
export interface Spreading {
  readonly proxies: readonly FaultProxy[];
  /** Answers so far that showed an older plan than an answer of the same gateway before. */
  readonly regressions: number;
  /** Predictions answered so far, by all gateways. */
  readonly answers: number;
  readonly failures: number;
  /** Changes the plan through the API and waits until every gateway answers by it. */
  change(): Promise<Spread>;
  close(): Promise<void>;
}

export async function startSpreading(databaseUrl: string, count: number): Promise<Spreading> {
  const later: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (const end of later.reverse()) await end();
  };
  try {
    const upstream = await startUpstream(() => ({ body: { ok: true } }));
    later.push(() => upstream.close());
    const control = await Product.in(databaseUrl, {
      env: { ...SECRET, SLUICE_ROLES: 'control,worker' },
    });
    later.push(() => control.dispose());
    await control.start();
    await control.admin.putModel(MODEL, {});
    await control.admin.putVersion(MODEL, 'v1', { url: upstream.url });
    const watchers: Watcher[] = [];
    const proxies: FaultProxy[] = [];
    for (let at = 0; at < count; at += 1) {
      const proxy = await faultProxy(databaseUrl);
      later.push(() => proxy.close());
      proxies.push(proxy);
      const gateway = await Product.in(proxy.url, { env: { ...SECRET, SLUICE_ROLES: 'gateway' } });
      later.push(() => gateway.dispose());
      gateway.spawn();
      const watcher = new Watcher(gateway.admin.address.gatewayUrl);
      later.push(() => watcher.close());
      watchers.push(watcher);
    }
    const answer = () =>
      Promise.resolve(watchers.every(({ version }) => version > 0) ? true : null);
    await until('every gateway answers', answer, START_MS);
    return spreadingOf(control, { watchers, proxies, upstreamUrl: upstream.url, close });
  } catch (error) {
    await close();
    throw error;
  }
}

function spreadingOf(
  control: Product,
  scene: {
    readonly watchers: readonly Watcher[];
    readonly proxies: readonly FaultProxy[];
    readonly upstreamUrl: string;
    readonly close: () => Promise<void>;
  },
): Spreading {
  const { watchers } = scene;
  const sum = (of: (watcher: Watcher) => number): number =>
    watchers.reduce((total, watcher) => total + of(watcher), 0);
  let version = Math.max(...watchers.map((watcher) => watcher.version));
  let timeoutMs = 1_000;
  return {
    proxies: scene.proxies,
    close: scene.close,
    get regressions() {
      return sum((watcher) => watcher.regressions);
    },
    get answers() {
      return sum((watcher) => watcher.answers);
    },
    get failures() {
      return sum((watcher) => watcher.failures);
    },
    change: async () => {
      // nobody else changes anything, so that the next change makes the next version
      version += 1;
      timeoutMs = timeoutMs === 1_000 ? 1_001 : 1_000;
      const seen = watchers.map((watcher) => watcher.whenAt(version));
      await control.admin.putVersion(MODEL, 'v1', { url: scene.upstreamUrl, timeoutMs });
      const toldMs = performance.now();
      const atMs = await Promise.all(seen);
      return { afterMs: atMs.map((ms) => Math.max(0, ms - toldMs)) };
    },
  };
}

/** A caller that predicts all the time, on one connection, and notes by which plan it is answered. */
class Watcher {
  version = 0;
  regressions = 0;
  answers = 0;
  failures = 0;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #waiting: { readonly version: number; readonly resolve: (atMs: number) => void }[] = [];
  readonly #loop: Promise<void>;
  #isOver = false;

  constructor(private readonly url: string) {
    this.#loop = this.#run();
  }

  /** When an answer by this version or a newer one came, in milliseconds of `performance.now()`. */
  whenAt(version: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const lost = setTimeout(() => {
        reject(new Error(`${this.url} answers by ${this.version} and not by ${version}`));
      }, LOST_MS);
      this.#waiting.push({
        version,
        resolve: (atMs) => {
          clearTimeout(lost);
          resolve(atMs);
        },
      });
    });
  }

  async close(): Promise<void> {
    this.#isOver = true;
    await this.#loop;
    this.#agent.destroy();
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      const version = await this.#predict().catch(() => null);
      if (version === null) {
        if (this.version > 0) this.failures += 1;
        await sleep(50);
      } else {
        this.#note(version, performance.now());
        await sleep(WATCH_PAUSE_MS);
      }
    }
  }

  #note(version: number, atMs: number): void {
    this.answers += 1;
    if (version < this.version) this.regressions += 1;
    this.version = Math.max(this.version, version);
    while ((this.#waiting[0]?.version ?? Infinity) <= version) this.#waiting.shift()?.resolve(atMs);
  }

  #predict(): Promise<number> {
    return new Promise((resolve, reject) => {
      const url = `${this.url}/models/${MODEL}/predict`;
      const sent = request(url, { agent: this.#agent, method: 'POST' }, (response) => {
        response.resume();
        response.once('error', reject);
        response.once('end', () => {
          const version = Number(response.headers['x-sluice-config-version']);
          if (response.statusCode === 200 && version > 0) resolve(version);
          else reject(new Error(`status ${response.statusCode}`));
        });
      });
      sent.once('error', reject);
      sent.end('{}');
    });
  }
}
