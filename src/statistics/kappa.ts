import type { Interval } from './assessment.js';
import { count, type Estimable, estimated, notEstimable, openUnit, refuse } from './estimable.js';
import { normalUpperQuantile } from './numerics.js';

export interface Kappa extends Interval {
  readonly agreement: number;
  readonly expectedAgreement: number;
  readonly kappa: number;
  readonly standardError: number;
}

/**
 * Cohen's kappa of a square table of counts (rows: control's class, columns: treatment's) with the standard
 * error of Fleiss, Cohen & Everitt (1969). Undefined without units, or when chance alone agrees always.
 */
export function cohenKappa(input: {
  readonly table: readonly (readonly number[])[];
  readonly alpha: number;
}): Estimable<Kappa> {
  const z = normalUpperQuantile(openUnit('alpha', input.alpha) / 2);
  const { table } = input;
  for (const row of table) {
    if (row.length !== table.length) refuse('table', table, 'as many columns as rows');
    for (const cell of row) count('table', cell);
  }
  const total = table.flat().reduce((sum, cell) => sum + cell, 0);
  if (total === 0) return notEstimable('insufficient_sample');
  const shares = table.map((row) => row.map((cell) => cell / total));
  const rows = shares.map((row) => row.reduce((sum, share) => sum + share, 0));
  const columns = rows.map((_share, index) =>
    shares.reduce((sum, row) => sum + (row[index] ?? 0), 0),
  );
  const agreement = shares.reduce((sum, row, index) => sum + (row[index] ?? 0), 0);
  const expected = rows.reduce((sum, share, index) => sum + share * (columns[index] ?? 0), 0);
  if (expected >= 1) return notEstimable('zero_variance');
  const kappa = (agreement - expected) / (1 - expected);
  const spread = fleissSpread({ shares, rows, columns, kappa, expected });
  const standardError = Math.sqrt(spread / total) / (1 - expected);
  return estimated({
    agreement,
    expectedAgreement: expected,
    kappa,
    standardError,
    lower: kappa - z * standardError,
    upper: kappa + z * standardError,
  });
}

interface KappaTable {
  readonly shares: readonly (readonly number[])[];
  readonly rows: readonly number[];
  readonly columns: readonly number[];
  readonly kappa: number;
  readonly expected: number;
}

function fleissSpread({ shares, rows, columns, kappa, expected }: KappaTable): number {
  let sum = -((kappa - expected * (1 - kappa)) ** 2);
  for (const [i, row] of shares.entries()) {
    for (const [j, share] of row.entries()) {
      const margins =
        i === j ? (rows[i] ?? 0) + (columns[i] ?? 0) : (columns[i] ?? 0) + (rows[j] ?? 0);
      const weight = (i === j ? 1 : 0) - margins * (1 - kappa);
      sum += share * weight * weight;
    }
  }
  // A variance; perfect agreement leaves rounding of either sign around 0.
  return sum > 0 ? sum : 0;
}
