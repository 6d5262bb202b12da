import { normalUpperQuantile, normalUpperTail } from '../statistics/numerics.js';

/** Points of the grid on which the density of the unstopped statistic is kept (odd, for Simpson's rule). */
const POINTS = 401;
/** Standard deviations beyond which a first look is not followed. */
const REACH = 9;
const BISECTIONS = 80;

export interface SpendingBoundaries {
  readonly cumulativeAlphaSpent: readonly number[];
  readonly criticalValues: readonly number[];
}

/**
 * Two-sided Lan-DeMets boundaries with O'Brien-Fleming-like spending 4 (1 - Phi(z_{1 - alpha/4}/sqrt t)): the
 * critical value c_k solves P(no earlier crossing, |Z_k| >= c_k) = spend of look k, by the recursion of Armitage,
 * McPherson and Rowe (1969) for the Brownian motion Z sqrt t.
 *
 * @param informationFractions increasing, in (0, 1]
 */
export function alphaSpendingBoundaries(input: {
  readonly informationFractions: readonly number[];
  readonly alpha: number;
}): SpendingBoundaries {
  const cumulativeAlphaSpent: number[] = [];
  const criticalValues: number[] = [];
  let density: Density | null = null;
  let before = { t: 0, spent: 0 };
  for (const t of input.informationFractions) {
    const spent = obrienFlemingSpent(t, input.alpha);
    const deviation = Math.sqrt(t - before.t);
    const edge = solveEdge(density, deviation, spent - before.spent);
    cumulativeAlphaSpent.push(spent);
    criticalValues.push(edge / Math.sqrt(t));
    density = continued(density, deviation, Math.min(edge, REACH * Math.sqrt(t)));
    before = { t, spent };
  }
  return { cumulativeAlphaSpent, criticalValues };
}

/** Error spent at information t of [0, 1], two-sided (Lan and DeMets 1983). */
export function obrienFlemingSpent(t: number, alpha: number): number {
  return 4 * normalUpperTail(normalUpperQuantile(alpha / 4) / Math.sqrt(Math.min(1, t)));
}

/** Density of the unstopped process at equally spaced points, times Simpson's weights. */
interface Density {
  readonly points: readonly number[];
  readonly mass: readonly number[];
}

/** P(the process is outside ± edge after one more step). */
function outside(density: Density | null, deviation: number, edge: number): number {
  if (density === null) return 2 * normalUpperTail(edge / deviation);
  let sum = 0;
  for (const [index, mass] of density.mass.entries()) {
    const from = density.points[index] ?? 0;
    const above = normalUpperTail((edge - from) / deviation);
    sum += mass * (above + normalUpperTail((edge + from) / deviation));
  }
  return sum;
}

function solveEdge(density: Density | null, deviation: number, spend: number): number {
  if (density === null) return deviation * normalUpperQuantile(spend / 2);
  let low = 0;
  let high = 40;
  for (let step = 0; step < BISECTIONS && high - low > 1e-12; step += 1) {
    const middle = (low + high) / 2;
    if (outside(density, deviation, middle) > spend) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

function continued(density: Density | null, deviation: number, edge: number): Density {
  const width = (2 * edge) / (POINTS - 1);
  const points = Array.from({ length: POINTS }, (_, index) => -edge + index * width);
  const mass = points.map((to, index) => simpson(index, width) * densityAt(density, deviation, to));
  return { points, mass };
}

function densityAt(density: Density | null, deviation: number, to: number): number {
  const scale = 1 / (deviation * Math.sqrt(2 * Math.PI));
  if (density === null) return scale * Math.exp((to / deviation) ** 2 / -2);
  let sum = 0;
  for (const [index, mass] of density.mass.entries()) {
    const distance = (to - (density.points[index] ?? 0)) / deviation;
    sum += mass * Math.exp((distance * distance) / -2);
  }
  return scale * sum;
}

function simpson(index: number, width: number): number {
  if (index === 0 || index === POINTS - 1) return width / 3;
  return (index % 2 === 1 ? 4 : 2) * (width / 3);
}
