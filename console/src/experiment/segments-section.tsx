import type { ReactNode } from 'react';
import type { Design, Model, Segments } from '../api/types.js';
import type { Cell } from '../charts/csv.js';
import { IntervalBar } from '../charts/interval-bar.js';
import { segments as segmentsQuestion } from '../data/questions.js';
import { useResource } from '../data/resource.js';
import { count, difference, type Unit, value } from '../format/number.js';
import { ExportMenu } from '../parts/export-menu.js';
import { Figure } from '../parts/figure.js';
import { Picker } from '../parts/picker.js';
import { Section } from '../parts/section.js';
import { SmallTable } from '../parts/small-table.js';
import { Shown } from '../parts/states.js';
import { useParameter } from '../router/route.js';
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
  const view = useResource(isAsked ? segmentsQuestion(id, attribute, metric) : null);
  return (
    <Section
      id="segments"
      title="Segments"
      lead="Diagnostic only: among many segments some differ by chance, and no decision looks here."
      tools={
        isAsked && (
          <>
            <Picker label="By" parameter="by" options={attributes} shown={attribute} />
            <Picker label="Metric" parameter="segment-metric" options={metrics} shown={metric} />
            <ExportMenu
              name={`segments-${metric}-by-${attribute}`}
              rows={() => (view.data === null ? [] : rowsOf(view.data))}
            />
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
  const control = design.variants.find((arm) => arm.control)?.name ?? '';
  return (
    <Shown of={view} what="segments" lines={4}>
      {({ segments }) => (
        <SmallTable
          label={`${metric} by ${attribute}`}
          columns={[
            { title: attribute },
            { title: 'Variant' },
            { title: 'Units', isNumber: true },
            { title: 'In the control', isNumber: true },
            { title: 'In the variant', isNumber: true },
            { title: 'Difference', isNumber: true },
            { title: 'Interval', className: 'interval-cell' },
          ]}
          rows={segments.flatMap((segment, at) =>
            segment.arms
              .filter(({ variant }) => variant !== control)
              .map((arm) => ({
                key: `${nameOf(segment)} ${arm.variant}`,
                cells: cellsOf({ segment, at, arm, control, unit, better }),
              })),
          )}
        />
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

interface SegmentRow {
  readonly segment: Segment;
  /** Its place in the answer. */
  readonly at: number;
  readonly arm: Segment['arms'][number];
  readonly control: string;
  readonly unit: Unit;
  readonly better: 'up' | 'down';
}

function cellsOf({ segment, at, arm, control, unit, better }: SegmentRow): readonly ReactNode[] {
  const indexOf = (variant: string): number =>
    segment.arms.findIndex((known) => known.variant === variant);
  const figure = (variant: string, field: 'n' | 'value'): ReactNode => {
    const index = indexOf(variant);
    const found = segment.arms[index]?.[field] ?? null;
    if (index < 0) return '–';
    return (
      <Figure
        value={found}
        text={field === 'n' ? count(found ?? 0) : value(found, unit)}
        source={`segments#/segments/${at}/arms/${index}/${field}`}
      />
    );
  };
  const source = `segments#/segments/${at}/arms/${indexOf(arm.variant)}/difference`;
  return [
    nameOf(segment),
    arm.variant,
    <>
      {figure(control, 'n')} <span className="muted">and</span> {figure(arm.variant, 'n')}
    </>,
    figure(control, 'value'),
    figure(arm.variant, 'value'),
    ...differenceCells({ of: arm.difference, unit, better, source }),
  ];
}

function differenceCells({
  of,
  unit,
  better,
  source,
}: Pick<SegmentRow, 'unit' | 'better'> & {
  readonly of: Segment['arms'][number]['difference'];
  readonly source: string;
}): readonly ReactNode[] {
  if (of === null) return ['–', ''];
  if (of.kind === 'insufficient') {
    const words = of.need > 1 ? `${of.have} of ${of.need}` : of.reason.replaceAll('_', ' ');
    return ['–', <span key="too-little" className="muted">{`too little to say: ${words}`}</span>];
  }
  const { lower, upper } = of.interval;
  return [
    <Figure
      key="difference"
      value={of.estimate}
      text={difference(of.estimate, unit)}
      source={`${source}/estimate`}
    />,
    <>
      <IntervalBar
        effect={of.estimate}
        interval={of.interval}
        margin={null}
        better={better}
        tone="calm"
        label={`${difference(lower, unit)} to ${difference(upper, unit)}`}
      />
      <small>
        <Figure value={lower} text={difference(lower, unit)} source={`${source}/interval/lower`} />
        {' to '}
        <Figure value={upper} text={difference(upper, unit)} source={`${source}/interval/upper`} />
      </small>
    </>,
  ];
}

/** Every arm of every segment, as the API gave it. */
function rowsOf({ segments }: Segments): readonly (readonly Cell[])[] {
  const head = ['segment', 'variant', 'n', 'pending', 'value', 'difference', 'lower', 'upper'];
  const rows = segments.flatMap((segment) =>
    segment.arms.map(({ variant, n, pending, value: of, difference: found }): readonly Cell[] => [
      ...[nameOf(segment), variant, n, pending, of],
      ...(found?.kind === 'estimated'
        ? [found.estimate, found.interval.lower, found.interval.upper]
        : [null, null, null]),
    ]),
  );
  return [head, ...rows];
}
