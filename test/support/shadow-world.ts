import { assess, runningResults } from '../../src/analysis/assess.js';
import type { Evidence } from '../../src/analysis/evidence.js';
import type { FrozenDesign } from '../../src/experiments/experiment.js';
import type { PairCell } from '../../src/metrics/paired.js';
import { decide } from '../../src/rollouts/policy/decide.js';
import { errorRate, guards, latency, mistakes, success } from './evidence.js';
import { logLoss, pairedOf, shadowDesign, shadowEvidence } from './paired-evidence.js';

/** Two versions that score the same requests: what is true of each side, and how much traffic there is. */
export interface ShadowWorld {
  /** Added to the shadow's log odds: 0 is as well calibrated as the primary. */
  readonly shift: number;
  /** Spread of each side's log odds around the truth: per unit, and per request. */
  readonly noise: readonly [number, number];
  /** The shadow's own, per request; as the primary's where absent. */
  readonly shadowNoise?: number;
  readonly errors: readonly [number, number];
  /** The shadow's time over the primary's. */
  readonly slower: number;
  readonly looks: number;
  readonly unitsPerLook: number;
}

export const EQUAL_VERSIONS: ShadowWorld = {
  shift: 0,
  noise: [0.5, 0.5],
  errors: [0.01, 0.01],
  slower: 1,
  looks: 20,
  unitsPerLook: 100,
};

export const WORLD_DESIGN: FrozenDesign = shadowDesign({
  metrics: [
    success(logLoss),
    success(mistakes),
    guards(errorRate, { absolute: 0.02 }),
    guards(latency, { relative: 0.25 }),
  ],
});

type Random = () => number;

/** Looks at one shadow until the policy says more than "hold"; what it said, and after how many units. */
export function runShadow(
  world: ShadowWorld,
  random: Random,
): { readonly code: string; readonly units: number } {
  const names = ['log_loss', 'mistakes', 'error_rate', 'latency_ms'] as const;
  const tallies = names.map((name) => new Tally(name));
  let previous: Evidence['previous'] = [];
  for (let look = 1; look <= world.looks; look += 1) {
    for (let unit = 0; unit < world.unitsPerLook; unit += 1) addUnit(world, random, tallies);
    const cells = tallies.map((tally) => tally.cell());
    const evidence = shadowEvidence(cells, {
      design: WORLD_DESIGN,
      previous,
      paired: pairedOf(cells, { look }),
    });
    const assessment = assess(evidence);
    previous = runningResults(assessment, evidence);
    const decision = decide({
      design: WORLD_DESIGN,
      state: {
        ...{ status: 'running', startedAtMs: 0, step: 0, stepStartedAtMs: 0 },
        ...{ approvedStep: null, failedAnalyses: 0 },
      },
      assessment,
      nowMs: 1000,
    });
    if (decision.kind !== 'hold') return { code: decision.code, units: look * world.unitsPerLook };
  }
  return { code: 'hold', units: world.looks * world.unitsPerLook };
}

/** One to five requests of one unit, whose versions err in the same direction all the time. */
function addUnit(world: ShadowWorld, random: Random, tallies: readonly Tally[]): void {
  const normal = (): number =>
    Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const [perUnit, perRequest] = world.noise;
  const ofUnit = [perUnit * normal(), world.shift + perUnit * normal()] as const;
  const spread = [perRequest, world.shadowNoise ?? perRequest] as const;
  const requests = 1 + Math.floor(5 * random());
  const unit = tallies.map(() => new Array<readonly [number, number]>());
  for (let request = 0; request < requests; request += 1) {
    const truth = 2 * normal() - 1;
    const label = random() < 1 / (1 + Math.exp(-truth)) ? 1 : 0;
    const scores = [0, 1].map(
      (side) => 1 / (1 + Math.exp(-(truth + (ofUnit[side] ?? 0) + (spread[side] ?? 0) * normal()))),
    );
    const [p = 0.5, s = 0.5] = scores;
    const loss = (q: number): number => -Math.log(label === 1 ? q : 1 - q);
    const wrong = (q: number): number => Number(q >= 0.5 !== (label === 1));
    const failed = world.errors.map((rate) => Number(random() < rate));
    const [failedP = 0, failedS = 0] = failed;
    unit[2]?.push([failedP, failedS]);
    if (failedP + failedS > 0) continue;
    unit[0]?.push([loss(p), loss(s)]);
    unit[1]?.push([wrong(p), wrong(s)]);
    const base = 20 * Math.exp(0.5 * normal());
    unit[3]?.push([base * (0.9 + 0.2 * random()), base * world.slower * (0.9 + 0.2 * random())]);
  }
  for (const [index, tally] of tallies.entries()) tally.add(unit[index] ?? []);
}

/** Running sums of one metric over units. */
class Tally {
  private n = 0;
  private differing = 0;
  private readonly events = { primary: 0, shadow: 0 };
  private readonly first = { both: 0, primaryOnly: 0, shadowOnly: 0, neither: 0 };
  private readonly sums = { a: 0, d: 0, p: 0, m: 0, dd: 0, pp: 0, mm: 0, dp: 0, dm: 0, pm: 0 };

  constructor(private readonly metric: string) {}

  add(pairs: readonly (readonly [number, number])[]): void {
    const [first] = pairs;
    if (first === undefined) return;
    const d = pairs.reduce((sum, [p, s]) => sum + s - p, 0);
    const p = pairs.reduce((sum, [value]) => sum + value, 0);
    const m = pairs.length;
    this.n += 1;
    if (d !== 0) this.differing += 1;
    if (p > 0) this.events.primary += 1;
    if (p + d > 0) this.events.shadow += 1;
    const [ofPrimary, ofShadow] = first.map((value) => value > 0);
    if (ofPrimary === true) this.first[ofShadow === true ? 'both' : 'primaryOnly'] += 1;
    else this.first[ofShadow === true ? 'shadowOnly' : 'neither'] += 1;
    const { sums } = this;
    sums.a += pairs.reduce((sum, [left, right]) => sum + Math.abs(right - left), 0);
    sums.d += d;
    sums.p += p;
    sums.m += m;
    sums.dd += d * d;
    sums.pp += p * p;
    sums.mm += m * m;
    sums.dp += d * p;
    sums.dm += d * m;
    sums.pm += p * m;
  }

  cell(): PairCell {
    const { n, sums } = this;
    const mean = (sum: number): number => (n === 0 ? 0 : sum / n);
    const centred = (sum: number, left: number, right: number): number =>
      n === 0 ? 0 : sum - (left * right) / n;
    return {
      ...{ metric: this.metric, n, lopsided: 0, differing: this.differing },
      ...{ events: { ...this.events }, first: { ...this.first } },
      ...{ meanA: mean(sums.a), meanD: mean(sums.d), meanP: mean(sums.p), meanM: mean(sums.m) },
      m2D: Math.max(0, centred(sums.dd, sums.d, sums.d)),
      m2P: Math.max(0, centred(sums.pp, sums.p, sums.p)),
      m2M: Math.max(0, centred(sums.mm, sums.m, sums.m)),
      coDP: centred(sums.dp, sums.d, sums.p),
      coDM: centred(sums.dm, sums.d, sums.m),
      coPM: centred(sums.pm, sums.p, sums.m),
    };
  }
}
