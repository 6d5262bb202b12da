import type { ReactNode } from 'react';
import type { Assessment, Design, MetricAssessment } from '../api/types.js';
import { IntervalBar } from '../charts/interval-bar.js';
import type { Cell } from '../charts/csv.js';
import {
  count,
  difference,
  level,
  lift,
  percent,
  pValue,
  roundPercent,
  type Unit,
  value,
} from '../format/number.js';
import { Chip } from '../parts/chip.js';
import { Figure } from '../parts/figure.js';
import { armTitle } from './arm-title.js';
import { describe, signedMargin, unitIn } from './metric-units.js';
import { findingOf } from './test-words.js';

interface MetricTableProps {
  readonly assessment: Assessment;
  readonly design: Design;
}

/** Every metric of every variant against the control, the ones that decide first. */
export function MetricTable({ assessment, design }: MetricTableProps): ReactNode {
  const arms = design.variants.map((variant) => ({ ...variant, title: armTitle(design, variant) }));
  const control = arms.find((arm) => arm.control)?.title ?? 'control';
  const hasOneVariant = design.variants.length === 2;
  const only = arms.find((arm) => !arm.control)?.title;
  return (
    <div
      className="table-frame"
      tabIndex={0}
      role="region"
      aria-label="Metrics of control and variant"
    >
      <table className="metrics">
        <thead>
          <tr>
            <th scope="col">Metric</th>
            <th scope="col" className="number">
              {control}
              <small>control</small>
            </th>
            <th scope="col" className="number">
              {hasOneVariant ? only : 'Variant'}
              <small>variant</small>
            </th>
            <th scope="col" className="number">
              Difference
              <small>variant − control</small>
            </th>
            <th scope="col">
              Interval
              <small>hatched: harm</small>
            </th>
            <th scope="col">Finding</th>
          </tr>
        </thead>
        <tbody>
          {assessment.metrics.map((metric, index) => (
            <Row
              key={`${metric.metric} ${metric.variant}`}
              metric={metric}
              design={design}
              source={`report#/assessment/metrics/${index}`}
              isTest={assessment.reading === 'test'}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface RowProps {
  readonly metric: MetricAssessment;
  readonly design: Design;
  readonly source: string;
  readonly isTest: boolean;
}

function Row({ metric, design, source, isTest }: RowProps): ReactNode {
  const unit = unitIn(design, metric.metric);
  const finding = findingOf(metric);
  return (
    <tr className={`role-${metric.role}`}>
      <th scope="row">
        <MetricName metric={metric} design={design} />
      </th>
      <td className="number" data-label="Control">
        <Arm arm={metric.control} unit={unit} source={`${source}/control`} />
      </td>
      <td className="number" data-label="Variant">
        <Arm arm={metric.treatment} unit={unit} source={`${source}/treatment`} />
      </td>
      <td className="number" data-label="Difference">
        <Effect metric={metric} unit={unit} source={source} />
      </td>
      <td className="interval-cell" data-label="Interval">
        <Range metric={metric} unit={unit} source={source} tone={toneOf(finding.tone)} />
      </td>
      <td data-label="Finding">
        <Chip tone={isTest ? finding.tone : 'calm'}>
          {isTest ? finding.word : 'Not a test yet'}
        </Chip>
        <Evidence metric={metric} unit={unit} source={source} />
      </td>
    </tr>
  );
}

function MetricName({ metric, design }: Pick<RowProps, 'metric' | 'design'>): ReactNode {
  const found = design.metrics.find(({ definition }) => definition.name === metric.metric);
  return (
    <>
      <span className="metric-name">{metric.metric}</span>
      <span className={`role role-tag-${metric.role}`}>{metric.role}</span>
      {design.variants.length > 2 && <span className="muted"> {metric.variant}</span>}
      <small>{found === undefined ? '' : describe(found.definition)}</small>
    </>
  );
}

function Arm({
  arm,
  unit,
  source,
}: {
  readonly arm: MetricAssessment['control'];
  readonly unit: Unit;
  readonly source: string;
}): ReactNode {
  return (
    <>
      <strong>
        <Figure value={arm.value} text={value(arm.value, unit)} source={`${source}/value`} />
      </strong>
      <small>
        n <Figure value={arm.n} text={count(arm.n)} source={`${source}/n`} />
        {arm.pending > 0 && (
          <>
            {' + '}
            <Figure
              value={arm.pending}
              text={count(arm.pending)}
              source={`${source}/pending`}
            />{' '}
            pending
          </>
        )}
      </small>
    </>
  );
}

interface PartProps {
  readonly metric: MetricAssessment;
  readonly unit: Unit;
  readonly source: string;
}

function Effect({ metric, unit, source }: PartProps): ReactNode {
  const { effect, lift: relative } = metric;
  return (
    <>
      <strong>
        <Figure value={effect} text={difference(effect, unit)} source={`${source}/effect`} />
      </strong>
      {relative !== null && (
        <small title={`${lift(relative.lower)} to ${lift(relative.upper)} (Fieller, this look)`}>
          <Figure
            value={relative.estimate}
            text={lift(relative.estimate)}
            source={`${source}/lift/estimate`}
          />{' '}
          relative
        </small>
      )}
      {metric.adjustment.kind === 'cuped' && (
        <small title="The past of the units explains this share of the variance (CUPED)">
          CUPED −
          <Figure
            value={metric.adjustment.varianceReduction}
            text={percent(metric.adjustment.varianceReduction)}
            source={`${source}/adjustment/varianceReduction`}
          />{' '}
          variance
        </small>
      )}
    </>
  );
}

function Range({
  metric,
  unit,
  source,
  tone,
}: PartProps & { readonly tone: 'good' | 'bad' | 'calm' }): ReactNode {
  const { interval, margin } = metric;
  const of = `${roundPercent(metric.level)} interval`;
  const words =
    interval === null
      ? 'not estimable yet'
      : `${of} ${difference(interval.lower, unit)} to ${difference(interval.upper, unit)}`;
  return (
    <>
      <IntervalBar
        effect={metric.effect}
        interval={interval}
        margin={metric.role === 'guardrail' ? signedMargin(metric) : null}
        better={metric.direction === 'increase' ? 'up' : 'down'}
        tone={tone}
        label={words}
      />
      {interval !== null && (
        <small>
          <Figure
            value={interval.lower}
            text={difference(interval.lower, unit)}
            source={`${source}/interval/lower`}
          />
          {' to '}
          <Figure
            value={interval.upper}
            text={difference(interval.upper, unit)}
            source={`${source}/interval/upper`}
          />
        </small>
      )}
      {margin !== null && (
        <small>
          margin{' '}
          <Figure
            value={margin}
            text={value(margin, unit).replace('%', 'pp')}
            source={`${source}/margin`}
          />
        </small>
      )}
    </>
  );
}

function Evidence({ metric, unit, source }: PartProps): ReactNode {
  const { test, detail } = findingOf(metric);
  if (test?.kind !== 'tested') {
    if (test !== null) return <small>{detail}</small>;
    return (
      <small>
        <Figure
          value={metric.runningPValue}
          text={pValue(metric.runningPValue)}
          source={`${source}/runningPValue`}
        />
      </small>
    );
  }
  const name =
    test === metric.superiority
      ? 'superiority'
      : test === metric.nonInferiority
        ? 'nonInferiority'
        : 'deterioration';
  return (
    <small>
      <Figure value={test.pValue} text={pValue(test.pValue)} source={`${source}/${name}/pValue`} />{' '}
      at level{' '}
      <Figure value={test.alpha} text={level(test.alpha)} source={`${source}/${name}/alpha`} />
      {test.bound !== null && name === 'nonInferiority' && (
        <span className="line">
          at worst{' '}
          <Figure
            value={test.bound}
            text={difference(test.bound, unit)}
            source={`${source}/${name}/bound`}
          />
        </span>
      )}
    </small>
  );
}

function toneOf(tone: string): 'good' | 'bad' | 'calm' {
  return tone === 'good' || tone === 'bad' ? tone : 'calm';
}

/** The table for a spreadsheet: every number as the API gave it. */
export function metricRows(assessment: Assessment): readonly (readonly Cell[])[] {
  const head = [
    ...['metric', 'variant', 'role', 'direction', 'control_value', 'control_n', 'control_pending'],
    ...[
      'variant_value',
      'variant_n',
      'variant_pending',
      'effect',
      'standard_error',
      'lower',
      'upper',
    ],
    ...['level', 'margin', 'lift', 'lift_lower', 'lift_upper', 'p_value', 'finding'],
  ];
  const rows = assessment.metrics.map((metric): readonly Cell[] => [
    ...[metric.metric, metric.variant, metric.role, metric.direction],
    ...[metric.control.value, metric.control.n, metric.control.pending],
    ...[metric.treatment.value, metric.treatment.n, metric.treatment.pending],
    ...[metric.effect, metric.standardError, metric.interval?.lower ?? null],
    ...[metric.interval?.upper ?? null, metric.level, metric.margin, metric.lift?.estimate ?? null],
    ...[metric.lift?.lower ?? null, metric.lift?.upper ?? null, metric.runningPValue],
    findingOf(metric).word,
  ]);
  return [head, ...rows];
}
