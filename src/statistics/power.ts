import {
  count,
  type Estimable,
  estimated,
  finite,
  notEstimable,
  nonNegative,
  openUnit,
  positive,
  refuse,
} from './estimable.js';
import {
  normalCdf,
  normalUpperQuantile,
  normalUpperTail,
  studentUpperQuantile,
} from './numerics.js';
import { logPoissonPoint } from './saddle-point.js';

/** 1 or 2: how many tails of the null distribution reject. */
export type Sides = 1 | 2;

/** Level and power of a fixed-horizon design. */
export interface DesignLevel {
  readonly alpha: number;
  readonly power: number;
  readonly sides: Sides;
}

export interface SampleSize {
  /** Units of the control before rounding up. */
  readonly controlExact: number;
  readonly control: number;
  readonly treatment: number;
}

/** z_{1 - alpha/sides} + z_{power} */
function levelAndPower({ alpha, power, sides }: DesignLevel): { level: number; power: number } {
  openUnit('alpha', alpha);
  openUnit('power', power);
  checkSides(sides);
  return { level: normalUpperQuantile(alpha / sides), power: normalUpperQuantile(1 - power) };
}

/** Refuses anything but 1 or 2. */
export function checkSides(sides: Sides): void {
  // From JSON it may be anything, whatever its type says.
  if (![1, 2].includes(sides)) refuse('sides', sides, '1 or 2');
}

function roundedUp(controlExact: number, allocationRatio: number): SampleSize {
  return {
    controlExact,
    control: Math.ceil(controlExact),
    treatment: Math.ceil(controlExact * allocationRatio),
  };
}

/**
 * Units per arm to detect a difference of means: n_c = (z_a + z_b)^2 (sd_c^2 + sd_t^2/ratio)/effect^2.
 * `allocationRatio` is n_treatment/n_control. Undefined for an effect of 0.
 */
export function sampleSizeMeans(
  input: DesignLevel & {
    readonly sdControl: number;
    readonly sdTreatment: number;
    readonly effect: number;
    readonly allocationRatio: number;
  },
): Estimable<SampleSize> {
  const { effect, allocationRatio } = input;
  const sdControl = positive('sdControl', input.sdControl);
  const sdTreatment = positive('sdTreatment', input.sdTreatment);
  finite('effect', effect);
  positive('allocationRatio', allocationRatio);
  const z = levelAndPower(input);
  if (effect === 0) return notEstimable('zero_effect');
  const spread = sdControl ** 2 + sdTreatment ** 2 / allocationRatio;
  return estimated(roundedUp(((z.level + z.power) / effect) ** 2 * spread, allocationRatio));
}

/**
 * Units per arm to detect a difference of rates, with the unpooled variance under the alternative and, for
 * `pooled`, the pooled variance under the null (what the pooled z test will use). Undefined for equal rates.
 */
export function sampleSizeProportions(
  input: DesignLevel & {
    readonly rateControl: number;
    readonly rateTreatment: number;
    readonly allocationRatio: number;
    readonly nullVariance: 'pooled' | 'unpooled';
  },
): Estimable<SampleSize> {
  const { allocationRatio: ratio } = input;
  const rateC = openUnit('rateControl', input.rateControl);
  const rateT = openUnit('rateTreatment', input.rateTreatment);
  positive('allocationRatio', ratio);
  const z = levelAndPower(input);
  if (rateC === rateT) return notEstimable('zero_effect');
  const alternative = rateC * (1 - rateC) + (rateT * (1 - rateT)) / ratio;
  const pooled = (rateC + ratio * rateT) / (1 + ratio);
  const underNull =
    input.nullVariance === 'pooled' ? pooled * (1 - pooled) * (1 + 1 / ratio) : alternative;
  const distance = z.level * Math.sqrt(underNull) + z.power * Math.sqrt(alternative);
  return estimated(roundedUp((distance / (rateT - rateC)) ** 2, ratio));
}

/** Smallest difference of means that n units per arm detect; undefined without units or variance. */
export function mdeMeans(
  input: DesignLevel & {
    readonly sdControl: number;
    readonly sdTreatment: number;
    readonly nControl: number;
    readonly nTreatment: number;
  },
): Estimable<number> {
  const { nControl, nTreatment } = input;
  nonNegative('sdControl', input.sdControl);
  nonNegative('sdTreatment', input.sdTreatment);
  count('nControl', nControl);
  count('nTreatment', nTreatment);
  const z = levelAndPower(input);
  if (nControl === 0 || nTreatment === 0) return notEstimable('insufficient_sample');
  const spread = input.sdControl ** 2 / nControl + input.sdTreatment ** 2 / nTreatment;
  if (spread === 0) return notEstimable('zero_variance');
  return estimated((z.level + z.power) * Math.sqrt(spread));
}

export interface MdeProportion {
  readonly treatmentRate: number;
  readonly mde: number;
  /** mde / control rate */
  readonly mdeRelative: number;
}

/**
 * Smallest treatment rate above the control's that n units per arm detect: the positive root d of
 * d^2 = (z_a + z_b)^2 (p_c q_c/n_c + p_t q_t/n_t) with p_t = p_c + d. Undefined when no rate below 1 does.
 */
export function mdeProportions(
  input: DesignLevel & {
    readonly rateControl: number;
    readonly nControl: number;
    readonly nTreatment: number;
  },
): Estimable<MdeProportion> {
  const { nControl, nTreatment } = input;
  const rate = openUnit('rateControl', input.rateControl);
  count('nControl', nControl);
  count('nTreatment', nTreatment);
  const z = levelAndPower(input);
  if (nControl === 0 || nTreatment === 0) return notEstimable('insufficient_sample');
  const squared = (z.level + z.power) ** 2;
  const a = 1 + squared / nTreatment;
  const b = (squared / nTreatment) * (1 - 2 * rate);
  const c = squared * rate * (1 - rate) * (1 / nControl + 1 / nTreatment);
  const mde = (b + Math.sqrt(b * b + 4 * a * c)) / (2 * a);
  if (rate + mde >= 1) return notEstimable('insufficient_sample');
  return estimated({ treatmentRate: rate + mde, mde, mdeRelative: mde / rate });
}

/** Power of a z test at a true effect; both tails count when sides = 2; one-sided tests look for effects > 0. */
export function powerZ(input: {
  readonly effect: number;
  readonly standardError: number;
  readonly alpha: number;
  readonly sides: Sides;
}): Estimable<number> {
  finite('effect', input.effect);
  nonNegative('standardError', input.standardError);
  openUnit('alpha', input.alpha);
  checkSides(input.sides);
  if (input.standardError === 0) return notEstimable('zero_variance');
  const drift = input.effect / input.standardError;
  const critical = normalUpperQuantile(input.alpha / input.sides);
  const upper = normalUpperTail(critical - drift);
  return estimated(input.sides === 2 ? upper + normalCdf(-critical - drift) : upper);
}

const QUADRATURE_STEPS = 2000;
/** e^-45 is below the last bit of the integral. */
const NEGLIGIBLE_LOG = 45;

/**
 * Power of the equal-variance two-sample t test (noncentral t). P(T > c) is the mean of P(Z > c u - delta)
 * over u = sqrt(chi^2/df), by the trapezoidal rule in w = ln u, which converges geometrically for such
 * integrands (Trefethen & Weideman 2014). Own code: jstat's noncentral t is 6e-8 off here.
 */
export function powerTwoSampleT(input: {
  readonly effect: number;
  readonly sd: number;
  readonly unitsPerArm: number;
  readonly alpha: number;
  readonly sides: Sides;
}): Estimable<number> {
  const { effect, unitsPerArm, alpha, sides } = input;
  finite('effect', effect);
  nonNegative('sd', input.sd);
  count('unitsPerArm', unitsPerArm);
  openUnit('alpha', alpha);
  checkSides(sides);
  if (unitsPerArm < 2) return notEstimable('insufficient_sample');
  if (input.sd === 0) return notEstimable('zero_variance');
  const df = 2 * unitsPerArm - 2;
  const delta = (effect / input.sd) * Math.sqrt(unitsPerArm / 2);
  const critical = studentUpperQuantile(alpha / sides, df);
  return estimated(
    meanOverChi(df, (u) => {
      const upper = normalUpperTail(critical * u - delta);
      return sides === 2 ? upper + normalCdf(-critical * u - delta) : upper;
    }),
  );
}

/** Mean of f(u) for u = sqrt(chi^2/df), df >= 2. */
function meanOverChi(df: number, f: (u: number) => number): number {
  const half = df / 2;
  const logPeak = Math.LN2 + Math.log(half) + logPoissonPoint(half, half);
  // The log-density falls by half (e^{2w} - 1 - 2w): quadratically at 0, linearly to the left.
  const from = -(NEGLIGIBLE_LOG / df + Math.sqrt(NEGLIGIBLE_LOG / df) + 0.5 / half);
  const to = 0.5 * Math.log1p((2 * NEGLIGIBLE_LOG) / df + 2 * Math.sqrt((2 * NEGLIGIBLE_LOG) / df));
  const step = (to - from) / QUADRATURE_STEPS;
  let sum = 0;
  for (let k = 0; k <= QUADRATURE_STEPS; k += 1) {
    const w = from + k * step;
    sum += Math.exp(logPeak - half * (Math.expm1(2 * w) - 2 * w)) * f(Math.exp(w));
  }
  return sum * step;
}
