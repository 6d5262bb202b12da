/** A source of uniforms strictly between 0 and 1: randomness is an argument, so a simulation repeats to the last digit. */
export type Random = () => number;

const WARM_UP = 15;

/** sfc32 (Chris Doty-Humphrey's PractRand), one independent stream per replication of a seed. */
export function randomOf(seed: number, replication: number): Random {
  let a = seed | 0;
  let b = replication | 0;
  let c = 0x9e3779b9 | 0;
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return ((sum >>> 0) + 0.5) / 4_294_967_296;
  };
  for (let round = 0; round < WARM_UP; round += 1) next();
  return next;
}

/** Standard normal (Box and Muller 1958). */
export function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());
}

/** Gamma with shape >= 1 and scale 1 by rejection (Marsaglia and Tsang 2000); about 1.05 rounds each. */
function gammaFromOne(random: Random, shape: number): number {
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = normal(random);
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(random()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}

/** Gamma with any shape > 0: below 1 by the boost Gamma(a) = Gamma(a + 1) U^(1/a). */
function gamma(random: Random, shape: number): number {
  if (shape >= 1) return gammaFromOne(random, shape);
  return gammaFromOne(random, shape + 1) * random() ** (1 / shape);
}

/** Chi-square with `df` > 0; 0 for df = 0. */
export function chiSquare(random: Random, df: number): number {
  return df > 0 ? 2 * gamma(random, df / 2) : 0;
}

/** Below so many expected successes, waiting times between them are drawn one by one. */
const FEW = 12;

/**
 * Number of successes in n trials, exactly. Splits at the order statistic X ~ Beta(i, n + 1 - i) of n uniforms
 * until few successes are expected (Devroye 1986, X.4.4); those are counted by geometric waiting times.
 *
 * @param n whole, >= 0
 * @param p in [0, 1]
 */
export function binomial(random: Random, n: number, p: number): number {
  if (p > 0.5) return n - binomial(random, n, 1 - p);
  let trials = n;
  let share = p;
  let successes = 0;
  while (trials * share > FEW) {
    const i = Math.floor((trials + 1) / 2);
    const left = gamma(random, i);
    const split = left / (left + gamma(random, trials + 1 - i));
    if (split <= share) {
      successes += i;
      trials -= i;
      share = (share - split) / (1 - split);
    } else {
      trials = i - 1;
      share /= split;
    }
  }
  return successes + few(random, trials, Math.min(1, share));
}

function few(random: Random, trials: number, share: number): number {
  if (share <= 0 || trials <= 0) return 0;
  if (share >= 1) return trials;
  const logMiss = Math.log1p(-share);
  let successes = 0;
  let at = 0;
  for (;;) {
    at += Math.floor(Math.log(random()) / logMiss) + 1;
    if (at > trials) return successes;
    successes += 1;
  }
}
