// What the spool costs the gateway: CPU microseconds per event at 8 events per event-loop turn (a busy gateway), with
// the turn itself and the answer to the caller taken off. Run: npm run bench:spool
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from '../src/config/config.js';
import type { Exposure, Prediction } from '../src/events/event.js';
import { exposureLine, predictionLine } from '../src/events/copy-line.js';
import { Spool } from '../src/events/spool.service.js';
import { uuidV7 } from '../src/kernel/ids.js';
import { median, spread } from './ingest/stage.js';
import { appendResult } from './results.js';

const EVENTS = 400_000;
const PER_TURN = 8;
const ROUNDS = 5;
const DAY = 20_777;

const random = Uint8Array.from({ length: 10 }, (_, index) => index * 23);
const exposures = Array.from({ length: 1024 }, (_, index) => exposure(Date.now() + index, index));
const predictions = exposures.map((e) => prediction(e));

function exposure(atMs: number, index: number): Exposure {
  return {
    requestId: uuidV7(atMs, random),
    atMs,
    model: 'spam',
    unitKey: `user-0193b2c4-5d6e-7f80-9a1b-${String(index).padStart(12, '0')}`,
    experimentId: '0193b2c4-5d6e-7f80-9a1b-0123456789ab',
    epoch: 1,
    phase: 2,
    variant: 'candidate',
    version: 'v2',
    configVersion: 17,
  };
}

function prediction(e: Exposure): Prediction {
  return {
    ...e,
    assignedVersion: 'v2',
    servedVersion: 'v2',
    reason: 'experiment',
    status: 200,
    error: false,
    timeout: false,
    fallback: false,
    latencyMs: 3.25,
    attempts: 1,
    captured: null,
  };
}

function cpuUs(): number {
  const used = process.cpuUsage();
  return used.user + used.system;
}

/** CPU microseconds for `EVENTS` events, `PER_TURN` in each turn. */
async function turns(work: (index: number) => void): Promise<number> {
  const before = cpuUs();
  for (let index = 0; index < EVENTS; index += PER_TURN) {
    for (let one = 0; one < PER_TURN; one += 1) work(index + one);
    await new Promise((done) => setImmediate(done));
  }
  return cpuUs() - before;
}

const dataDir = mkdtempSync(join(tmpdir(), 'sluice-bench-spool-'));
const at = <T>(list: readonly T[], index: number): T => list[index & 1023] as T;
const costs = {
  format: [] as number[],
  exposure: [] as number[],
  prediction: [] as number[],
  both: [] as number[],
};
let sink = 0;
for (let round = 0; round <= ROUNDS; round += 1) {
  const spool = new Spool({ dataDir: join(dataDir, String(round)) } as Config);
  const durable = (ok: boolean): void => void (sink += ok ? 1 : 0);
  const idle = await turns((index) => void (sink += index));
  const format = await turns(
    (index) =>
      (sink +=
        exposureLine(at(exposures, index), DAY).length +
        predictionLine(at(predictions, index), DAY).length),
  );
  const one = await turns((index) => spool.appendExposure(at(exposures, index), durable));
  const other = await turns((index) => spool.appendPrediction(at(predictions, index)));
  const both = await turns((index) => {
    spool.appendExposure(at(exposures, index), durable);
    spool.appendPrediction(at(predictions, index));
  });
  await spool.close();
  rmSync(join(dataDir, String(round)), { recursive: true });
  if (round === 0) continue; // warm-up
  costs.format.push((format - idle) / EVENTS);
  costs.exposure.push((one - idle) / EVENTS);
  costs.prediction.push((other - idle) / EVENTS);
  costs.both.push((both - idle) / EVENTS);
  if (spool.counters().dropped > 0) throw new Error('the spool dropped events');
}
rmSync(dataDir, { recursive: true });
const print = (label: string, values: readonly number[]): void =>
  void process.stdout.write(`${label.padEnd(44)} ${spread(values, 2)} µs\n`);
print('format an exposure and a prediction', costs.format);
print('spool an exposure', costs.exposure);
print('spool a prediction', costs.prediction);
print('spool both (goal 2 µs a request, next 1)', costs.both);
const medians = Object.fromEntries(
  Object.entries(costs).map(([name, values]) => [`${name}Us`, median(values)]),
);
appendResult(fileURLToPath(new URL('results/spool.json', import.meta.url)), medians);
