import { SluiceError } from '../kernel/errors.js';
import { logBetaKernel } from './saddle-point.js';

/** O(sqrt(a + b)) terms are needed at the mean; shapes of 1e12 stay below this. */
const MAX_TERMS = 10_000_000;
const TINY = 1e-300;

/** ln of both tails of a Beta(a, b) variable at one point. */
export interface LogTails {
  readonly logLower: number;
  readonly logUpper: number;
}

/**
 * ln I_x(a, b) and ln (1 - I_x(a, b)) with y = 1 - x given separately. Continued fraction of Didonato &
 * Morris (1992, BFRAC) on the side where it converges fast, times the saddle-point prefactor; so tails far
 * below 1e-300 keep 12 digits of their logarithm. a, b > 0; x, y in (0, 1).
 */
export function logBetaTails(x: number, y: number, a: number, b: number): LogTails {
  const kernel = logBetaKernel(x, y, a, b);
  if (x <= (a + 1) / (a + b + 2)) {
    const logLower = kernel - Math.log(continuedFraction({ x, y, a, b }));
    return { logLower, logUpper: logComplement(logLower) };
  }
  const logUpper = kernel - Math.log(continuedFraction({ x: y, y: x, a: b, b: a }));
  return { logLower: logComplement(logUpper), logUpper };
}

/** ln(1 - e^l) for l <= 0 without cancellation (Maechler 2012). */
export function logComplement(l: number): number {
  return l > -Math.LN2 ? Math.log(-Math.expm1(l)) : Math.log1p(-Math.exp(l));
}

interface BetaPoint {
  readonly x: number;
  readonly y: number;
  readonly a: number;
  readonly b: number;
}

/**
 * The kernel x^a y^b / B(a, b) divided by I_x(a, b), by the modified Lentz algorithm. In this form x and y
 * meet only in a y - b x, so that nothing cancels when x is within 1e-9 of an end (Student's t with df of 1e9).
 */
function continuedFraction({ x, y, a, b }: BetaPoint): number {
  const lead = a * y - b * x + 1;
  let fraction = nonZero((a * lead) / (a + 1));
  let c = fraction;
  let d = 0;
  for (let m = 1; m <= MAX_TERMS; m += 1) {
    const inner = a + 2 * m - 1;
    const numerator = ((a + m - 1) / inner) * ((a + b + m - 1) / inner) * m * (b - m) * x * x;
    const denominator =
      m + (m * (b - m) * x) / inner + ((a + m) * (lead + m * (1 + y))) / (a + 2 * m + 1);
    d = 1 / nonZero(denominator + numerator * d);
    c = nonZero(denominator + numerator / c);
    const factor = d * c;
    fraction *= factor;
    if (Math.abs(factor - 1) <= 2 * Number.EPSILON) return fraction;
  }
  throw new SluiceError(
    'internal',
    `incomplete beta did not converge for a=${String(a)}, b=${String(b)}`,
  );
}

function nonZero(value: number): number {
  return Math.abs(value) < TINY ? TINY : value;
}
