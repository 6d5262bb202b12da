/** A number that was looked at again and again. */
export interface Sample {
  readonly atS: number;
  readonly value: number;
}

/** A straight line through samples, by least squares. */
export interface Fit {
  readonly mean: number;
  /** Per second. */
  readonly slope: number;
  /** The slope's standard error, for independent deviations. */
  readonly slopeError: number;
  /** Along the line, from the first sample to the last. */
  readonly growth: number;
}

/** How far the slope may be above 0 in standard errors; deviations of memory follow each other, so more than usual. */
const SIGNIFICANT = 3;
const FEWEST_SAMPLES = 8;

/**
 * @returns null for fewer than 8 samples, which say nothing about a slope
 * @see Draper & Smith, Applied Regression Analysis, 3rd ed., eq. 1.2.9 and 1.4.7
 */
export function fitOf(samples: readonly Sample[]): Fit | null {
  if (samples.length < FEWEST_SAMPLES) return null;
  const n = samples.length;
  const mean = samples.reduce((sum, { value }) => sum + value, 0) / n;
  const meanAt = samples.reduce((sum, { atS }) => sum + atS, 0) / n;
  let xx = 0;
  let xy = 0;
  for (const { atS, value } of samples) {
    xx += (atS - meanAt) ** 2;
    xy += (atS - meanAt) * (value - mean);
  }
  const slope = xy / xx;
  const residual = samples.reduce(
    (sum, { atS, value }) => sum + (value - mean - slope * (atS - meanAt)) ** 2,
    0,
  );
  const slopeError = Math.sqrt(residual / (n - 2) / xx);
  const lengthS = (samples.at(-1)?.atS ?? 0) - (samples[0]?.atS ?? 0);
  return { mean, slope, slopeError, growth: slope * lengthS };
}

/** Flat: the slope is not significantly positive, or the growth over all samples is within what is named noise. */
export function isFlat({ slope, slopeError, growth }: Fit, noise: number): boolean {
  return slope <= SIGNIFICANT * slopeError || growth <= noise;
}
