import type { FrozenDesign } from './experiment.js';

/**
 * Expected share of each variant among the units enrolled at a coverage; what sample-ratio tests compare with.
 *
 * A canary compares equal concurrent arms while c <= 0.5 (variant [0, c), control [1-c, 1)); above, the control is
 * the rest, so variant : control = c : 1-c, and at c = 1 there is no control left. An `ab` follows its weights.
 *
 * @param coverage share of units enrolled, in (0, 1]
 * @returns variant name → share in [0, 1]; the shares sum to 1 up to rounding
 */
export function sharesAt(
  design: Pick<FrozenDesign, 'kind' | 'variants'>,
  coverage: number,
): Readonly<Record<string, number>> {
  if (design.kind === 'canary') {
    const treated = coverage <= 0.5 ? 0.5 : coverage;
    return Object.fromEntries(
      design.variants.map(({ name, control }) => [name, control ? 1 - treated : treated]),
    );
  }
  const total = design.variants.reduce((sum, { weight }) => sum + weight, 0);
  return Object.fromEntries(design.variants.map(({ name, weight }) => [name, weight / total]));
}
