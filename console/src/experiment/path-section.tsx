import { type ReactNode, useRef } from 'react';
import type { Decision, Design, MetricAssessment, Path } from '../api/types.js';
import type { Cell } from '../charts/csv.js';
import { PathChart } from '../charts/path-chart.js';
import { dotsOf } from '../charts/path-model.js';
import { ExportMenu } from '../parts/export-menu.js';
import { Picker } from '../parts/picker.js';
import { Section } from '../parts/section.js';
import { useParameter } from '../router/route.js';
import { signedMargin, unitIn } from './metric-units.js';

interface PathSectionProps {
  readonly name: string;
  readonly path: Path;
  /** Stretches of constant coverage. */
  readonly phases: readonly { readonly startedAtMs: number; readonly coverage: number }[];
  readonly design: Design;
  readonly metrics: readonly MetricAssessment[];
  readonly decisions: readonly Decision[];
  readonly onDecision: (number: number) => void;
}

/** The path to the verdict, of one metric of one variant at a time. */
export function PathSection(props: PathSectionProps): ReactNode {
  const { name, path, phases, design, metrics, decisions, onDecision } = props;
  const steps = phases
    .filter(({ coverage }, index) => phases[index - 1]?.coverage !== coverage)
    .map(({ startedAtMs: atMs, coverage }) => ({ atMs, coverage }));
  // periods of a holdout end all the time and change nothing
  const isMarked = ({ kind }: Decision): boolean => design.kind !== 'holdout' || kind !== 'advance';
  const chart = useRef<SVGSVGElement>(null);
  const wanted = useParameter('metric');
  const shown = metrics.find((metric) => keyOf(metric) === wanted) ?? metrics[0];
  if (shown === undefined) return null;
  const dots = dotsOf(path.points, shown);
  return (
    <Section
      id="path"
      title="How the evidence came in"
      lead="The band is the interval of each look. It narrows as units come in and holds however often one looks; a verdict falls when it leaves zero (or, for a guardrail, the margin) behind."
      tools={
        <>
          <Picker
            label="Metric"
            parameter="metric"
            options={metrics.map((metric) => [
              keyOf(metric),
              design.variants.length > 2 ? `${metric.metric}, ${metric.variant}` : metric.metric,
            ])}
            shown={keyOf(shown)}
          />
          <ExportMenu
            name={`${name}-path-${shown.metric}`}
            rows={() => rowsOf(path, shown)}
            chart={chart}
          />
        </>
      }
    >
      {dots.length === 0 ? (
        <p className="muted path-empty">
          No look could estimate {shown.metric} yet: too few units or events, or no variation.
        </p>
      ) : (
        <PathChart
          key={keyOf(shown)}
          svg={chart}
          dots={dots}
          steps={steps}
          decisions={decisions.filter(isMarked)}
          margin={shown.role === 'guardrail' ? signedMargin(shown) : null}
          better={shown.direction === 'increase' ? 'up' : 'down'}
          unit={unitIn(design, shown.metric)}
          label={`Interval of ${shown.metric} over time`}
          onDecision={onDecision}
        />
      )}
      <Legend hasPast={dots.some(({ isPresent }) => !isPresent)} />
    </Section>
  );
}

function Legend({ hasPast }: { readonly hasPast: boolean }): ReactNode {
  return (
    <ul className="legend">
      <li>
        <span className="swatch swatch-band" aria-hidden="true" />
        interval of the look
      </li>
      <li>
        <span className="swatch swatch-running" aria-hidden="true" />
        intersection of all looks
      </li>
      <li>
        <span className="swatch swatch-harm" aria-hidden="true" />
        harm
      </li>
      <li>
        <span className="swatch swatch-step" aria-hidden="true" />
        step of the rollout
      </li>
      {hasPast && (
        <li>
          <span className="swatch swatch-past" aria-hidden="true" />
          dotted: an earlier design, which no longer counts
        </li>
      )}
    </ul>
  );
}

function keyOf({ metric, variant }: MetricAssessment): string {
  return `${metric}:${variant}`;
}

function rowsOf(path: Path, which: MetricAssessment): readonly (readonly Cell[])[] {
  const head = [
    'report',
    'at',
    'epoch',
    'coverage',
    'effect',
    'lower',
    'upper',
    'control_n',
    'variant_n',
  ];
  const rows = path.points.flatMap(({ report, atMs, epoch, coverage, metrics }) =>
    metrics
      .filter(({ metric, variant }) => metric === which.metric && variant === which.variant)
      .map((found): readonly Cell[] => [
        ...[report, new Date(atMs).toISOString(), epoch, coverage, found.effect],
        ...[found.interval?.lower ?? null, found.interval?.upper ?? null],
        ...[found.controlN, found.treatmentN],
      ]),
  );
  return [head, ...rows];
}
