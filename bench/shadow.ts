// What a shadow costs the callers of its model: paired latency and throughput of two models behind one gateway, one of
// them with a shadow, in interleaved ABBA blocks, by what the shadow does. Ratios and differences only: absolute
// figures are the machine's. The noise is what the two blocks of a round that have no shadow differ by: a shift below
// it says nothing. CPU is the gateway's own, so others on the machine do not count. Run: npm run bench:shadow
// (-- --full for four times the rounds)
import { startUpstream } from '../test/support/gateway.js';
import { startHostile } from '../test/support/hostile-shadows.js';
import {
  MIRROR,
  PLAIN,
  quantile,
  sendBlock,
  SHADOWED,
  startShadowScene,
  type Block,
  type ShadowScene,
} from '../test/support/shadow-scene.js';

const ROUNDS = process.argv.includes('--full') ? 24 : 6;
/** Few at once: latency of a gateway that is not saturated. */
const LATENCY = { requests: 400, atOnce: 2 };
/** Many at once: how much it gets done. */
const THROUGHPUT = { requests: 1_500, atOnce: 32 };
const ORDER = [PLAIN, SHADOWED, SHADOWED, PLAIN] as const;
/** P3: paired p99 shift of at most 1 ms or 5 %, whichever is more. */
const BAR_MS = 1;
const BAR_SHARE = 0.05;

interface Shadow {
  readonly url: string;
  readonly connections?: number;
  close(): Promise<void>;
}

const SHADOWS: Readonly<Record<string, () => Promise<Shadow>>> = {
  'answers at once': () =>
    startUpstream((req, res) => {
      req.resume();
      res.end('{"digest":"another"}');
    }),
  ...Object.fromEntries(
    [
      'refuses every connection',
      'never answers',
      'never ends its answer',
      'resets every connection',
      'drips byte after byte',
    ].map((behaviour) => [behaviour, () => startHostile(behaviour)]),
  ),
};

interface Pair {
  readonly plain: number;
  readonly shadowed: number;
}

/** Blocks of both models, interleaved; what a block leaves behind ends before the next begins. */
async function blocksOf(
  scene: ShadowScene,
  size: { readonly requests: number; readonly atOnce: number },
  rounds: number,
): Promise<readonly { readonly plain: readonly Block[]; readonly shadowed: readonly Block[] }[]> {
  const all: { plain: Block[]; shadowed: Block[] }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const pair: { plain: Block[]; shadowed: Block[] } = { plain: [], shadowed: [] };
    for (const model of ORDER) {
      const block = await sendBlock(scene, model, size);
      if (block.wrong.length > 0) throw new Error(`wrong answers: ${block.wrong.join(', ')}`);
      pair[model].push(block);
      await new Promise((done) => setTimeout(done, MIRROR.timeoutMs));
    }
    all.push(pair);
  }
  return all;
}

function latency(blocks: readonly Block[], share: number): number {
  return quantile(
    blocks.flatMap(({ latenciesMs }) => latenciesMs),
    share,
  );
}

function perSecond(blocks: readonly Block[]): number {
  const requests = blocks.reduce((sum, { latenciesMs }) => sum + latenciesMs.length, 0);
  return (1_000 * requests) / blocks.reduce((sum, { elapsedMs }) => sum + elapsedMs, 0);
}

/** The median round: one that the machine spent on somebody else does not decide. */
function median(pairs: readonly Pair[], of: (pair: Pair) => number): number {
  return quantile(pairs.map(of), 0.5);
}

async function measure(behaviour: string): Promise<string> {
  const shadow = await (SHADOWS[behaviour]?.() ?? startHostile(behaviour));
  const scene = await startShadowScene(shadow.url);
  try {
    await sendBlock(scene, PLAIN, THROUGHPUT);
    await sendBlock(scene, SHADOWED, LATENCY);
    const quiet = await blocksOf(scene, LATENCY, ROUNDS);
    const busy = await blocksOf(scene, THROUGHPUT, Math.ceil(ROUNDS / 2));
    const at = (share: number): readonly Pair[] =>
      quiet.map(({ plain, shadowed }) => ({
        plain: latency(plain, share),
        shadowed: latency(shadowed, share),
      }));
    const rates = busy.map(({ plain, shadowed }) => ({
      plain: perSecond(plain),
      shadowed: perSecond(shadowed),
    }));
    const shift = (share: number): number =>
      median(at(share), (pair) => pair.shadowed - pair.plain);
    const noise = quantile(
      quiet.map(({ plain }) =>
        Math.abs(latency(plain.slice(0, 1), 0.99) - latency(plain.slice(1), 0.99)),
      ),
      0.5,
    );
    const bar = Math.max(BAR_MS, BAR_SHARE * median(at(0.99), ({ plain }) => plain));
    const { copies, drops } = await scene.numbers();
    return (
      `${behaviour.padEnd(26)} p50 ${signed(shift(0.5))} ms, p99 ${signed(shift(0.99))} ms ` +
      `(bar ${bar.toFixed(2)}, noise ${noise.toFixed(2)}: ${verdict(shift(0.99), bar, noise)}), ` +
      `throughput x ${median(rates, ({ plain, shadowed }) => shadowed / plain).toFixed(2)}, ` +
      `CPU x ${(await cpuRatio(scene)).toFixed(2)}, ${copies} copied, ${drops} dropped`
    );
  } finally {
    await scene.close();
    await shadow.close();
  }
}

function verdict(shiftMs: number, barMs: number, noiseMs: number): string {
  if (shiftMs <= barMs) return 'met';
  return shiftMs <= barMs + noiseMs ? 'within noise' : 'missed';
}

/** CPU of the gateway per request with a shadow over that without. */
async function cpuRatio(scene: ShadowScene): Promise<number> {
  const spent: Record<string, number> = { [PLAIN]: 0, [SHADOWED]: 0 };
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const model of ORDER) {
      const before = await scene.numbers();
      await sendBlock(scene, model, LATENCY);
      await new Promise((done) => setTimeout(done, MIRROR.timeoutMs));
      const after = await scene.numbers();
      spent[model] = (spent[model] ?? 0) + after.cpuSeconds - before.cpuSeconds;
    }
  }
  return (spent[SHADOWED] ?? 0) / (spent[PLAIN] ?? 1);
}

function signed(value: number): string {
  return `${value < 0 ? '' : '+'}${value.toFixed(2)}`;
}

process.stdout.write(
  `a shadow that ... (medians of ${ROUNDS} ABBA rounds of ${4 * LATENCY.requests} requests)\n`,
);
for (const behaviour of Object.keys(SHADOWS)) {
  process.stdout.write(`${await measure(behaviour)}\n`);
}
