import type { ReactNode } from 'react';
import type { Assessment } from '../api/types.js';
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
import { Figure } from '../parts/figure.js';
import { Section } from '../parts/section.js';

type Paired = NonNullable<Assessment['paired']>;
type Output = Paired['outputs'][number];

const SOURCE = 'report#/assessment/paired';

/** What a shadow shows besides its metrics: which requests were compared, how far the answers agree, how fast. */
export function ShadowSection({ paired }: { readonly paired: Paired }): ReactNode {
  return (
    <Section
      id="shadow"
      title="Side by side, on the same requests"
      lead="Each request that both versions answered is a pair. A shadow cannot show how people react to its answers."
    >
      <div className="columns">
        <Copies paired={paired} />
        <Latency latency={paired.latency} />
      </div>
      {paired.outputs.map((output, index) => (
        <Agreement key={output.output} output={output} source={`${SOURCE}/outputs/${index}`} />
      ))}
    </Section>
  );
}

function Copies({ paired }: { readonly paired: Paired }): ReactNode {
  const rows = [
    ['copies sent', paired.sent, 'sent'],
    ['answered by both', paired.answered, 'answered'],
    ['only the shadow failed', paired.shadowFailed, 'shadowFailed'],
    ['only the control failed', paired.primaryFailed, 'primaryFailed'],
    ['both failed', paired.bothFailed, 'bothFailed'],
  ] as const;
  return (
    <div>
      <h3>Copies</h3>
      <table className="small-table">
        <tbody>
          {rows.map(([name, number, field]) => (
            <tr key={field}>
              <th scope="row">{name}</th>
              <td className="number">
                <Figure value={number} text={count(number)} source={`${SOURCE}/${field}`} />
              </td>
            </tr>
          ))}
          {Object.entries(paired.dropped).map(([reason, number]) => (
            <tr key={reason}>
              <th scope="row">
                not copied <span className="muted">({reason})</span>
              </th>
              <td className="number">
                <Figure
                  value={number}
                  text={count(number)}
                  source={`${SOURCE}/dropped/${reason}`}
                />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Latency({ latency }: { readonly latency: Paired['latency'] }): ReactNode {
  if (latency.length === 0) return null;
  return (
    <div>
      <h3>Latency, request by request</h3>
      <table className="small-table">
        <thead>
          <tr>
            <th scope="col">Level</th>
            <th scope="col" className="number">
              Control
            </th>
            <th scope="col" className="number">
              Shadow
            </th>
            <th scope="col" className="number">
              Of the differences
            </th>
          </tr>
        </thead>
        <tbody>
          {latency.map(({ level: at, primary, shadow, difference: between }, index) => (
            <tr key={at}>
              <th scope="row">{roundPercent(at)}</th>
              <td className="number">
                <Figure
                  value={primary}
                  text={value(primary, 'milliseconds')}
                  source={`${SOURCE}/latency/${index}/primary`}
                />
              </td>
              <td className="number">
                <Figure
                  value={shadow}
                  text={value(shadow, 'milliseconds')}
                  source={`${SOURCE}/latency/${index}/shadow`}
                />
              </td>
              <td className="number">
                <Figure
                  value={between}
                  text={difference(between, 'milliseconds')}
                  source={`${SOURCE}/latency/${index}/difference`}
                />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
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
      <Histogram histogram={output.histogram} />
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

/** Units per category, the control above and the shadow below. */
function Histogram({ histogram }: { readonly histogram: Output['histogram'] }): ReactNode {
  const largest = Math.max(1, ...histogram.flatMap(({ primary, shadow }) => [primary, shadow]));
  return (
    <div className="table-frame" tabIndex={0} role="region" aria-label="Units per answer">
      <table className="small-table">
        <thead>
          <tr>
            <th scope="col">Answer</th>
            <th scope="col" className="number">
              Control
            </th>
            <th scope="col" className="number">
              Shadow
            </th>
            <th scope="col" className="interval-cell">
              Units
            </th>
          </tr>
        </thead>
        <tbody>
          {histogram.map(({ category, primary, shadow }) => (
            <tr key={category}>
              <th scope="row">{category}</th>
              <td className="number">{count(primary)}</td>
              <td className="number">{count(shadow)}</td>
              <td>
                <svg
                  className="pair-bars"
                  viewBox={`0 0 ${BAR} 12`}
                  preserveAspectRatio="none"
                  aria-hidden="true"
                >
                  <rect className="share-control" width={(primary / largest) * BAR} height={5} />
                  <rect
                    className="share-variant"
                    y={6}
                    width={(shadow / largest) * BAR}
                    height={5}
                  />
                </svg>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
