import { SluiceError } from '../kernel/errors.js';
import { alphaSpent, type SpendingFunction } from './alpha-spending.js';
import { finite, openUnit, refuse } from './estimable.js';
import { normalUpperQuantile } from './numerics.js';
import { checkSides, type Sides } from './power.js';
import {
  advance,
  type Boundary,
  crossingProbability,
  crossingSlope,
  reachFor,
  type Stage,
  stayingProbability,
  upperTail,
} from './recursive-integration.js';

/** Halvings of a bracket of 40 standard deviations down to rounding error, and then some. */
const MAX_STEPS = 200;
const CONVERGED = 1e-13;
/** Looks of one design (2 s); the engine takes at most one for each percent of the information. */
const MAX_LOOKS = 200;

export interface SpendingDesign {
  readonly spending: SpendingFunction;
  /** Strictly ascending in (0, 1]; the last may be below 1 while the experiment runs. */
  readonly informationFractions: readonly number[];
  readonly alpha: number;
  readonly sides: Sides;
}

export interface SequentialLook {
  /** Type I error spent up to and including this look. */
  readonly alphaSpent: number;
  /** Stop when Z (|Z| for two sides) is above; Infinity when the look spends less than a double can hold. */
  readonly criticalValue: number;
  /** sides * P(Z > criticalValue) */
  readonly nominalP: number;
}

/** A look with all that the next one needs to be computed from it. */
export interface SolvedLook extends SequentialLook {
  readonly time: number;
  /** Who went on before this look; null at the first. */
  readonly stage: Stage | null;
}

/**
 * Boundaries of an alpha-spending design (Lan & DeMets 1983): c_k solves P(no earlier crossing, crossing at look k) =
 * the error spent since look k - 1, with Z_k jointly normal, correlations sqrt(t_i/t_j). Two-sided designs are
 * symmetric in |Z|.
 */
export function spendingBoundaries(design: SpendingDesign): readonly SequentialLook[] {
  return solvedLooks(design).map(({ alphaSpent: spent, criticalValue, nominalP }) => ({
    alphaSpent: spent,
    criticalValue,
    nominalP,
  }));
}

function solvedLooks(design: SpendingDesign): readonly SolvedLook[] {
  const { spending, informationFractions: times, alpha, sides } = design;
  openUnit('alpha', alpha);
  checkSides(sides);
  checkTimes(times);
  const spent = times.map((time) => alphaSpent(spending, { alpha, sides, time }));
  const gains = spent.map((total, index) => total - (spent[index - 1] ?? 0));
  const reach = reachFor(Math.min(...gains.filter((gain) => gain > 0)));
  const boundary = { sides, reach };
  const looks: SolvedLook[] = [];
  for (const [index, time] of times.entries()) {
    const total = spent[index] ?? Number.NaN;
    looks.push(solveNext(looks.at(-1) ?? null, { time, alphaSpent: total, boundary }));
  }
  return looks;
}

/**
 * One more look of a two-sided design, at the cost of one look instead of all before it.
 *
 * @param before the look before it, of the same design; null for the first
 * @param look `time` above the one before, at most 1; each look of the design spends at least `smallestSpend`
 */
export function nextLook(
  before: SolvedLook | null,
  look: Pick<SpendingDesign, 'spending' | 'alpha'> & {
    readonly time: number;
    readonly smallestSpend: number;
  },
): SolvedLook {
  const { spending, alpha, time, smallestSpend } = look;
  openUnit('alpha', alpha);
  if (!(time > (before?.time ?? 0) && time <= 1)) {
    refuse('time', time, 'above the one before and at most 1');
  }
  const boundary = { sides: 2, reach: reachFor(smallestSpend) } as const;
  const total = alphaSpent(spending, { alpha, sides: 2, time });
  return solveNext(before, { time, alphaSpent: total, boundary });
}

function solveNext(
  before: SolvedLook | null,
  look: Pick<SolvedLook, 'time' | 'alphaSpent'> & { readonly boundary: Boundary },
): SolvedLook {
  const { time, boundary } = look;
  const stage =
    before === null
      ? null
      : advance(before.stage, boundary, {
          time: before.time,
          critical: before.criticalValue,
          next: time,
        });
  const target = look.alphaSpent - (before?.alphaSpent ?? 0);
  const critical = criticalValue({ stage, time, boundary, target });
  const nominalP = boundary.sides * upperTail(critical);
  return { time, stage, alphaSpent: look.alphaSpent, criticalValue: critical, nominalP };
}

function checkTimes(times: readonly number[]): void {
  if (times.length === 0 || times.length > MAX_LOOKS) {
    refuse('informationFractions', times.length, `1 to ${String(MAX_LOOKS)} looks`);
  }
  for (const [index, time] of times.entries()) {
    if (!(time > (times[index - 1] ?? 0) && time <= 1)) {
      refuse(`informationFractions[${String(index)}]`, time, 'above the one before and at most 1');
    }
  }
}

interface Look {
  readonly stage: Stage | null;
  readonly time: number;
  readonly boundary: Boundary;
  readonly target: number;
}

/**
 * Newton's method for the logarithm of the crossing probability, which is concave in c (Prekopa), so that it
 * converges from above; bisection where the probability underflows.
 */
function criticalValue({ stage, time, boundary, target }: Look): number {
  const { sides, reach } = boundary;
  if (!(target > 0)) return Infinity;
  // Without the earlier looks crossing would only be likelier.
  let high = normalUpperQuantile(target / sides);
  if (stage === null) return high;
  let low = sides === 2 ? 0 : -reach;
  let critical = high;
  for (let step = 0; step < MAX_STEPS; step += 1) {
    const look = { stage, time, critical };
    const probability = crossingProbability(look, sides);
    if (probability > target) low = critical;
    else high = critical;
    const newton =
      critical + Math.log(target / probability) * (probability / crossingSlope(look, sides));
    const next = newton >= low && newton <= high ? newton : (low + high) / 2;
    if (Math.abs(next - critical) <= CONVERGED * Math.max(1, critical)) return next;
    critical = next;
  }
  throw new SluiceError(
    'internal',
    `no critical value at ${String(time)} spends ${String(target)}`,
  );
}

/**
 * Probability that an alpha-spending design stops, when E Z = drift sqrt(t); either boundary counts for two sides.
 * `drift` is z_{1 - alpha/sides} + z_power for the fixed design of the same information.
 */
export function groupSequentialPower(design: SpendingDesign & { readonly drift: number }): number {
  const drift = finite('drift', design.drift);
  const looks = solvedLooks(design);
  const { sides } = design;
  let stopped = 0;
  let staying = 1;
  for (const { stage, time, criticalValue: critical } of looks) {
    const look = { stage, time, critical, drift };
    stopped += crossingProbability(look, sides);
    staying = stayingProbability(look, sides);
  }
  // Each from the sum that is small, so that neither exceeds 1 by rounding.
  return stopped < 0.5 ? stopped : 1 - staying;
}

export interface ClassicalBoundaries {
  readonly constant: number;
  readonly criticalValues: readonly number[];
}

/**
 * Boundaries for equally spaced looks with one constant C: c_k = C (Pocock 1977) or C sqrt(K/k) (O'Brien & Fleming
 * 1979), so that the type I error over all K looks is alpha.
 */
export function classicalBoundaries(input: {
  readonly design: 'pocock' | 'obrien_fleming';
  readonly looks: number;
  readonly alpha: number;
  readonly sides: Sides;
}): ClassicalBoundaries {
  const { design, looks, alpha, sides } = input;
  if (!['pocock', 'obrien_fleming'].includes(design)) {
    refuse('design', design, 'pocock or obrien_fleming');
  }
  if (!(Number.isSafeInteger(looks) && looks >= 1 && looks <= MAX_LOOKS)) {
    refuse('looks', looks, `a whole number from 1 to ${String(MAX_LOOKS)}`);
  }
  checkSides(sides);
  openUnit('alpha', alpha, sides / 2);
  const shape = Array.from({ length: looks }, (_, index) =>
    design === 'pocock' ? 1 : Math.sqrt(looks / (index + 1)),
  );
  const boundary = { sides, reach: reachFor(alpha / looks) };
  const constant = rootBetween(
    // One look alone spends alpha at the lower end, and all looks together at most alpha at the upper.
    [normalUpperQuantile(alpha / sides), normalUpperQuantile(alpha / sides / looks)],
    (c) => {
      const critical = shape.map((factor) => factor * c);
      return Math.log(errorOverLooks(critical, boundary) / alpha);
    },
  );
  return { constant, criticalValues: shape.map((factor) => factor * constant) };
}

function errorOverLooks(criticalValues: readonly number[], boundary: Boundary): number {
  const looks = criticalValues.length;
  let stage: Stage | null = null;
  let error = 0;
  for (const [index, critical] of criticalValues.entries()) {
    const time = (index + 1) / looks;
    error += crossingProbability({ stage, time, critical }, boundary.sides);
    const next = (index + 2) / looks;
    if (index + 1 < looks) stage = advance(stage, boundary, { time, critical, next });
  }
  return error;
}

/** Root of a decreasing function by false position with the Illinois step. */
function rootBetween(
  [start, end]: readonly [number, number],
  decreasing: (x: number) => number,
): number {
  if (start === end) return start;
  let low = { x: start, y: decreasing(start) };
  let high = { x: end, y: decreasing(end) };
  for (let step = 0; step < MAX_STEPS; step += 1) {
    const x = (low.x * high.y - high.x * low.y) / (high.y - low.y);
    const y = decreasing(x);
    const last = y > 0 ? high : low;
    if (y > 0) {
      low = { x, y };
      high = { ...high, y: high.y / 2 };
    } else {
      high = { x, y };
      low = { ...low, y: low.y / 2 };
    }
    if (Math.abs(y) <= CONVERGED || Math.abs(last.x - x) <= CONVERGED * x) return x;
  }
  throw new SluiceError('internal', 'no constant spends the error of the classical design');
}
