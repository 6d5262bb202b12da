import { SluiceError } from '../kernel/errors.js';
import { logComplement, type LogTails } from './incomplete-beta.js';
import { logPoissonPoint } from './saddle-point.js';

const MAX_TERMS = 10_000_000;
const TINY = 1e-300;

/**
 * ln P(a, x) and ln Q(a, x) of the regularised incomplete gamma function, for a > 0 and x > 0, by the
 * series (DLMF 8.11.4) below the mean and Legendre's continued fraction (DLMF 8.9.2) above it, both times
 * the saddle-point prefactor. Own code because @stdlib's gammainc is 1 % off near the mean from a = 1000.
 */
export function logGammaTails(a: number, x: number): LogTails {
  const point = logPoissonPoint(a, x);
  if (x < a + 1) {
    const logLower = point + Math.log(lowerSeries(a, x));
    return { logLower, logUpper: logComplement(Math.min(logLower, 0)) };
  }
  const logUpper = point + Math.log(a) + Math.log(upperFraction(a, x));
  return { logLower: logComplement(Math.min(logUpper, 0)), logUpper };
}

/** sum over k >= 0 of x^k / ((a + 1) ... (a + k)) */
function lowerSeries(a: number, x: number): number {
  let term = 1;
  let sum = 1;
  for (let k = 1; k <= MAX_TERMS; k += 1) {
    term *= x / (a + k);
    sum += term;
    if (term < sum * 1e-17) return sum;
  }
  throw new SluiceError('internal', `incomplete gamma series did not converge for a=${String(a)}`);
}

function upperFraction(a: number, x: number): number {
  let b = x + 1 - a;
  let c = 1 / TINY;
  let d = 1 / b;
  let fraction = d;
  for (let k = 1; k <= MAX_TERMS; k += 1) {
    const an = -k * (k - a);
    b += 2;
    d = an * d + b;
    d = 1 / (Math.abs(d) < TINY ? TINY : d);
    c = b + an / c;
    if (Math.abs(c) < TINY) c = TINY;
    const factor = d * c;
    fraction *= factor;
    if (Math.abs(factor - 1) <= Number.EPSILON) return fraction;
  }
  throw new SluiceError('internal', `incomplete gamma did not converge for a=${String(a)}`);
}
