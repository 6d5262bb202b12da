import type { ReactNode } from 'react';
import type { Assessment, Design } from '../api/types.js';
import type { Cell } from '../charts/csv.js';
import {
  count,
  difference,
  level,
  percent,
  plain,
  pValue,
  roundPercent,
  value,
} from '../format/number.js';
import { Chip } from '../parts/chip.js';
import { ExportMenu } from '../parts/export-menu.js';
import { Figure } from '../parts/figure.js';
import { Section } from '../parts/section.js';
import { SmallTable } from '../parts/small-table.js';
import { PairCharts } from './pair-charts.js';

type Paired = NonNullable<Assessment['paired']>;
type Output = Paired['outputs'][number];

const SOURCE = 'report#/assessment/paired';

interface ShadowSectionProps {
  readonly paired: Paired;
  readonly id: string;
  readonly name: string;
  readonly design: Design;
}

/** What a shadow shows besides its metrics: which requests were compared, how far the answers agree, how fast. */
export function ShadowSection({ paired, id, name, design }: ShadowSectionProps): ReactNode {
  return (
    <Section
      id="shadow"
      title="Side by side, on the same requests"
      lead="Each request that both versions answered is a pair. A shadow cannot show how people react to its answers."
    >
      <div className="columns">
        <Copies paired={paired} name={name} />
        <Latency latency={paired.latency} name={name} />
      </div>
      <PairCharts id={id} name={name} design={design} />
      {paired.outputs.map((output, index) => (
        <Agreement key={output.output} output={output} source={`${SOURCE}/outputs/${index}`} />
      ))}
    </Section>
  );
}

function Copies({ paired, name }: Pick<ShadowSectionProps, 'paired' | 'name'>): ReactNode {
  const drops = Object.entries(paired.dropped);
  const asked = paired.sent + drops.reduce((sum, [, number]) => sum + number, 0);
  const rows: readonly (readonly [string, number, string])[] = [
    ['copies sent', paired.sent, 'sent'],
    ['answered by both', paired.answered, 'answered'],
    ['only the shadow failed', paired.shadowFailed, 'shadowFailed'],
    ['only the control failed', paired.primaryFailed, 'primaryFailed'],
    ['both failed', paired.bothFailed, 'bothFailed'],
    ...drops.map(
      ([reason, number]) =>
        [`not copied (${reason.replaceAll('_', ' ')})`, number, `dropped/${reason}`] as const,
    ),
  ];
  return (
    <div>
      <div className="small-head">
        <h3>What became of the copies</h3>
        <ExportMenu
          name={`${name}-copies`}
          rows={() => [['copies', 'requests', 'field'], ...rows]}
        />
      </div>
      <SmallTable
        columns={[
          { title: 'Of the requests' },
          { title: 'Requests', isNumber: true },
          { title: 'Share', isNumber: true },
        ]}
        rows={rows.map(([what, number, field]) => ({
          key: field,
          cells: [
            what,
            <Figure
              key="number"
              value={number}
              text={count(number)}
              source={`${SOURCE}/${field}`}
            />,
            <span key="share" className="muted">
              {percent(asked === 0 ? null : number / asked)}
            </span>,
          ],
        }))}
      />
    </div>
  );
}

function Latency({ latency, name }: Pick<Paired, 'latency'> & { name: string }): ReactNode {
  if (latency.length === 0) return null;
  const rows = (): readonly (readonly Cell[])[] => [
    ['level', 'control_ms', 'shadow_ms', 'difference_ms'],
    ...latency.map(({ level: at, primary, shadow, difference: between }) => [
      ...[at, primary, shadow, between],
    ]),
  ];
  return (
    <div>
      <div className="small-head">
        <h3>Latency, request by request</h3>
        <ExportMenu name={`${name}-latency`} rows={rows} />
      </div>
      <SmallTable
        columns={[
          { title: 'Quantile' },
          { title: 'Control', isNumber: true },
          { title: 'Shadow', isNumber: true },
          { title: 'Of the differences', isNumber: true },
        ]}
        rows={latency.map((of, index) => ({
          key: String(of.level),
          cells: [
            roundPercent(of.level),
            ...(['primary', 'shadow', 'difference'] as const).map((side) => (
              <Figure
                key={side}
                value={of[side]}
                text={(side === 'difference' ? difference : value)(of[side], 'milliseconds')}
                source={`${SOURCE}/latency/${index}/${side}`}
              />
            )),
          ],
        }))}
      />
      <p className="muted">For display: nothing is decided on quantiles.</p>
    </div>
  );
}

function Agreement({
  output,
  source,
}: {
  readonly output: Output;
  readonly source: string;
}): ReactNode {
  const { agreement, kappa, drift } = output;
  return (
    <div className="agreement">
      <h3>
        Answers, <code>{output.output}</code>
      </h3>
      <p>
        {agreement !== null && (
          <>
            The same for{' '}
            <strong>
              <Figure
                value={agreement.estimate}
                text={percent(agreement.estimate)}
                source={`${source}/agreement/estimate`}
              />
            </strong>{' '}
            of <Figure value={output.units} text={count(output.units)} source={`${source}/units`} />{' '}
            units{' '}
            <span className="muted">
              ({percent(agreement.lower)} to {percent(agreement.upper)})
            </span>
            .{' '}
          </>
        )}
        {kappa !== null && (
          <>
            Beyond chance, Cohen’s kappa is{' '}
            <strong>
              <Figure
                value={kappa.estimate}
                text={plain(kappa.estimate)}
                source={`${source}/kappa/estimate`}
              />
            </strong>{' '}
            <span className="muted">
              ({plain(kappa.lower)} to {plain(kappa.upper)})
            </span>
            .
          </>
        )}
      </p>
      <Histogram histogram={output.histogram} source={`${source}/histogram`} />
      {drift !== null && (
        <p className="muted">
          <Chip tone={drift.isBeyond ? 'caution' : 'good'}>
            {drift.isBeyond ? 'The distributions differ' : 'The distributions agree'}
          </Chip>{' '}
          Jensen–Shannon distance {plain(drift.distance)}, threshold {plain(drift.threshold)};{' '}
          {pValue(drift.pValue)} of {count(drift.permutations)} permutations, level{' '}
          {level(drift.level)}.
        </p>
      )}
    </div>
  );
}

const BAR = 100;

/** More categories than these are a distribution, which the pictures above show better. */
const MANY_CATEGORIES = 8;

/** Units per category, the control above and the shadow below. */
function Histogram({
  histogram,
  source,
}: {
  readonly histogram: Output['histogram'];
  readonly source: string;
}): ReactNode {
  const largest = Math.max(1, ...histogram.flatMap(({ primary, shadow }) => [primary, shadow]));
  const table = (
    <SmallTable
      label="Units per answer"
      columns={[
        { title: 'Answer' },
        { title: 'Control', isNumber: true },
        { title: 'Shadow', isNumber: true },
        { title: 'Units', className: 'interval-cell' },
      ]}
      rows={histogram.map(({ category, primary, shadow }, index) => ({
        key: category,
        cells: [
          category,
          <Figure
            key="control"
            value={primary}
            text={count(primary)}
            source={`${source}/${index}/primary`}
          />,
          <Figure
            key="shadow"
            value={shadow}
            text={count(shadow)}
            source={`${source}/${index}/shadow`}
          />,
          <PairBars key="bars" primary={primary / largest} shadow={shadow / largest} />,
        ],
      }))}
    />
  );
  if (histogram.length <= MANY_CATEGORIES) return table;
  return (
    <details className="below-table">
      <summary>Units in each of {histogram.length} categories</summary>
      {table}
    </details>
  );
}

function PairBars({
  primary,
  shadow,
}: {
  readonly primary: number;
  readonly shadow: number;
}): ReactNode {
  return (
    <svg
      className="pair-bars"
      viewBox={`0 0 ${BAR} 12`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <rect className="share-control" width={primary * BAR} height={5} />
      <rect className="share-variant" y={6} width={shadow * BAR} height={5} />
    </svg>
  );
}
