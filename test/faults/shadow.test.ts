import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { until } from '../support/events.js';
import { HOSTILE_BEHAVIOURS, startHostile } from '../support/hostile-shadows.js';
import {
  MIRROR,
  PLAIN,
  quantile,
  sendBlock,
  SHADOWED,
  startShadowScene,
  type Block,
  type GatewayNumbers,
} from '../support/shadow-scene.js';

const BLOCK = { requests: 120, atOnce: 8 };
/** Interleaved, so that a slow moment of the machine falls on both. */
const ORDER = [PLAIN, SHADOWED, SHADOWED, PLAIN] as const;
const CONNECTS_PER_S = 10;
/** 32 copies of 64 KiB each way are 4 MiB; the rest is what a process of Node breathes. */
const MEMORY_LIMIT_BYTES = 200 * 1024 * 1024;
/** A caller that waited for a shadow would wait for its time-out, 250 ms, in the median. */
const MEDIAN_LIMIT_MS = 125;

interface Figures {
  readonly blocks: Readonly<Record<string, Block[]>>;
  readonly before: GatewayNumbers;
  readonly after: GatewayNumbers;
  readonly mostInFlight: number;
  readonly elapsedMs: number;
  readonly connections: number;
}

/** Runs the blocks against a gateway whose shadow is as hostile as that. */
async function endure(behaviour: string): Promise<Figures> {
  const hostile = await startHostile(behaviour);
  const scene = await startShadowScene(hostile.url);
  const end = new AbortController();
  try {
    await sendBlock(scene, PLAIN, BLOCK); // everybody warms up without the shadow
    const before = await scene.numbers();
    let mostInFlight = 0;
    const watch = (async () => {
      while (!end.signal.aborted) {
        mostInFlight = Math.max(mostInFlight, (await scene.numbers()).inFlight);
        await sleep(20);
      }
    })();
    const startedMs = performance.now();
    const blocks: Record<string, Block[]> = { [PLAIN]: [], [SHADOWED]: [] };
    for (const model of ORDER) {
      blocks[model]?.push(await sendBlock(scene, model, BLOCK));
      await sleep(MIRROR.timeoutMs); // what a block has left behind ends before the next
    }
    await until('every request was copied or dropped', async () => {
      const { copies, drops } = await scene.numbers();
      return copies + drops >= 2 * BLOCK.requests;
    });
    end.abort();
    await watch;
    const elapsedMs = performance.now() - startedMs;
    const after = await scene.numbers();
    return {
      ...{ blocks, before, after, mostInFlight, elapsedMs },
      connections: hostile.connections,
    };
  } finally {
    end.abort();
    await scene.close();
    await hostile.close();
  }
}

/** Latencies of both kinds of blocks in one line; not asserted, the machine may be busy with others. */
function line(behaviour: string, figures: Figures): string {
  const of = (model: string, share: number): number =>
    quantile(figures.blocks[model]?.flatMap(({ latenciesMs }) => latenciesMs) ?? [], share);
  const shift = (share: number): string =>
    `${of(PLAIN, share).toFixed(2)} -> ${of(SHADOWED, share).toFixed(2)} ms`;
  const { before, after, mostInFlight, connections } = figures;
  const grown = (after.residentBytes - before.residentBytes) / 1024 / 1024;
  return (
    `P3 shadow that ${behaviour}: p50 ${shift(0.5)}, p99 ${shift(0.99)}; ` +
    `${after.copies} copied, ${after.drops} dropped, at most ${mostInFlight} in flight, ` +
    `${connections} connections in ${(figures.elapsedMs / 1_000).toFixed(1)} s, ${grown.toFixed(0)} MiB more`
  );
}

// Mutants that this kills: the budget of connections and the breaker left out (all 13; medians 4 -> 30 ms).
describe('P3: a shadow that', () => {
  it.each(HOSTILE_BEHAVIOURS)('%s changes nothing for the callers', async (behaviour) => {
    const figures = await endure(behaviour);
    const { blocks, before, after, mostInFlight, elapsedMs, connections } = figures;
    process.stdout.write(`${line(behaviour, figures)}\n`);

    for (const block of Object.values(blocks).flat()) {
      expect(block.wrong, 'every answer is the version’s, byte for byte').toEqual([]);
      expect(block.latenciesMs).toHaveLength(BLOCK.requests);
    }
    const median = (model: string): number =>
      quantile(blocks[model]?.flatMap(({ latenciesMs }) => latenciesMs) ?? [], 0.5);
    expect(median(SHADOWED) - median(PLAIN)).toBeLessThan(MEDIAN_LIMIT_MS);

    expect(after.copies + after.drops, 'each request is counted once').toBe(2 * BLOCK.requests);
    expect(after.inFlight).toBe(0);
    expect(mostInFlight).toBeLessThanOrEqual(MIRROR.maxInFlight);
    const mostConnections = CONNECTS_PER_S * (elapsedMs / 1_000 + 1);
    expect(connections).toBeLessThanOrEqual(mostConnections);
    expect(after.connections).toBeLessThanOrEqual(mostConnections);
    expect(after.residentBytes - before.residentBytes).toBeLessThan(MEMORY_LIMIT_BYTES);
  });
});
