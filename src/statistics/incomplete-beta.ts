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
 * ln I_x(a, b) and ln (1 - I_x(a, b)) with y = 1 - x given separately. Continued fraction DLMF 8.17.22
 * on the side where it converges fast, times the saddle-point prefactor; so tails far below 1e-300 keep
 * 13 digits of their logarithm. a, b > 0; x, y in (0, 1).
 */
export function logBetaTails(x: number, y: number, a: number, b: number): LogTails {
  const kernel = logBetaKernel(x, y, a, b);
  if (x <= (a + 1) / (a + b + 2)) {
    const logLower = kernel - Math.log(a) + Math.log(continuedFraction(x, a, b));
    return { logLower, logUpper: logComplement(logLower) };
  }
  const logUpper = kernel - Math.log(b) + Math.log(continuedFraction(y, b, a));
  return { logLower: logComplement(logUpper), logUpper };
}

/** ln(1 - e^l) for l <= 0 without cancellation (Maechler 2012). */
export function logComplement(l: number): number {
  return l > -Math.LN2 ? Math.log(-Math.expm1(l)) : Math.log1p(-Math.exp(l));
}

/**
 * a I_x(a, b) divided by the kernel x^a y^b / B(a, b), by the modified Lentz algorithm.
 */
function continuedFraction(x: number, a: number, b: number): number {
  let c = 1;
  let d = nonZero(1 - ((a + b) * x) / (a + 1));
  d = 1 / d;
  let fraction = d;
  for (let m = 1; m <= MAX_TERMS; m += 1) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / nonZero(1 + even * d);
    c = nonZero(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / nonZero(1 + odd * d);
    c = nonZero(1 + odd / c);
    const factor = d * c;
    fraction *= factor;
    if (Math.abs(factor - 1) <= Number.EPSILON) return fraction;
  }
  throw new SluiceError('internal', `incomplete beta did not converge for a=${String(a)}, b=${String(b)}`);
}

function nonZero(value: number): number {
  return Math.abs(value) < TINY ? TINY : value;
}
