import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { logGammaTails } from '../../src/statistics/incomplete-gamma.js';
import {
  logBeta,
  logNormalUpperTail,
  logRegularisedBeta,
  logStudentUpperTail,
} from '../../src/statistics/numerics.js';
import { deviance, stirlingError } from '../../src/statistics/saddle-point.js';

type Point = readonly [name: string, args: readonly [number, number, number], want: number];

// Random points with shapes from 0.01 to 3e6, degrees of freedom to 3e9 and tails to e^-1800, computed with
// mpmath at 50 to 60 digits; own code is held to the log scale, where p-values below 1e-300 live.
const { points } = JSON.parse(
  readFileSync(new URL('special-functions/points.json', import.meta.url), 'utf8'),
) as { readonly points: readonly Point[] };

const functions: Readonly<Record<string, (x: number, y: number, z: number) => number>> = {
  log_beta_lower: (x, a, b) => logRegularisedBeta(x, a, b).logLower,
  log_beta_upper: (x, a, b) => logRegularisedBeta(x, a, b).logUpper,
  log_student_upper: logStudentUpperTail,
  log_gamma_lower: (a, x) => logGammaTails(a, x).logLower,
  log_gamma_upper: (a, x) => logGammaTails(a, x).logUpper,
  log_normal_upper: logNormalUpperTail,
  log_beta: logBeta,
  deviance,
  stirling_error: stirlingError,
};

describe.each(Object.keys(functions))('%s', (name) => {
  const own = points.filter((point) => point[0] === name);

  it('has points to be held against', () => {
    expect(own.length).toBeGreaterThanOrEqual(20);
  });

  it('agrees with 50-digit arithmetic to 2e-12', () => {
    for (const [, args, want] of own) {
      const got = functions[name]?.(...args) ?? Number.NaN;
      // A logarithm near 0 belongs to a tail near 1, whose own relative error is what counts.
      const scale = /^log_(?!beta$)/.test(name) ? Math.max(1, Math.abs(want)) : Math.abs(want);
      expect(Math.abs(got - want) / scale, `${name}(${args.join(', ')})`).toBeLessThan(2e-12);
    }
  });
});
