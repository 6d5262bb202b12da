import { SluiceError } from '../kernel/errors.js';
import { logBetaTails, logComplement } from './incomplete-beta.js';
import { logBetaKernel } from './saddle-point.js';

/** Beta(a, b), a and b > 0. */
export interface BetaShape {
  readonly a: number;
  readonly b: number;
}

export interface BetaOrder {
  /** P(X > Y). */
  readonly probability: number;
  /** E max(X - Y, 0). */
  readonly expectedExcess: number;
}

export function betaMean({ a, b }: BetaShape): number {
  return a / (a + b);
}

/** Mean of X less mean of Y. */
export function meanDifference(x: BetaShape, y: BetaShape): number {
  return (x.a * y.b - y.a * x.b) / (x.a + x.b) / (y.a + y.b);
}

/**
 * How often and by how much an independent Beta variable X exceeds another, Y: E F_Y(X) and E E max(X - Y, 0 | X)
 * over the narrower of the two, in u = logit x. Both integrands are log-concave in u (products and integrals of
 * log-concave functions), so that there is one peak, tails fall at least exponentially, and the
 * trapezoidal rule in u = peak + w sinh v converges geometrically (Takahasi & Mori 1974). Nothing is
 * subtracted: tails of 1e-200 keep 10 digits, unlike the finite sums for whole shapes of Miller (2015).
 */
export function betaOrder(x: BetaShape, y: BetaShape): BetaOrder {
  if (logitSpread(x) <= logitSpread(y)) return expectations(x, y);
  // X > Y is 1 - Y > 1 - X: the narrower one is integrated over.
  return expectations({ a: y.b, b: y.a }, { a: x.b, b: x.a });
}

/** About the variance of logit X: trigamma(a) + trigamma(b). */
function logitSpread({ a, b }: BetaShape): number {
  return 1 / a + 1 / b + 1 / (a * a) + 1 / (b * b);
}

function expectations(over: BetaShape, other: BetaShape): BetaOrder {
  return {
    probability: Math.exp(logIntegral(over, (point) => below(other, point))),
    expectedExcess: Math.exp(logIntegral(over, (point) => excess(other, point))),
  };
}

/** Beyond, x or 1 - x leaves the range of doubles and everything is a power of it. */
const LOGIT_LIMIT = 700;

/** A point of (0, 1) with both distances from the ends, and how far its logit lies beyond the limit. */
interface LogitPoint {
  readonly x: number;
  readonly y: number;
  readonly beyond: number;
}

function pointAt(logit: number): LogitPoint {
  const u = Math.max(-LOGIT_LIMIT, Math.min(logit, LOGIT_LIMIT));
  return { x: 1 / (1 + Math.exp(-u)), y: 1 / (1 + Math.exp(u)), beyond: logit - u };
}

/** ln x^a y^b/B(a, b), the density by the logit. */
function logDensity({ a, b }: BetaShape, { x, y, beyond }: LogitPoint): number {
  return logBetaKernel(x, y, a, b) + (beyond < 0 ? a * beyond : -b * beyond);
}

/** ln of a factor of the integrand and its derivative by the logit. */
interface Factor {
  readonly log: number;
  readonly slope: number;
}

/** The distribution function of Beta(a, b). */
function below(shape: BetaShape, point: LogitPoint): Factor {
  const { x, y, beyond } = point;
  const { logLower, logUpper } = logBetaTails(x, y, shape.a, shape.b);
  const log =
    beyond > 0
      ? logComplement(logUpper - shape.b * beyond)
      : logLower + shape.a * Math.min(beyond, 0);
  return { log, slope: Math.exp(logDensity(shape, point) - log) };
}

/** From this cancellation on the series is summed: near the mean it would be long, and is not needed. */
const CANCELLATION = 1e-4;
const MAX_TERMS = 10_000_000;

/**
 * E max(x - X, 0) = (x - mean) F(x) + k/(a + b) with k = x^a y^b/B(a, b), from E[X; X < x] = mean F(x) - k/(a + b).
 * Far below the mean, where this cancels, k x y/(a (a + 1)) 2F1(2, a + b + 1; a + 2; x) (DLMF 15.6.1, 15.8.1).
 */
function excess({ a, b }: BetaShape, { x, y, beyond }: LogitPoint): Factor {
  const n = a + b;
  const logK = logBetaKernel(x, y, a, b);
  const logF = logBetaTails(x, y, a, b).logLower;
  // x - mean without cancellation at the right end.
  const distance = (x * b - y * a) / n;
  const direct = 1 + n * distance * Math.exp(logF - logK);
  const log =
    direct > CANCELLATION || distance >= 0
      ? logExcess(direct, { logK, logF, distance, n })
      : logK + Math.log((x * y * lowerSeries(a, n, x)) / a / (a + 1));
  // At the left end it is a multiple of x^(a + 1), at the right one constant.
  return { log: log + (a + 1) * Math.min(beyond, 0), slope: x * y * Math.exp(logF - log) };
}

function logExcess(
  direct: number,
  at: {
    readonly logK: number;
    readonly logF: number;
    readonly distance: number;
    readonly n: number;
  },
): number {
  // At the right end k vanishes and the ratio F/k overflows.
  if (Number.isFinite(direct)) return at.logK - Math.log(at.n) + Math.log(direct);
  return at.logF + Math.log(at.distance);
}

/** 2F1(2, n + 1; a + 2; x), all terms positive. */
function lowerSeries(a: number, n: number, x: number): number {
  let term = 1;
  let sum = 1;
  for (let k = 0; k < MAX_TERMS; k += 1) {
    term *= (((2 + k) / (1 + k)) * (n + 1 + k) * x) / (a + 2 + k);
    sum += term;
    if (term <= sum * 1e-17) return sum;
  }
  throw new SluiceError('internal', `beta excess did not converge for a=${String(a)}`);
}

/** e^-50 of the peak is left out on either side. */
const DROP = 50;
const MAX_DOUBLINGS = 100;
const MAX_LEVELS = 14;
const FIRST_STEPS = 16;
/** The rule squares its error when the step is halved: this leaves less than rounding. */
const CONVERGED = 1e-8;

type LogIntegrand = (u: number) => { readonly log: number; readonly slope: number };

/** ln of the expectation of a factor over Beta(a, b). */
function logIntegral(over: BetaShape, factor: (point: LogitPoint) => Factor): number {
  const integrand = logIntegrand(over, factor);
  const peak = peakOf(integrand, Math.log(over.a / over.b));
  const top = integrand(peak).log;
  const dropped = (distance: number): number => top - integrand(peak + distance).log;
  const width = Math.min(reach(dropped, 1, 1), reach(dropped, -1, 1));
  const low = -Math.asinh(reach(dropped, -1, DROP) / width);
  const high = Math.asinh(reach(dropped, 1, DROP) / width);
  const height = (v: number): number => Math.exp(-dropped(width * Math.sinh(v))) * Math.cosh(v);
  return top + Math.log(width * trapezoid(height, low, high));
}

function logIntegrand(over: BetaShape, factor: (point: LogitPoint) => Factor): LogIntegrand {
  return (u) => {
    const point = pointAt(u);
    const { log, slope } = factor(point);
    const drift = over.a * point.y - over.b * point.x;
    return { log: logDensity(over, point) + log, slope: drift + slope };
  };
}

/** Where the concave logarithm is highest, to within a drop of 0.1. */
function peakOf(integrand: LogIntegrand, start: number): number {
  const sign = integrand(start).slope > 0 ? 1 : -1;
  let near = start;
  let far = start;
  for (let step = 1, doublings = 0; doublings < MAX_DOUBLINGS; step *= 2, doublings += 1) {
    near = far;
    far = start + sign * step;
    if (sign * integrand(far).slope <= 0) break;
  }
  for (let halvings = 0; halvings < MAX_DOUBLINGS; halvings += 1) {
    const middle = (near + far) / 2;
    const { slope } = integrand(middle);
    if (Math.abs(slope * (far - near)) < 0.1) return middle;
    if (sign * slope > 0) near = middle;
    else far = middle;
  }
  return (near + far) / 2;
}

/** A distance at which the logarithm has dropped by `drop`, to within a factor of 2. */
function reach(dropped: (distance: number) => number, sign: 1 | -1, drop: number): number {
  let distance = 1;
  for (let k = 0; k < MAX_DOUBLINGS && dropped(sign * distance) < drop; k += 1) distance *= 2;
  for (let k = 0; k < MAX_DOUBLINGS && dropped((sign * distance) / 2) >= drop; k += 1) {
    distance /= 2;
  }
  return distance;
}

function trapezoid(height: (v: number) => number, low: number, high: number): number {
  let steps = FIRST_STEPS;
  let width = (high - low) / steps;
  let sum = 0;
  for (let k = 0; k <= steps; k += 1) sum += height(low + k * width);
  for (let level = 0; level < MAX_LEVELS; level += 1) {
    let between = 0;
    for (let k = 0; k < steps; k += 1) between += height(low + (k + 0.5) * width);
    const change = Math.abs(between - sum) / (between + sum);
    sum += between;
    steps *= 2;
    width /= 2;
    if (change <= CONVERGED) return sum * width;
  }
  throw new SluiceError('internal', 'the comparison of two Beta variables did not converge');
}
