import type { ReactNode } from 'react';
import type { Assessment } from '../api/types.js';
import { count, percent, pValue, roundPercent } from '../format/number.js';
import { Chip } from '../parts/chip.js';
import { Figure } from '../parts/figure.js';
import { SmallTable } from '../parts/small-table.js';

type Limit = NonNullable<Assessment['limits']>[number];

const WORDS: Readonly<Record<Limit['kind'], string>> = {
  errorRate: 'errors',
  timeoutRate: 'time-outs',
};

const SOURCE = 'report#/assessment/limits';

/** Shares that no variant may exceed, whatever the control does. */
export function FailureLimits({ limits }: { readonly limits: readonly Limit[] }): ReactNode {
  if (limits.length === 0) return null;
  return (
    <div>
      <h3>Hard limits</h3>
      <SmallTable
        columns={[
          { title: 'Units with' },
          { title: 'Share', isNumber: true },
          { title: 'Limit', isNumber: true },
          { title: 'Above it?', isNumber: true },
        ]}
        rows={limits.map((of, index) => ({
          key: `${of.variant} ${of.kind}`,
          cells: [
            <>
              {WORDS[of.kind]} <span className="muted">({of.variant})</span>
            </>,
            <span key="share" title={`${count(of.failedUnits)} of ${count(of.units)} units`}>
              <Figure
                value={of.share}
                text={percent(of.share)}
                source={`${SOURCE}/${index}/share`}
              />
            </span>,
            roundPercent(of.limit),
            of.exceeded ? (
              <Chip key="exceeded" tone="bad">
                exceeded
              </Chip>
            ) : (
              <Figure
                key="p"
                value={of.pValue}
                text={pValue(of.pValue)}
                source={`${SOURCE}/${index}/pValue`}
              />
            ),
          ],
        }))}
      />
    </div>
  );
}
