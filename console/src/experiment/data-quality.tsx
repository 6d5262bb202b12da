import type { ReactNode } from 'react';
import type { Assessment, Design, RuleOutcome, Served } from '../api/types.js';
import type { Cell } from '../charts/csv.js';
import type { Resource } from '../data/resource.js';
import { count, level, lift, percent, pValue } from '../format/number.js';
import { Chip } from '../parts/chip.js';
import { Figure } from '../parts/figure.js';
import { SmallTable } from '../parts/small-table.js';
import { Shown } from '../parts/states.js';
import { FailureLimits } from './failure-limits.js';

type Quality = Assessment['quality'];

/** Whether the figures above may be believed. */
export function DataQuality({
  rules,
  quality,
  limits,
  design,
  served,
}: {
  /** What the policy says of the data, among others. */
  readonly rules: readonly RuleOutcome[];
  readonly quality: Quality;
  readonly limits: Assessment['limits'];
  readonly design: Design;
  readonly served: Resource<Served>;
}): ReactNode {
  return (
    <>
      <QualityBanner quality={quality} design={design} rules={rules} />
      {quality.sampleRatio.arms.length > 0 && <SampleRatio ratio={quality.sampleRatio} />}
      {limits !== undefined && <FailureLimits limits={limits} />}
      {design.kind !== 'shadow' && (
        <Shown of={served} what="requests by version" lines={4}>
          {(data) => <ServedMatrix served={data} design={design} />}
        </Shown>
      )}
    </>
  );
}

/** What is wrong with the data, in words; one calm line when nothing is. */
function QualityBanner({
  rules,
  quality,
  design,
}: {
  readonly rules: readonly RuleOutcome[];
  readonly quality: Quality;
  readonly design: Design;
}): ReactNode {
  const { sampleRatio, crossoverAlarm, crossoverUnits, crossoverShare, droppedEvents, caughtUp } =
    quality;
  const defects = [
    ...(sampleRatio.mismatch ? ['The split is not what chance would make of the plan.'] : []),
    ...(crossoverAlarm ? ['Too many units met two variants.'] : []),
    ...(droppedEvents > 0 ? [`${count(droppedEvents)} events could not be written down.`] : []),
    ...(caughtUp ? [] : ['Events that have arrived are still being counted.']),
    ...doubtsIn(rules),
    ...(design.unitIsRequest
      ? ['Every request is its own unit: repeat users void the error bounds.']
      : []),
  ];
  return (
    <div
      className={`quality ${defects.length === 0 ? 'quality-good' : 'quality-bad'}`}
      role={defects.length > 0 ? 'alert' : undefined}
    >
      <Chip tone={defects.length === 0 ? 'good' : 'bad'}>
        {defects.length === 0 ? 'The data can be trusted' : 'Do not trust these figures yet'}
      </Chip>
      <span>
        {defects.length > 0 ? `${defects.join(' ')} ` : ''}
        Units in two variants:{' '}
        <Figure
          value={crossoverUnits}
          text={count(crossoverUnits)}
          source="report#/assessment/quality/crossoverUnits"
        />{' '}
        (
        <Figure
          value={crossoverShare}
          text={percent(crossoverShare)}
          source="report#/assessment/quality/crossoverShare"
        />
        ). Lost events:{' '}
        <Figure
          value={droppedEvents}
          text={count(droppedEvents)}
          source="report#/assessment/quality/droppedEvents"
        />
        .
      </span>
    </div>
  );
}

/** Rules about the data that hold for a reason of their own: copies of a shadow, the health of the control. */
function doubtsIn(rules: readonly RuleOutcome[]): readonly string[] {
  return rules
    .filter(({ rule, outcome, numbers }) => {
      const isOwn =
        rule === 'control_health' || (rule === 'completeness' && !('droppedEvents' in numbers));
      return isOwn && outcome === 'hold';
    })
    .map(({ text }) => `${text}.`);
}

function SampleRatio({ ratio }: { readonly ratio: Quality['sampleRatio'] }): ReactNode {
  const source = 'report#/assessment/quality/sampleRatio';
  return (
    <div>
      <h3>Sample ratio</h3>
      <SmallTable
        columns={[
          { title: 'Arm' },
          { title: 'Units', isNumber: true },
          { title: 'Expected', isNumber: true },
          { title: 'Off by', isNumber: true },
        ]}
        rows={ratio.arms.map(({ variant, units, expected }, index) => ({
          key: variant,
          cells: [
            variant,
            <Figure
              key="units"
              value={units}
              text={count(units)}
              source={`${source}/arms/${index}/units`}
            />,
            <Figure
              key="expected"
              value={expected}
              text={expected.toFixed(1)}
              source={`${source}/arms/${index}/expected`}
            />,
            <span key="off" className="muted">
              {lift(expected === 0 ? null : units / expected - 1)}
            </span>,
          ],
        }))}
      />
      <p className="muted">
        <Figure
          value={ratio.runningPValue}
          text={pValue(ratio.runningPValue)}
          source={`${source}/runningPValue`}
        />{' '}
        over all looks; alarm below{' '}
        <Figure value={ratio.alpha} text={level(ratio.alpha)} source={`${source}/alpha`} />
      </p>
    </div>
  );
}

function ServedMatrix({
  served,
  design,
}: {
  readonly served: Served;
  readonly design: Design;
}): ReactNode {
  const versions = [...new Set(served.cells.map((cell) => cell.served))].sort();
  if (versions.length === 0) {
    return (
      <div>
        <h3>Assigned and served</h3>
        <p className="muted">No request has been answered yet.</p>
      </div>
    );
  }
  return (
    <div>
      <h3>Assigned and served</h3>
      <table className="small-table">
        <thead>
          <tr>
            <th scope="col">Requests of</th>
            {versions.map((version) => (
              <th key={version} scope="col" className="number">
                by {version}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {design.variants.map(({ name, version }) => (
            <tr key={name}>
              <th scope="row">
                {name} {design.kind !== 'holdout' && <span className="muted">({version})</span>}
              </th>
              {versions.map((by) => (
                <ServedCell
                  key={by}
                  served={served}
                  variant={name}
                  by={by}
                  isOwn={by === version || design.kind === 'holdout'}
                />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      <p className="muted">
        A request that another version answered counts for the variant it was assigned to.
        {served.complete ? '' : ' Only the newest requests were counted.'}
      </p>
    </div>
  );
}

function ServedCell({
  served,
  variant,
  by,
  isOwn,
}: {
  readonly served: Served;
  readonly variant: string;
  readonly by: string;
  readonly isOwn: boolean;
}): ReactNode {
  const index = served.cells.findIndex((cell) => cell.variant === variant && cell.served === by);
  const cell = served.cells[index];
  const isStray = cell !== undefined && !isOwn;
  return (
    <td className={`number ${isStray ? 'stray' : ''}`}>
      {cell === undefined ? (
        '0'
      ) : (
        <Figure
          value={cell.requests}
          text={count(cell.requests)}
          source={`served#/cells/${index}/requests`}
        />
      )}
    </td>
  );
}

/** Requests by the variant they were assigned to and the version that answered. */
export function servedRows(served: Served | null): readonly (readonly Cell[])[] {
  const head = ['variant', 'assigned_version', 'served_version', 'requests', 'errors'];
  const cells = served?.cells ?? [];
  return [
    head,
    ...cells.map((cell): readonly Cell[] => [
      ...[cell.variant, cell.assigned, cell.served, cell.requests, cell.errors],
    ]),
  ];
}
