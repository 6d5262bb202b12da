/**
 * Building blocks of densities that stay accurate for parameters of 1e6 and more, where differences
 * of log-gammas lose nine digits. Source: C. Loader (2000), "Fast and accurate computation of
 * binomial probabilities" (the algorithm of R's dbinom and dpois).
 */

const HALF_LOG_TWO_PI = 0.918_938_533_204_672_8;
/** Above this the Stirling series below is exact to the last bit (first omitted term < 1e-17). */
const SERIES_FROM = 16;
const DEVIANCE_TERMS = 1000;

/**
 * Error of Stirling's formula: ln Gamma(x + 1) - (x + 1/2) ln x + x - ln(2 pi)/2, for x > 0.
 * Below 16 by the recurrence of Gamma, above by the asymptotic series (Abramowitz & Stegun 6.1.41).
 */
export function stirlingError(x: number): number {
  if (x >= SERIES_FROM) return stirlingSeries(x);
  const steps = Math.ceil(SERIES_FROM - x);
  let product = 1;
  for (let step = 1; step <= steps; step += 1) product *= x + step;
  const y = x + steps;
  const logGammaNext = stirlingSeries(y) + (y + 0.5) * Math.log(y) - y - Math.log(product);
  return logGammaNext - (x + 0.5) * Math.log(x) + x;
}

function stirlingSeries(x: number): number {
  const inverse = 1 / (x * x);
  const tail =
    1 / 1260 -
    inverse * (1 / 1680 - inverse * (1 / 1188 - inverse * (691 / 360_360 - inverse / 156)));
  return (1 / 12 - inverse * (1 / 360 - inverse * tail)) / x;
}

/**
 * Deviance part x ln(x / mean) + mean - x (Loader's bd0), for x > 0 and mean > 0. Near x = mean,
 * where the three terms cancel, by the series in v = (x - mean)/(x + mean).
 */
export function deviance(x: number, mean: number): number {
  const difference = x - mean;
  if (Math.abs(difference) >= 0.1 * (x + mean)) return x * Math.log(x / mean) - difference;
  const v = difference / (x + mean);
  let sum = difference * v;
  let power = 2 * x * v;
  for (let k = 1; k < DEVIANCE_TERMS; k += 1) {
    power *= v * v;
    const next = sum + power / (2 * k + 1);
    if (next === sum) break;
    sum = next;
  }
  return sum;
}

/** ln of the Poisson point probability mean^x e^-mean / Gamma(x + 1), for real x > 0, mean > 0. */
export function logPoissonPoint(x: number, mean: number): number {
  return -stirlingError(x) - deviance(x, mean) - HALF_LOG_TWO_PI - 0.5 * Math.log(x);
}

/**
 * ln of p^a q^b / B(a, b) with q = 1 - p given separately, so that neither end loses digits.
 * It is a b/(a + b) times the binomial point probability at a of a + b trials. a, b > 0; p, q in (0, 1).
 */
export function logBetaKernel(p: number, q: number, a: number, b: number): number {
  const n = a + b;
  const corrections = stirlingError(n) - stirlingError(a) - stirlingError(b);
  const distances = deviance(a, n * p) + deviance(b, n * q);
  return corrections - distances - HALF_LOG_TWO_PI + 0.5 * (Math.log(a) + Math.log(b / n));
}

/** ln of the binomial point probability of k successes in n trials; real 0 < k < n, p in (0, 1), q = 1 - p. */
export function logBinomialPoint(k: number, n: number, p: number): number {
  return logBetaKernel(p, 1 - p, k, n - k) - Math.log(k) - Math.log((n - k) / n);
}
