import { assertNever } from '../kernel/assert.js';
import { SluiceError } from '../kernel/errors.js';
import {
  aggregateOf,
  captured,
  columnsOf,
  lossValue,
  MAX_MAGNITUDE,
  predictionValue,
} from './measure-sql.js';
import type { Aggregate, Bind } from './measure-sql.js';
import { NO_OPTIONS } from './metric.js';
import type { Measure, MetricDefinition } from './metric.js';
import { BATCH, namedAndAnswers, outcomesBefore, outcomesSince } from './population-sql.js';
import type { Population } from './population-sql.js';

/**
 * Definitions compiled to SQL. What people chose (names of metrics, outcomes and captured fields, windows)
 * only ever becomes a bind parameter; the text depends on the shape of the definitions alone.
 *
 * Every value becomes an exact decimal (`value::text::numeric` is the shortest decimal that reads back as the
 * same float8; the plain cast keeps only 15 digits), so that sums do not depend on the order of events.
 */
export interface CompiledMetrics {
  /**
   * Common table expressions that end in
   * `fresh(unit_key, metric, variant, phase, y, d, matures_at, capped, x, has_x)`.
   */
  readonly ctes: string;
  /** Values of the parameters after the fixed ones. */
  readonly values: readonly unknown[];
  /** Outcome names that the metrics look at. */
  readonly outcomes: readonly string[];
}

interface LabelGroup {
  readonly outcome: string;
  readonly windowMs: number | null;
  readonly columns: string[];
}

interface Plan {
  readonly population: Population;
  readonly bind: Bind;
  readonly predictionColumns: string[];
  readonly outcomeColumns: string[];
  readonly earlierColumns: string[];
  readonly labelGroups: LabelGroup[];
}

/** Half-open from the first exposure on. */
export function within(windowMs: number | null, bind: Bind, at = 'at'): string {
  return windowMs === null
    ? 'true'
    : `${at} < t0 + ${bind(windowMs)}::float8 * interval '1 millisecond'`;
}

function labelGroup(plan: Plan, outcome: string, windowMs: number | null): number {
  const found = plan.labelGroups.findIndex(
    (group) => group.outcome === outcome && group.windowMs === windowMs,
  );
  if (found !== -1) return found;
  plan.labelGroups.push({ outcome, windowMs, columns: [] });
  return plan.labelGroups.length - 1;
}

interface Part {
  readonly id: string;
  readonly windowMs: number | null;
  readonly threshold: number | null;
}

function addMeasure(plan: Plan, measure: Measure, { id, windowMs, threshold }: Part): Aggregate {
  const { source } = measure;
  const { bind } = plan;
  switch (source.kind) {
    case 'prediction': {
      const number = predictionValue(source, bind);
      const value =
        threshold === null
          ? number
          : `((${number}) > ${bind(threshold)}::numeric)::integer::numeric`;
      plan.predictionColumns.push(...columnsOf(measure, id, value, within(windowMs, bind)));
      return aggregateOf(measure, 'from_predictions', id);
    }
    case 'outcome': {
      const condition = `name = ${bind(source.outcome)}::text AND ${within(windowMs, bind)}`;
      plan.outcomeColumns.push(...columnsOf(measure, id, 'v', condition));
      return aggregateOf(measure, 'from_outcomes', id);
    }
    case 'label': {
      const group = labelGroup(plan, source.outcome, windowMs);
      const value = lossValue(source.loss, `(${captured(bind(source.output))})`);
      plan.labelGroups[group]?.columns.push(...columnsOf(measure, id, value, 'true'));
      return aggregateOf(measure, `from_labels_${group.toString()}`, id);
    }
    default:
      return assertNever(source);
  }
}

/** The same numerator over what the unit did before; null without covariate. */
function addCovariate(plan: Plan, metric: MetricDefinition, id: string): Aggregate | null {
  const { numerator, covariate } = metric;
  if (numerator.source.kind !== 'outcome' || covariate === null) return null;
  const from = `t0 - ${plan.bind(covariate.lookbackMs)}::float8 * interval '1 millisecond'`;
  const condition = `name = ${plan.bind(numerator.source.outcome)}::text AND at >= ${from}`;
  plan.earlierColumns.push(...columnsOf(numerator, id, 'v', condition));
  return aggregateOf(numerator, 'from_earlier', id);
}

/** One row of the final VALUES list: metric, y (null: the unit is left out), d, window, cap, x and has_x. */
function metricTuple(plan: Plan, metric: MetricDefinition, index: number): string {
  const { bind } = plan;
  const { windowMs, winsorizeAt } = metric;
  const part = (suffix: string, threshold: number | null): Part => ({
    id: `${index.toString()}${suffix}`,
    windowMs,
    threshold,
  });
  const top = addMeasure(plan, metric.numerator, part('n', metric.threshold));
  const bottom =
    metric.denominator === null ? null : addMeasure(plan, metric.denominator, part('d', null));
  const before = addCovariate(plan, metric, `${index.toString()}x`);
  const present = bottom === null ? top.present : `${top.present} OR ${bottom.present}`;
  return `(${[
    `${bind(metric.name)}::text`,
    metric.missing === 'zero' ? top.y : `CASE WHEN ${present} THEN ${top.y} END`,
    bottom === null ? top.d : bottom.y,
    windowMs === null ? 'NULL::interval' : `${bind(windowMs)}::float8 * interval '1 millisecond'`,
    winsorizeAt === null ? 'NULL::numeric' : `${bind(winsorizeAt)}::numeric`,
    before === null ? '0::numeric' : before.y,
    before === null ? 'false' : before.present,
  ].join(', ')})`;
}

/** The latest label of each request inside the window, joined to what the answer said. */
function labelCtes(plan: Plan, group: LabelGroup, index: number): string {
  return `,
  labels_${index.toString()} AS (
    SELECT DISTINCT ON (r.unit_key, r.request_id) r.unit_key, r.captured, o.value::text::numeric AS v
    FROM requests r JOIN answers o ON o.request_id = r.request_id
    WHERE o.model = ${plan.population.model} AND o.name = ${plan.bind(group.outcome)}::text
      AND abs(o.value) <= ${MAX_MAGNITUDE} AND ${within(group.windowMs, plan.bind, 'o.at')}
    ORDER BY r.unit_key, r.request_id, o.at DESC, o.id COLLATE "C" DESC
  )`;
}

function outcomeNames(metrics: readonly MetricDefinition[], kinds: readonly string[]): string[] {
  const names = new Set<string>();
  for (const { numerator, denominator } of metrics) {
    for (const source of [numerator.source, denominator?.source]) {
      if (source !== undefined && source.kind !== 'prediction' && kinds.includes(source.kind)) {
        names.add(source.outcome);
      }
    }
  }
  return [...names].sort();
}

/** Definitions whose cap is still to be taken from the past, or that have no number per unit, cannot be summed. */
function refuseUnready(metrics: readonly MetricDefinition[]): void {
  const unready = metrics.find(
    ({ kind, winsorizeAt, winsorizePercentile }) =>
      kind === 'quantile' || (winsorizeAt === null && winsorizePercentile !== null),
  );
  if (unready === undefined) return;
  const field = unready.kind === 'quantile' ? 'kind' : 'winsorize.percentile';
  throw new SluiceError('invalid_input', `metric ${unready.name} has no number per unit`, [
    { field, given: unready.name, expected: 'a metric with its cap frozen, and no quantile' },
  ]);
}

function emptyPlan(population: Population, bind: Bind): Plan {
  return {
    population,
    bind,
    predictionColumns: [],
    outcomeColumns: [],
    earlierColumns: [],
    labelGroups: [],
  };
}

/** One aggregate per unit and source, and how they are joined to the units. */
function aggregates(
  plan: Plan,
  metrics: readonly MetricDefinition[],
): { readonly ctes: string; readonly joins: string } {
  const { population, bind } = plan;
  const sources: string[] = [];
  let ctes = '';
  const add = (name: string, columns: readonly string[], from: string): void => {
    ctes += `,
  ${name} AS (SELECT unit_key, ${columns.join(', ')} FROM ${from} GROUP BY unit_key)`;
    sources.push(name);
  };
  if (plan.predictionColumns.length > 0)
    add('from_predictions', plan.predictionColumns, 'requests');
  if (plan.outcomeColumns.length + plan.labelGroups.length > 0) ctes += namedAndAnswers(population);
  if (plan.outcomeColumns.length > 0) {
    ctes += outcomesSince(population, bind(outcomeNames(metrics, ['outcome'])));
    add('from_outcomes', plan.outcomeColumns, 'happened');
  }
  if (plan.earlierColumns.length > 0) {
    const adjusted = metrics.filter(({ covariate }) => covariate !== null);
    const names = bind(outcomeNames(adjusted, ['outcome']));
    const spans = adjusted.map(({ covariate }) => covariate?.lookbackMs ?? 0);
    ctes += outcomesBefore(population, { names, longest: bind(Math.max(...spans)) });
    add('from_earlier', plan.earlierColumns, 'earlier');
  }
  for (const [index, group] of plan.labelGroups.entries()) {
    ctes += labelCtes(plan, group, index);
    add(`from_labels_${index.toString()}`, group.columns, `labels_${index.toString()}`);
  }
  return { ctes, joins: sources.map((name) => ` LEFT JOIN ${name} USING (unit_key)`).join('') };
}

/**
 * Compiles metrics (at least one, names unique) to the values of the units of a population.
 *
 * A unit has no row for a metric when it has no event of it and the metric says `exclude`; for a `ratio`,
 * when neither measure has one. A window is half-open: [first exposure, first exposure + window), and so is the
 * look-back of a covariate. A cap applies to y and to x: both are then the same number of different times.
 *
 * @throws SluiceError `invalid_input` for a quantile, or a cap that is not frozen yet
 */
export function compileMetrics(
  definitions: readonly MetricDefinition[],
  population: Population = BATCH,
): CompiledMetrics {
  const metrics = definitions.map((metric) => ({ ...NO_OPTIONS, ...metric }));
  refuseUnready(metrics);
  const values: unknown[] = [];
  const bind: Bind = (value) => `$${(population.fixedParameters + values.push(value)).toString()}`;
  const plan = emptyPlan(population, bind);
  const tuples = metrics.map((metric, index) => metricTuple(plan, metric, index));
  const { ctes, joins } = aggregates(plan, metrics);
  const fresh = `,
  fresh AS MATERIALIZED (
    SELECT u.unit_key, m.metric, u.variant, u.phase, trim_scale(least(m.y, m.cap)) AS y, trim_scale(m.d) AS d,
      u.t0 + m.span AS matures_at, coalesce(m.y > m.cap, false) AS capped,
      trim_scale(least(m.x, m.cap)) AS x, m.has_x
    FROM u${joins}
    CROSS JOIN LATERAL (VALUES ${tuples.join(', ')}) AS m (metric, y, d, span, cap, x, has_x)
    WHERE m.y IS NOT NULL
  )`;
  return {
    ctes: population.unitsAndRequests + ctes + fresh,
    values,
    outcomes: outcomeNames(metrics, ['outcome', 'label']),
  };
}
