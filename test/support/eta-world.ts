import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { seeded } from '../unit/statistics/seeded.js';
import type { Stage, Visit } from './stage.js';
import type { Upstream } from './sluice.js';

/** What a version does with a trip: how far off it is, whether it fails, how long it takes. */
export interface EtaVersion {
  /** Spread of its estimates around the true minutes. */
  readonly noise: number;
  /** Every so many units are answered with a 500. */
  readonly failsOneIn?: number;
  /** Every so many requests take `slowMs`. */
  readonly slowOneIn?: number;
  readonly slowMs?: number;
}

/** A number that follows from a seed and a trip alone. */
function drawn(seed: number, trip: number): () => number {
  const random = seeded(seed * 1_000_003 + trip);
  for (let warmUp = 0; warmUp < 4; warmUp += 1) random();
  return random;
}

export function minutesOf(seed: number, trip: number): number {
  return 5 + 40 * drawn(seed, trip)();
}

/** A model server that estimates arrival times. */
export async function startEta(version: EtaVersion, seed: number): Promise<Upstream> {
  const { noise, failsOneIn = Infinity, slowOneIn = Infinity, slowMs = 0 } = version;
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const { trip, minutes } = JSON.parse(Buffer.concat(parts).toString()) as {
        readonly trip: number;
        readonly minutes: number;
      };
      const random = drawn(seed + 17, trip);
      const off = noise * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
      const failed = (trip + seed) % failsOneIn === 0;
      const answer = () => {
        response.writeHead(failed ? 500 : 200, { 'content-type': 'application/json' });
        response.end(JSON.stringify(failed ? { error: 'no route' } : { eta: minutes + off }));
      };
      if ((trip + seed) % slowOneIn === 0) setTimeout(answer, slowMs);
      else answer();
    });
  });
  server.keepAliveTimeout = 65_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${String(port)}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

/** One trip of one rider, whose true duration becomes known afterwards. */
export function tripOf(seed: number, trip: number): Visit {
  const minutes = minutesOf(seed, trip);
  return {
    unit: `rider-${String(seed)}-${String(trip)}`,
    body: { trip, minutes },
    outcomes: ({ status }) => (status === 200 ? [{ name: 'arrived', value: minutes }] : []),
  };
}

/** What is slow to a rider: far above what a busy machine makes of a quick answer. */
const SLO_MS = 250;

export async function etaMetrics({ client }: Stage): Promise<void> {
  await client.putMetric('eta_error', {
    ...{ kind: 'mean', direction: 'decrease' },
    source: { label: { outcome: 'arrived', output: 'eta', loss: 'absolute_error' } },
  });
  await client.putMetric('slow', {
    ...{ kind: 'proportion', direction: 'decrease', threshold: SLO_MS },
    source: { prediction: 'latency_ms' },
  });
}

/** A model of its own with two versions and a canary that runs. */
export async function etaCanary(
  { client }: Stage,
  model: string,
  urls: { readonly v1: string; readonly v2: string },
  steps: readonly object[],
): Promise<string> {
  const experiment = `${model}-canary`;
  await client.putModel(model, { capture: { output: { eta: '/eta' } } });
  await client.putVersion(model, 'v1', { url: urls.v1 });
  await client.putVersion(model, 'v2', { url: urls.v2 });
  await client.createExperiment({
    ...{ name: experiment, model, kind: 'canary', hypothesis: 'fewer minutes off' },
    variants: [
      { name: 'control', version: 'v1', control: true },
      { name: 'v2', version: 'v2' },
    ],
    metrics: [
      { metric: 'eta_error', role: 'success' },
      { metric: 'slow', role: 'guardrail', nonInferiorityMargin: { absolute: 0.05 } },
      { metric: 'error_rate', role: 'guardrail', nonInferiorityMargin: { absolute: 0.05 } },
    ],
    analysis: {
      minimumDetectableEffect: { relative: 0.3 },
      ...{ plannedUnits: 800, minUnits: 100, minRuntime: '1s', interval: '1s' },
    },
    rollout: { steps },
  });
  await client.perform(experiment, 'start', 'a scenario');
  return experiment;
}
