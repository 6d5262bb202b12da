import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import type { ExperimentPlan, MirrorPlan, ModelPlan } from '../../src/routing/plan.js';
import { bytesOf, modelPlan, startUpstream, trafficPlan, versionPlan } from './gateway.js';
import type { TestUpstream } from './gateway.js';
import { firstLine, nodeChild } from './node-child.js';

/** A gateway in its own process with two models in front of the same version: one with a shadow, one without. */
export interface ShadowScene {
  readonly primary: TestUpstream;
  readonly pool: Pool;
  /** Sums of the gateway's own metrics. */
  numbers(): Promise<GatewayNumbers>;
  close(): Promise<void>;
}

export interface GatewayNumbers {
  /** Copies that are over. */
  readonly copies: number;
  readonly drops: number;
  readonly inFlight: number;
  readonly connections: number;
  readonly residentBytes: number;
  readonly cpuSeconds: number;
}

/** What callers of one block of requests saw. */
export interface Block {
  readonly latenciesMs: readonly number[];
  readonly elapsedMs: number;
  /** Requests whose answer was not the version's, byte for byte. */
  readonly wrong: readonly string[];
}

export const PLAIN = 'plain';
export const SHADOWED = 'shadowed';

export const MIRROR: MirrorPlan = {
  share: 1,
  timeoutMs: 250,
  unsafeMethods: true,
  maxInFlight: 32,
  maxBodyBytes: 64 * 1024,
};

/** A shadow experiment that copies every request of v1 to v2. */
export function shadowPlan(change: Partial<ExperimentPlan> = {}): ExperimentPlan {
  return {
    id: '0197f1a0-0000-7000-8000-00000000000a',
    name: 'in-the-dark',
    kind: 'shadow',
    epoch: 1,
    salt: 'shadow-salt',
    coverage: 1,
    phase: 0,
    variants: [
      { name: 'control', version: 'v1', control: true },
      { name: 'v2', version: 'v2', control: false },
    ],
    segments: [],
    mirror: MIRROR,
    ...change,
  };
}

/** Starts a primary that answers with a digest of what it was sent, and a gateway that copies to `shadowUrl`. */
export async function startShadowScene(
  shadowUrl: string,
  mirror: Partial<MirrorPlan> = {},
): Promise<ShadowScene> {
  const primary = await startUpstream((req, res) => {
    void bytesOf(req).then((body) => {
      const answer = answerTo(body);
      res.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length });
      res.end(answer);
    });
  });
  const versions = [versionPlan('v1', primary.url), versionPlan('v2', shadowUrl)];
  const capture = { output: { digest: '/digest' }, input: {} };
  const shadow = shadowPlan({ mirror: { ...MIRROR, ...mirror } });
  const models: readonly ModelPlan[] = [
    modelPlan(versions, { name: PLAIN, capture }),
    modelPlan(versions, { name: SHADOWED, capture, experiments: [shadow] }),
  ];
  const child = nodeChild('./gateway.child.ts', [JSON.stringify(trafficPlan(1, ...models))]);
  const pool = new Pool(await firstLine(child), { connections: 64, pipelining: 1 });
  return {
    primary,
    pool,
    numbers: () => numbersOf(pool),
    close: async () => {
      await pool.close();
      await ended(child);
      await primary.close();
    },
  };
}

/** Sends a block of requests, `atOnce` at a time, and checks every answer. */
export async function sendBlock(
  { pool }: ShadowScene,
  model: string,
  { requests, atOnce }: { readonly requests: number; readonly atOnce: number },
): Promise<Block> {
  const latenciesMs: number[] = [];
  const wrong: string[] = [];
  let next = 0;
  const startedMs = performance.now();
  const caller = async (): Promise<void> => {
    while (next < requests) {
      const index = next++;
      const body = Buffer.from(JSON.stringify({ mail: index, text: 'x'.repeat(index % 500) }));
      const sentMs = performance.now();
      try {
        const { statusCode, body: answer } = await pool.request({
          path: `/models/${model}/score?n=${index}`,
          method: 'POST',
          headers: { 'x-sluice-unit': `unit-${index}`, 'content-type': 'application/json' },
          body,
        });
        const bytes = Buffer.from(await answer.arrayBuffer());
        latenciesMs.push(performance.now() - sentMs);
        if (statusCode !== 200 || !bytes.equals(answerTo(body))) wrong.push(`${statusCode}`);
      } catch (error) {
        wrong.push(String(error));
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, caller));
  return { latenciesMs, elapsedMs: performance.now() - startedMs, wrong };
}

/** The value below which a share of the numbers lies. */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

function answerTo(body: Buffer): Buffer {
  const digest = createHash('sha256').update(body).digest('hex');
  return Buffer.from(`{"digest":"${digest}","big":12345678901234567890}`);
}

async function numbersOf(pool: Pool): Promise<GatewayNumbers> {
  const { body } = await pool.request({ path: '/metrics', method: 'GET' });
  const text = await body.text();
  const sum = (name: string): number => {
    let total = 0;
    for (const line of text.split('\n')) {
      if (line.startsWith(`${name}{`) || line.startsWith(`${name} `)) {
        total += Number(line.slice(line.lastIndexOf(' ')));
      }
    }
    return total;
  };
  return {
    copies: sum('sluice_mirror_copies_total'),
    drops: sum('sluice_mirror_drops_total'),
    inFlight: sum('sluice_mirror_in_flight'),
    connections: sum('sluice_mirror_connections'),
    residentBytes: sum('process_resident_memory_bytes'),
    cpuSeconds: sum('process_cpu_seconds_total'),
  };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const closed = once(child, 'close');
  child.kill('SIGTERM');
  const isOver = await Promise.race([closed.then(() => true), sleep(15_000).then(() => false)]);
  if (!isOver) {
    child.kill('SIGKILL');
    await closed;
  }
}
