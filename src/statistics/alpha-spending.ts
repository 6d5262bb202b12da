import { finite, positive, refuse } from './estimable.js';
import { normalUpperQuantile, normalUpperTail } from './numerics.js';
import type { Sides } from './power.js';

/** How the type I error is spent over information time (Lan & DeMets 1983). */
export type SpendingFunction =
  | { readonly kind: 'pocock' | 'obrien_fleming' }
  | { readonly kind: 'power'; readonly exponent: number }
  | { readonly kind: 'hwang_shih_decani'; readonly gamma: number };

/**
 * Cumulative error spent at information fraction t in (0, 1], alpha at t = 1.
 * - pocock: alpha ln(1 + (e - 1) t), Lan & DeMets (1983)
 * - obrien_fleming: s 2 (1 - Phi(z_{1 - alpha/(2 s)}/sqrt t)) with s = sides, Lan & DeMets (1983)
 * - power: alpha t^exponent, exponent > 0, Kim & DeMets (1987)
 * - hwang_shih_decani: alpha (1 - e^(-gamma t))/(1 - e^(-gamma)), alpha t for gamma = 0, Hwang, Shih & De Cani (1990)
 */
export function alphaSpent(
  spending: SpendingFunction,
  { alpha, sides, time }: { readonly alpha: number; readonly sides: Sides; readonly time: number },
): number {
  switch (spending.kind) {
    case 'pocock':
      return alpha * Math.log1p((Math.E - 1) * time);
    case 'obrien_fleming': {
      if (time === 1) return alpha;
      const z = normalUpperQuantile(alpha / (2 * sides)) / Math.sqrt(time);
      return 2 * sides * normalUpperTail(z);
    }
    case 'power':
      return alpha * time ** positive('exponent', spending.exponent);
    case 'hwang_shih_decani':
      return alpha * exponentialShare(finite('gamma', spending.gamma), time);
    default: {
      // From JSON it may be anything, whatever its type says.
      const { kind } = spending as { kind: unknown };
      return refuse('spending', kind, 'pocock, obrien_fleming, power or hwang_shih_decani');
    }
  }
}

/** (1 - e^(-gamma t))/(1 - e^(-gamma)), without overflow for gamma far below 0. */
function exponentialShare(gamma: number, time: number): number {
  if (gamma === 0) return time;
  const share = Math.expm1(-Math.abs(gamma) * time) / Math.expm1(-Math.abs(gamma));
  return gamma > 0 ? share : Math.exp(gamma * (1 - time)) * share;
}
