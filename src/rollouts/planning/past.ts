import {
  mergePairedMoments,
  NO_PAIRED_MOMENTS,
  type PairedMoments,
} from '../../statistics/moments.js';
import { chiSquare, normal, type Random } from './random.js';

/**
 * Moments of n units whose value y and whose past x (mean 0, variance 1, returned as d) are normal with a correlation r:
 * y = mean + deviation (r x + sqrt(1 - r^2) e). Means and the scatter matrix of (x, e) are independent; the latter is
 * Wishart with n - 1 degrees of freedom, drawn by Bartlett's decomposition (1933).
 */
export function valuesWithPast(
  random: Random,
  model: {
    readonly mean: number;
    readonly standardDeviation: number;
    readonly correlation: number;
  },
  n: number,
): PairedMoments {
  const { mean, standardDeviation: deviation, correlation: r } = model;
  const rest = Math.sqrt(1 - r ** 2);
  const meanX = normal(random) / Math.sqrt(n);
  const meanE = normal(random) / Math.sqrt(n);
  const sxx = chiSquare(random, n - 1);
  const along = n > 1 ? normal(random) : 0;
  const sxe = Math.sqrt(sxx) * along;
  const see = along ** 2 + chiSquare(random, Math.max(0, n - 2));
  return {
    n,
    meanY: mean + deviation * (r * meanX + rest * meanE),
    m2Y: deviation ** 2 * (r ** 2 * sxx + 2 * r * rest * sxe + rest ** 2 * see),
    meanD: meanX,
    m2D: sxx,
    coMoment: deviation * (r * sxx + rest * sxe),
  };
}

/**
 * The same for units with and without an event: inside each of the two groups the past is normal with variance
 * 1 - r^2, and the groups are so far apart that its correlation with the event is r, its mean 0 and its variance 1.
 */
export function eventsWithPast(
  random: Random,
  { share, correlation: r }: { readonly share: number; readonly correlation: number },
  { affected, others }: { readonly affected: number; readonly others: number },
): PairedMoments {
  const spread = Math.sqrt(share * (1 - share));
  const shift = spread > 0 ? r / spread : 0;
  const group = (y: 0 | 1, n: number): PairedMoments => {
    if (n === 0) return NO_PAIRED_MOMENTS;
    const meanD = shift * (y - share) + (Math.sqrt(1 - r ** 2) * normal(random)) / Math.sqrt(n);
    const m2D = (1 - r ** 2) * chiSquare(random, n - 1);
    return { n, meanY: y, m2Y: 0, meanD, m2D, coMoment: 0 };
  };
  return mergePairedMoments(group(1, affected), group(0, others));
}
