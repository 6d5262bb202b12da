import type { SpendingFunction } from '../../src/statistics/alpha-spending.js';
import {
  classicalBoundaries,
  groupSequentialPower,
  type SpendingDesign,
  spendingBoundaries,
} from '../../src/statistics/group-sequential.js';
import type { Sides } from '../../src/statistics/power.js';
import type { Operation } from './compare.js';

interface SpendingCase {
  readonly spending_function: SpendingFunction['kind'];
  readonly parameter?: number;
  readonly information_fractions: readonly number[];
  readonly alpha: number;
  readonly sides: Sides;
}

function spendingDesign(input: SpendingCase): SpendingDesign {
  const { information_fractions: informationFractions, alpha, sides } = input;
  return { spending: spendingFunction(input), informationFractions, alpha, sides };
}

function spendingFunction({ spending_function: kind, parameter }: SpendingCase): SpendingFunction {
  if (kind === 'power') return { kind, exponent: parameter ?? Number.NaN };
  if (kind === 'hwang_shih_decani') return { kind, gamma: parameter ?? Number.NaN };
  return { kind };
}

/** Family group-sequential. */
export const groupSequentialOperations: Readonly<Record<string, Operation>> = {
  alpha_spending_boundaries: (input: SpendingCase) => {
    const looks = spendingBoundaries(spendingDesign(input));
    return {
      cumulative_alpha_spent: looks.map(({ alphaSpent }) => alphaSpent),
      critical_values: looks.map(({ criticalValue }) => criticalValue),
      nominal_p: looks.map(({ nominalP }) => nominalP),
    };
  },
  classical_boundaries: (input: Parameters<typeof classicalBoundaries>[0]) => {
    const { constant, criticalValues } = classicalBoundaries(input);
    return { constant, critical_values: criticalValues };
  },
  group_sequential_power: (input: SpendingCase & { readonly drift: number }) => ({
    power: groupSequentialPower({ ...spendingDesign(input), drift: input.drift }),
  }),
};
