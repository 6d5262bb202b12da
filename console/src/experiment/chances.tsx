import type { ReactNode } from 'react';
import type { Design, Report } from '../api/types.js';
import { difference, lift, percent } from '../format/number.js';
import { Figure } from '../parts/figure.js';
import { SmallTable } from '../parts/small-table.js';
import { unitIn } from './metric-units.js';

const SOURCE = 'report#/display/bayesian';

/** The same evidence as chances, for those who think in them. Shown, never decided on. */
export function Chances({
  report,
  design,
}: {
  readonly report: Report;
  readonly design: Design;
}): ReactNode {
  const { bayesian } = report.display;
  if (bayesian.length === 0) return null;
  const hasMany = design.variants.length > 2;
  return (
    <details className="below-table">
      <summary>The same as chances (Bayesian; for display, decides nothing)</summary>
      <SmallTable
        label="Chances"
        columns={[
          { title: 'Metric' },
          { title: 'Chance that the variant is better', isNumber: true },
          { title: 'Lift', isNumber: true },
          { title: 'Loss if it is worse, expected', isNumber: true },
        ]}
        rows={bayesian.map(({ metric, variant, chanceToWin, expectedLoss, lift: of }, index) => ({
          key: `${metric} ${variant}`,
          cells: [
            hasMany ? `${metric}, ${variant}` : metric,
            <Figure
              key="chance"
              value={chanceToWin}
              text={chance(chanceToWin)}
              source={`${SOURCE}/${index}/chanceToWin`}
            />,
            <span key="lift" title={`${lift(of.lower)} to ${lift(of.upper)}`}>
              <Figure
                value={of.mean}
                text={lift(of.mean)}
                source={`${SOURCE}/${index}/lift/mean`}
              />
            </span>,
            <Figure
              key="loss"
              value={expectedLoss}
              text={difference(expectedLoss, unitIn(design, metric))}
              source={`${SOURCE}/${index}/expectedLoss`}
            />,
          ],
        }))}
      />
    </details>
  );
}

/** Nothing is certain: neither 0 % nor 100 % is written. */
function chance(probability: number): string {
  if (probability > 0.999 && probability < 1) return '> 99.9\u202f%';
  if (probability < 0.001 && probability > 0) return '< 0.1\u202f%';
  return percent(probability);
}
