import { refuse } from './estimable.js';
import { normalUpperQuantile, normalUpperTail } from './numerics.js';
import type { Sides } from './power.js';

/**
 * The recursive numerical integration of Armitage, McPherson & Rowe (1969), as in Jennison & Turnbull (2000,
 * chapter 19): the density of the statistic among experiments that went on, carried from look to look.
 *
 * It is carried as Brownian motion, B(t) = Z sqrt(t), without drift; B at the next look is B plus an independent
 * normal step with the variance of the information gained. Drift only tilts the last step (Girsanov), so
 * that one recursion serves boundaries and power. Panels of 16 Gauss-Legendre points are at most two standard
 * deviations of the shorter neighbouring step wide: their error is below 1e-13.
 */
export interface Stage {
  /** Information fraction in (0, 1]. */
  readonly time: number;
  readonly points: Float64Array;
  /** Density at each point times its quadrature weight: sums to the probability of having gone on. */
  readonly masses: Float64Array;
}

/** Whether |Z| (two sides) or Z (one side) is held against the critical values. */
export interface Boundary {
  readonly sides: Sides;
  /** Standard deviations beyond which the density is left out. */
  readonly reach: number;
}

/** Tails left out are this small, or 1e-10 of the smallest probability that is asked for. */
const LEFT_OUT = 1e-20;
const LEFT_OUT_RELATIVE = 1e-10;
const SMALLEST = 1e-290;
/** Two looks that gain almost no information need ever finer panels: 1e-8 of the information is still feasible. */
const MAX_POINTS = 2_000_000;
const PANEL_SDS = 2;

/** Abscissas in (0, 1) and weights of the 16-point Gauss-Legendre rule on [-1, 1] (Abramowitz & Stegun 25.4). */
const GAUSS_LEGENDRE: readonly (readonly [number, number])[] = [
  [0.095_012_509_837_637_44, 0.189_450_610_455_068_5],
  [0.281_603_550_779_258_9, 0.182_603_415_044_923_58],
  [0.458_016_777_657_227_37, 0.169_156_519_395_002_54],
  [0.617_876_244_402_643_8, 0.149_595_988_816_576_74],
  [0.755_404_408_355_003, 0.124_628_971_255_533_88],
  [0.865_631_202_387_831_8, 0.095_158_511_682_492_79],
  [0.944_575_023_073_232_6, 0.062_253_523_938_647_894],
  [0.989_400_934_991_649_9, 0.027_152_459_411_754_096],
];

/** How far the density has to be carried for probabilities down to `smallest`, in standard deviations. */
export function reachFor(smallest: number): number {
  const tail = Math.min(LEFT_OUT, Math.max(smallest * LEFT_OUT_RELATIVE, SMALLEST));
  return normalUpperQuantile(tail);
}

/** P(Z > z), with the limits at the infinities. */
export function upperTail(z: number): number {
  if (Math.abs(z) === Infinity) return z > 0 ? 0 : 1;
  return normalUpperTail(z);
}

/** The density at `time` on the region inside `critical`, ready for the step to `next`. */
export function advance(
  stage: Stage | null,
  boundary: Boundary,
  look: { readonly time: number; readonly critical: number; readonly next: number },
): Stage {
  const { time } = look;
  const step = Math.sqrt(time - (stage?.time ?? 0));
  const width = PANEL_SDS * Math.min(step, Math.sqrt(look.next - time));
  const { points, weights } = quadrature(region(boundary, look), width);
  const density =
    stage === null ? gaussian(points, step) : convolved(stage, points, step, boundary);
  return { time, points, masses: density.map((value, index) => value * (weights[index] ?? 0)) };
}

function region(
  { sides, reach }: Boundary,
  { time, critical }: { readonly time: number; readonly critical: number },
): readonly [number, number] {
  const scale = Math.sqrt(time);
  const upper = Math.min(critical, reach) * scale;
  return [sides === 2 ? -upper : -reach * scale, upper];
}

function quadrature([lower, upper]: readonly [number, number], width: number) {
  const panels = Math.max(1, Math.ceil((upper - lower) / width));
  const size = panels * 2 * GAUSS_LEGENDRE.length;
  if (!(size <= MAX_POINTS)) {
    refuse('informationFractions', width, 'looks that gain at least 1e-8 of the information');
  }
  const half = (upper - lower) / panels / 2;
  const points = new Float64Array(size);
  const weights = new Float64Array(size);
  let index = 0;
  for (let panel = 0; panel < panels; panel += 1) {
    const middle = lower + (2 * panel + 1) * half;
    // Ascending, which `convolved` relies on.
    for (const [x, weight] of BOTH_SIDES) {
      points[index] = middle + half * x;
      weights[index] = half * weight;
      index += 1;
    }
  }
  return { points, weights };
}

const BOTH_SIDES = [
  ...GAUSS_LEGENDRE.map(([x, weight]) => [-x, weight] as const).reverse(),
  ...GAUSS_LEGENDRE,
];

function gaussian(points: Float64Array, sd: number): Float64Array {
  const scale = 1 / (sd * Math.sqrt(2 * Math.PI));
  return points.map((x) => scale * Math.exp(-((x / sd) ** 2) / 2));
}

/** Density after a normal step; only points within reach of each other are paired. */
function convolved(
  { points: from, masses }: Stage,
  points: Float64Array,
  sd: number,
  { reach }: Boundary,
): Float64Array {
  const scale = 1 / (sd * Math.sqrt(2 * Math.PI));
  const window = reach * sd;
  let first = 0;
  return points.map((x) => {
    while (x - (from[first] ?? Infinity) > window) first += 1;
    let sum = 0;
    for (let index = first; index < from.length; index += 1) {
      const distance = (x - (from[index] ?? 0)) / sd;
      if (distance < -reach) break;
      sum += (masses[index] ?? 0) * Math.exp(-(distance * distance) / 2);
    }
    return scale * sum;
  });
}

/** Where to stop at a look, after which stage, and how strongly Z drifts: E Z = drift sqrt(t). */
export interface Crossing {
  readonly stage: Stage | null;
  readonly time: number;
  readonly critical: number;
  readonly drift?: number;
}

/** P(no earlier crossing and Z or |Z| above `critical` at `time`). */
export function crossingProbability(
  { stage, time, critical, drift = 0 }: Crossing,
  sides: Sides,
): number {
  if (critical === Infinity) return 0;
  const mean = drift * Math.sqrt(time);
  if (stage === null) {
    return upperTail(critical - mean) + (sides === 2 ? upperTail(critical + mean) : 0);
  }
  const step = Math.sqrt(time - stage.time);
  const bound = critical * Math.sqrt(time);
  const shift = drift * (time - stage.time);
  let sum = 0;
  for (const [index, x] of stage.points.entries()) {
    const above = upperTail((bound - x - shift) / step);
    const below = sides === 2 ? upperTail((bound + x + shift) / step) : 0;
    sum += (stage.masses[index] ?? 0) * tilt(x, stage.time, drift) * (above + below);
  }
  return sum;
}

/** Likelihood ratio of drift to no drift at B(t) = x. */
function tilt(x: number, time: number, drift: number): number {
  return drift === 0 ? 1 : Math.exp(drift * (x - (drift * time) / 2));
}

/** The derivative of `crossingProbability` without drift by the critical value, negative. */
export function crossingSlope({ stage, time, critical }: Crossing, sides: Sides): number {
  if (stage === null) return -(sides * Math.exp(-(critical ** 2) / 2)) / Math.sqrt(2 * Math.PI);
  const step = Math.sqrt(time - stage.time);
  const bound = critical * Math.sqrt(time);
  let sum = 0;
  for (const [index, x] of stage.points.entries()) {
    const above = Math.exp(-(((bound - x) / step) ** 2) / 2);
    const below = sides === 2 ? Math.exp(-(((bound + x) / step) ** 2) / 2) : 0;
    sum += (stage.masses[index] ?? 0) * (above + below);
  }
  return (-sum * Math.sqrt(time / (2 * Math.PI))) / step;
}

/** P(no crossing up to and including `time`): what is left of the stage after its last step. */
export function stayingProbability(
  { stage, time, critical, drift = 0 }: Crossing,
  sides: Sides,
): number {
  const mean = drift * Math.sqrt(time);
  if (stage === null) {
    const low = sides === 2 ? -critical : -Infinity;
    return between(low - mean, critical - mean);
  }
  const step = Math.sqrt(time - stage.time);
  const bound = critical * Math.sqrt(time);
  const shift = drift * (time - stage.time);
  let sum = 0;
  for (const [index, x] of stage.points.entries()) {
    const low = sides === 2 ? (-bound - x - shift) / step : -Infinity;
    const inside = between(low, (bound - x - shift) / step);
    sum += (stage.masses[index] ?? 0) * tilt(x, stage.time, drift) * inside;
  }
  return sum;
}

/** P(low < Z < high), from the side that does not cancel. */
function between(low: number, high: number): number {
  return low > 0 ? upperTail(low) - upperTail(high) : upperTail(-high) - upperTail(-low);
}
