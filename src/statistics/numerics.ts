import betainc from '@stdlib/math-base-special-betainc';
import betaincinv from '@stdlib/math-base-special-betaincinv';
import erfc from '@stdlib/math-base-special-erfc';
import erfcinv from '@stdlib/math-base-special-erfcinv';
import gammainc from '@stdlib/math-base-special-gammainc';
import gammaln from '@stdlib/math-base-special-gammaln';
import { SluiceError } from '../kernel/errors.js';
import { finite, nonNegative, openUnit, positive, probability, refuse } from './estimable.js';
import { logBetaTails, logComplement, type LogTails } from './incomplete-beta.js';
import { logGammaTails } from './incomplete-gamma.js';
import { logBetaKernel, logBinomialPoint } from './saddle-point.js';

/**
 * The only module that touches special functions. Every tail is computed from its own side (never
 * `1 - cdf`, which is 0 below 1e-16), and has a log form for p below 1e-300. Inputs outside the domain are
 * refused; a result that is not a probability is an internal error, never clamped.
 *
 * Boxes in which the libraries were measured against 60-digit references; outside them own code takes over:
 * - @stdlib erfc, erfcinv, gammaln: 1e-12 relative everywhere they are called here;
 * - @stdlib betainc: 1e-11 for shapes up to 1e4 (4e-11 at 1e6, so there own continued fraction);
 * - @stdlib gammainc: 1e-12 for a <= 100 (1 % off near the mean from a = 1000).
 */
const BETAINC_MAX_SHAPE = 1e4;
const GAMMAINC_MAX_SHAPE = 100;
/** Results below this are recomputed on the log scale, where the libraries underflow or lose digits. */
const LIBRARY_SMALLEST = 1e-280;
/** From here erfc underflows; Laplace's continued fraction takes over well before. */
const MILLS_FROM = 5;
const MILLS_TERMS = 200;
const HALF_LOG_TWO_PI = 0.918_938_533_204_672_8;
const QUANTILE_STEPS = 200;
/** Newton squares its error: a step this small leaves less than a rounding error. */
const NEWTON_STOP = 1e-10;
/** ln of the largest quantile that is looked for; beyond lie only tails of df < 1. */
const LOG_LARGEST = 700;

function checked(name: string, p: number): number {
  if (p >= 0 && p <= 1) return p;
  throw new SluiceError('internal', `${name} gave ${String(p)}, which is not a probability`);
}

/** P(Z > z) of the standard normal; z finite; relative error 1e-12 down to 1e-300. */
export function normalUpperTail(z: number): number {
  return checked('normalUpperTail', erfc(finite('z', z) / Math.SQRT2) / 2);
}

/** P(Z <= z) of the standard normal, from the lower tail itself. */
export function normalCdf(z: number): number {
  return normalUpperTail(-z);
}

/** ln P(Z > z); for z > 5 by Laplace's continued fraction of Mills' ratio (Abramowitz & Stegun 26.2.14). */
export function logNormalUpperTail(z: number): number {
  if (finite('z', z) < 0) return Math.log1p(-normalUpperTail(-z));
  if (z <= MILLS_FROM) return Math.log(normalUpperTail(z));
  return -(z * z) / 2 - HALF_LOG_TWO_PI - Math.log(z + millsRemainder(z));
}

/** The k with P(Z > z) = density(z)/(z + k), for z > 5. */
function millsRemainder(z: number): number {
  let remainder = 0;
  for (let k = MILLS_TERMS; k >= 1; k -= 1) remainder = k / (z + remainder);
  return remainder;
}

/** E max(Z - z, 0) = density(z) - z P(Z > z) of the standard normal, without cancellation for z > 5. */
export function normalLoss(z: number): number {
  const density = Math.exp(-(finite('z', z) ** 2) / 2 - HALF_LOG_TWO_PI);
  if (z <= MILLS_FROM) return density - z * normalUpperTail(z);
  const remainder = millsRemainder(z);
  return (density * remainder) / (z + remainder);
}

/** z with P(Z <= z) = p; p in [0, 1]; the ends give -Infinity and Infinity. For upper tails pass the tail to `normalUpperQuantile`. */
export function normalQuantile(p: number): number {
  return -Math.SQRT2 * erfcinv(2 * probability('p', p));
}

/** z with P(Z > z) = q: exact for tiny q, where 1 - q would round to 1. */
export function normalUpperQuantile(q: number): number {
  return -normalQuantile(q);
}

/** P(T > t) of Student's t; t finite, df > 0 (real). */
export function studentUpperTail(t: number, df: number): number {
  finite('t', t);
  positive('df', df);
  if (t < 0) return checked('studentUpperTail', 1 - studentUpperTail(-t, df));
  if (df <= 2 * BETAINC_MAX_SHAPE) {
    const ratio = (t / df) * t;
    const tail =
      ratio < 0.5
        ? betainc(ratio / (1 + ratio), 0.5, df / 2, true, true) / 2
        : betainc(1 / (1 + ratio), df / 2, 0.5) / 2;
    if (tail > LIBRARY_SMALLEST) return checked('studentUpperTail', tail);
  }
  return checked('studentUpperTail', Math.exp(logStudentUpperTail(t, df)));
}

/** ln P(T > t) of Student's t; t finite, df > 0. */
export function logStudentUpperTail(t: number, df: number): number {
  finite('t', t);
  positive('df', df);
  if (t === 0) return -Math.LN2;
  if (t < 0) return logComplement(logStudentUpperTail(-t, df));
  const ratio = (t / Math.sqrt(df)) ** 2;
  if (ratio > 1e200) {
    // The leading term y^a / (a B(a, 1/2)) of the series, with y = df/t^2 beyond the floating range.
    const a = df / 2;
    return a * (Math.log(df) - 2 * Math.log(t)) - Math.log(2 * a) - logBeta(a, 0.5);
  }
  if (ratio === 0) return -Math.LN2;
  return logBetaTails(ratio / (1 + ratio), 1 / (1 + ratio), 0.5, df / 2).logUpper - Math.LN2;
}

/**
 * t with P(T <= t) = p; p strictly between 0 and 1, df > 0. Closed form for df = 1, otherwise Newton's
 * method for ln(tail) as a function of ln(t), which is concave, so that it converges from any start.
 */
export function studentQuantile(p: number, df: number): number {
  openUnit('p', p);
  positive('df', df);
  if (p === 0.5) return 0;
  return p < 0.5 ? -studentUpperQuantile(p, df) : studentUpperQuantile(1 - p, df);
}

/** t with P(T > t) = q; q strictly between 0 and 1; exact for tiny q. */
export function studentUpperQuantile(q: number, df: number): number {
  openUnit('q', q);
  positive('df', df);
  if (q >= 0.5) return q === 0.5 ? 0 : -studentUpperQuantile(1 - q, df);
  if (df === 1) return 1 / Math.tan(Math.PI * q);
  const target = Math.log(q);
  const logNorm = -logBeta(df / 2, 0.5) - Math.log(df) / 2;
  let logT = Math.log(normalUpperQuantile(q));
  for (let step = 0; step < QUANTILE_STEPS; step += 1) {
    const t = Math.exp(logT);
    const logTail = logStudentUpperTail(t, df);
    const logDensity = logNorm - ((df + 1) / 2) * logOnePlusSquare(t / Math.sqrt(df));
    const change = (logTail - target) / Math.exp(logT + logDensity - logTail);
    if (logT >= LOG_LARGEST && change > 0)
      refuse('q', q, 'a tail whose quantile is a finite double');
    logT = Math.min(logT + change, LOG_LARGEST);
    if (Math.abs(change) <= NEWTON_STOP) return Math.exp(logT);
  }
  throw new SluiceError(
    'internal',
    `studentUpperQuantile(${String(q)}, ${String(df)}) did not converge`,
  );
}

function logOnePlusSquare(r: number): number {
  return r > 1e100 ? 2 * Math.log(r) : Math.log1p(r * r);
}

/** P(X > x) of the chi-square distribution; x >= 0, df > 0. */
export function chiSquareUpperTail(x: number, df: number): number {
  return regularisedGamma(nonNegative('x', x) / 2, positive('df', df) / 2).upper;
}

/** ln P(X > x) of the chi-square distribution; x >= 0, df > 0. */
export function logChiSquareUpperTail(x: number, df: number): number {
  positive('df', df);
  return nonNegative('x', x) === 0 ? 0 : logGammaTails(df / 2, x / 2).logUpper;
}

/** Both tails of a distribution at one point, each from its own side. */
export interface Tails {
  readonly lower: number;
  readonly upper: number;
}

/** Both tails of the Gamma distribution with this shape and scale 1 at x >= 0. */
export function regularisedGamma(x: number, shape: number): Tails {
  nonNegative('x', x);
  positive('shape', shape);
  if (x === 0) return { lower: 0, upper: 1 };
  if (shape <= GAMMAINC_MAX_SHAPE) {
    const lower = gammainc(x, shape, true, false);
    const upper = gammainc(x, shape, true, true);
    if (Math.min(lower, upper) > LIBRARY_SMALLEST)
      return bothChecked('regularisedGamma', lower, upper);
  }
  const { logLower, logUpper } = logGammaTails(shape, x);
  return bothChecked('regularisedGamma', Math.exp(logLower), Math.exp(logUpper));
}

function bothChecked(name: string, lower: number, upper: number): Tails {
  return { lower: checked(name, lower), upper: checked(name, upper) };
}

/** I_x(a, b) and its complement: the tails of Beta(a, b) at x in [0, 1]; a, b > 0. */
export function regularisedBeta(x: number, a: number, b: number): Tails {
  probability('x', x);
  positive('a', a);
  positive('b', b);
  if (x === 0) return { lower: 0, upper: 1 };
  if (x === 1) return { lower: 1, upper: 0 };
  if (Math.max(a, b) <= BETAINC_MAX_SHAPE) {
    const lower = betainc(x, a, b);
    const upper = betainc(x, a, b, true, true);
    if (Math.min(lower, upper) > LIBRARY_SMALLEST)
      return bothChecked('regularisedBeta', lower, upper);
  }
  const { logLower, logUpper } = logBetaTails(x, 1 - x, a, b);
  return bothChecked('regularisedBeta', Math.exp(logLower), Math.exp(logUpper));
}

/** ln of both tails of Beta(a, b) at x strictly between 0 and 1; a, b > 0. */
export function logRegularisedBeta(x: number, a: number, b: number): LogTails {
  return logBetaTails(openUnit('x', x), 1 - x, positive('a', a), positive('b', b));
}

/** x with P(Beta(a, b) <= x) = p; p in [0, 1], a, b > 0. */
export function betaQuantile(p: number, a: number, b: number): number {
  return checked(
    'betaQuantile',
    betaincinv(probability('p', p), positive('a', a), positive('b', b)),
  );
}

/** x with P(Beta(a, b) > x) = q: exact for tiny q. */
export function betaUpperQuantile(q: number, a: number, b: number): number {
  const x = betaincinv(probability('q', q), positive('a', a), positive('b', b), true);
  return checked('betaUpperQuantile', x);
}

/** P(F > f) of the F distribution; f >= 0, degrees of freedom > 0. */
export function fUpperTail(f: number, df1: number, df2: number): number {
  const odds = (nonNegative('f', f) * positive('df1', df1)) / positive('df2', df2);
  if (odds === 0) return 1;
  return odds < 1
    ? regularisedBeta(odds / (1 + odds), df1 / 2, df2 / 2).upper
    : regularisedBeta(1 / (1 + odds), df2 / 2, df1 / 2).lower;
}

/** P(X <= k) and P(X > k) of the binomial distribution; whole 0 <= k <= n, p in [0, 1]. */
export function binomialTails(k: number, n: number, p: number): Tails {
  checkBinomial(k, n, p);
  if (k === n) return { lower: 1, upper: 0 };
  const { lower, upper } = regularisedBeta(p, k + 1, n - k);
  return { lower: upper, upper: lower };
}

/** P(X = k) of the binomial distribution; whole 0 <= k <= n, p in [0, 1]. */
export function binomialPoint(k: number, n: number, p: number): number {
  checkBinomial(k, n, p);
  if (p === 0 || p === 1) return (p === 0 ? 0 : n) === k ? 1 : 0;
  if (k === 0) return Math.exp(n * Math.log1p(-p));
  if (k === n) return Math.exp(n * Math.log(p));
  return checked('binomialPoint', Math.exp(logBinomialPoint(k, n, p)));
}

function checkBinomial(k: number, n: number, p: number): void {
  if (!Number.isSafeInteger(n) || n < 0) refuse('n', n, 'a whole number of at least 0');
  if (!Number.isSafeInteger(k) || k < 0 || k > n) refuse('k', k, 'a whole number in [0, n]');
  probability('p', p);
}

/** ln Gamma(x) for x > 0. */
export function logGamma(x: number): number {
  return gammaln(positive('x', x));
}

/** ln B(a, b) for a, b > 0, from the saddle-point kernel at the mean where differences of log-gammas would cancel. */
export function logBeta(a: number, b: number): number {
  const small = Math.min(positive('a', a), positive('b', b));
  const large = Math.max(a, b);
  if (large < 1e3) return logGamma(small) + logGamma(large) - logGamma(small + large);
  return -logBetaKernelAtMean(small, large);
}

function logBetaKernelAtMean(a: number, b: number): number {
  // ln 1/B = ln kernel(p) - a ln p - b ln q at the mean p = a/(a+b), where the deviances vanish.
  const p = a / (a + b);
  return logBetaKernel(p, b / (a + b), a, b) - a * Math.log(p) - b * Math.log1p(-p);
}
