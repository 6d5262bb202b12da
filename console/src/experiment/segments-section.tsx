import type { ReactNode } from 'react';
import type { Design, Model, Segments } from '../api/types.js';
import { IntervalBar } from '../charts/interval-bar.js';
import { segments as segmentsQuestion } from '../data/questions.js';
import { useResource } from '../data/resource.js';
import { count, difference, type Unit, value } from '../format/number.js';
import { Section } from '../parts/section.js';
import { Shown } from '../parts/states.js';
import { setParameter, useParameter } from '../router/route.js';
import { unitIn } from './metric-units.js';

interface SegmentsSectionProps {
  readonly id: string;
  readonly design: Design;
  readonly model: Model | null;
}

/** Where an effect sits. Diagnostic: many segments find something by chance, so none decides anything. */
export function SegmentsSection({ id, design, model }: SegmentsSectionProps): ReactNode {
  const attributes = Object.keys(model?.capture.input ?? {}).filter(
    (name) => !Object.hasOwn(model?.capture.output ?? {}, name),
  );
  const metrics = design.metrics
    .filter(({ definition }) => definition.kind !== 'quantile')
    .map(({ definition }) => definition.name);
  const attribute = useParameter('by') ?? attributes[0];
  const metric = useParameter('segment-metric') ?? metrics[0];
  const isAsked = attribute !== undefined && metric !== undefined && attributes.includes(attribute);
  return (
    <Section
      id="segments"
      title="Segments"
      lead="Diagnostic only: among many segments some differ by chance, and no decision looks here."
      tools={
        isAsked && (
          <>
            <Picker name="By" parameter="by" options={attributes} shown={attribute} />
            <Picker name="Metric" parameter="segment-metric" options={metrics} shown={metric} />
          </>
        )
      }
    >
      {isAsked ? (
        <SegmentTable id={id} attribute={attribute} metric={metric} design={design} />
      ) : (
        <p className="muted">
          The model captures no field of its requests (<code>capture.input</code>), so there is
          nothing to divide by.
        </p>
      )}
    </Section>
  );
}

interface PickerProps {
  readonly name: string;
  readonly parameter: string;
  readonly options: readonly string[];
  readonly shown: string;
}

function Picker({ name, parameter, options, shown }: PickerProps): ReactNode {
  return (
    <label className="picker">
      <span>{name}</span>
      <select value={shown} onChange={(event) => setParameter(parameter, event.target.value)}>
        {options.map((option) => (
          <option key={option}>{option}</option>
        ))}
      </select>
    </label>
  );
}

interface SegmentTableProps {
  readonly id: string;
  readonly attribute: string;
  readonly metric: string;
  readonly design: Design;
}

function SegmentTable({ id, attribute, metric, design }: SegmentTableProps): ReactNode {
  const view = useResource(segmentsQuestion(id, attribute, metric));
  const unit = unitIn(design, metric);
  const definition = design.metrics.find((known) => known.definition.name === metric)?.definition;
  const better = definition?.direction === 'decrease' ? 'down' : 'up';
  return (
    <Shown of={view} what="segments" lines={4}>
      {({ segments }) => (
        <div
          className="table-frame"
          tabIndex={0}
          role="region"
          aria-label={`${metric} by ${attribute}`}
        >
          <table className="small-table">
            <thead>
              <tr>
                <th scope="col">{attribute}</th>
                <th scope="col">Variant</th>
                <th scope="col" className="number">
                  Units
                </th>
                <th scope="col" className="number">
                  Value
                </th>
                <th scope="col" className="number">
                  Difference
                </th>
                <th scope="col">Interval</th>
              </tr>
            </thead>
            <tbody>
              {segments.flatMap((segment) =>
                segment.arms.map((arm) => (
                  <tr key={`${nameOf(segment)} ${arm.variant}`}>
                    <th scope="row">{nameOf(segment)}</th>
                    <td>{arm.variant}</td>
                    <td className="number">{count(arm.n)}</td>
                    <td className="number">{value(arm.value, unit)}</td>
                    <DifferenceCells of={arm.difference} unit={unit} better={better} />
                  </tr>
                )),
              )}
            </tbody>
          </table>
        </div>
      )}
    </Shown>
  );
}

type Segment = Segments['segments'][number];

function nameOf({ segment }: Segment): string {
  switch (segment.kind) {
    case 'value':
      return segment.value;
    case 'other':
      return `${count(segment.values)} other values`;
    case 'missing':
      return 'no value';
  }
}

function DifferenceCells({
  of,
  unit,
  better,
}: {
  readonly of: Segment['arms'][number]['difference'];
  readonly unit: Unit;
  readonly better: 'up' | 'down';
}): ReactNode {
  if (of === null)
    return (
      <td colSpan={2} className="muted">
        control
      </td>
    );
  if (of.kind === 'insufficient') {
    return <td colSpan={2} className="muted">{`too little to say: ${of.have} of ${of.need}`}</td>;
  }
  const words = `${difference(of.interval.lower, unit)} to ${difference(of.interval.upper, unit)}`;
  return (
    <>
      <td className="number">{difference(of.estimate, unit)}</td>
      <td className="interval-cell">
        <IntervalBar
          effect={of.estimate}
          interval={of.interval}
          margin={null}
          better={better}
          tone="calm"
          label={words}
        />
      </td>
    </>
  );
}
