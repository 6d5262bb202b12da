import { type ReactNode, useRef } from 'react';
import type { Assessment } from '../api/types.js';
import { PeriodChart } from '../charts/period-chart.js';
import type { Cell } from '../charts/csv.js';
import { count, lift, roundPercent } from '../format/number.js';
import { moment } from '../format/time.js';
import { ExportMenu } from '../parts/export-menu.js';
import { Picker } from '../parts/picker.js';
import { Section } from '../parts/section.js';
import { useParameter } from '../router/route.js';

type Holdout = NonNullable<Assessment['holdout']>;

/** What everything that was shipped since has brought, period by period, with the promotions between them. */
export function HoldoutSection({
  holdout,
  name,
}: {
  readonly holdout: Holdout;
  readonly name: string;
}): ReactNode {
  const chart = useRef<SVGSVGElement>(null);
  const metrics = [
    ...new Set(holdout.periods.flatMap((period) => period.metrics.map(({ metric }) => metric))),
  ];
  const wanted = useParameter('period-metric');
  const shown = metrics.find((metric) => metric === wanted) ?? metrics[0];
  return (
    <Section
      id="holdout"
      title="Period by period"
      lead={`${roundPercent(holdout.share)} of the units stay on ${holdout.version}. Each period stands by itself: the units that were seen in it, and what they did in it. Triangles are promotions.`}
      tools={
        shown !== undefined && (
          <>
            <Picker label="Metric" parameter="period-metric" options={metrics} shown={shown} />
            <ExportMenu
              name={`${name}-periods-${shown}`}
              rows={() => rowsOf(holdout, shown)}
              chart={chart}
            />
          </>
        )
      }
    >
      {holdout.warnings.map(({ metric, promotion, before, after }) => (
        <p key={`${metric} ${promotion.atMs}`} className="failure" role="alert">
          The lift of {metric} fell after {promotion.version} was promoted: {lift(before.estimate)}{' '}
          before, {lift(after.estimate)} after.
        </p>
      ))}
      {shown === undefined ? (
        <p className="muted">No period has figures yet.</p>
      ) : (
        <PeriodChart svg={chart} holdout={holdout} metric={shown} />
      )}
      <Promotions promotions={holdout.promotions} />
    </Section>
  );
}

function Promotions({ promotions }: { readonly promotions: Holdout['promotions'] }): ReactNode {
  if (promotions.length === 0) return <p className="muted">Nothing was promoted since it began.</p>;
  return (
    <ul className="plain-list">
      {promotions.map(({ previous, version, atMs }) => (
        <li key={atMs}>
          <span className="muted">{moment(atMs)}</span> {version} took over from{' '}
          {previous ?? 'nothing'}
        </li>
      ))}
    </ul>
  );
}

function rowsOf(holdout: Holdout, wanted: string): readonly (readonly Cell[])[] {
  const head = ['period', 'from', 'to', 'final', 'units', 'lift', 'lower', 'upper'];
  const rows = holdout.periods.flatMap(
    ({ period, startedAtMs, endedAtMs, isFinal, units, metrics }) =>
      metrics
        .filter(({ metric }) => metric === wanted)
        .map(({ lift: found }): readonly Cell[] => [
          ...[period, new Date(startedAtMs).toISOString()],
          endedAtMs === null ? null : new Date(endedAtMs).toISOString(),
          ...[String(isFinal), count(units.reduce((sum, arm) => sum + arm.units, 0))],
          ...[found?.estimate ?? null, found?.lower ?? null, found?.upper ?? null],
        ]),
  );
  return [head, ...rows];
}
