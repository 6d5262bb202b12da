import { assertNever } from '../kernel/assert.js';
import type { LossFunction, Measure, MetricDefinition, MetricSource } from './metric.js';

/**
 * Definitions compiled to SQL. What people chose (names of metrics, outcomes and captured fields, windows)
 * only ever becomes a bind parameter; the text depends on the shape of the definitions alone.
 *
 * Every value becomes an exact decimal (`value::text::numeric` is the shortest decimal that reads back as the
 * same float8; the plain cast keeps only 15 digits), so that sums do not depend on the order of events.
 */
export interface CompiledMetrics {
  /** Common table expressions that end in `fresh(unit_key, metric, variant, phase, y, d, matures_at)`. */
  readonly ctes: string;
  /** Values of the parameters after the fixed ones. */
  readonly values: readonly unknown[];
  /** Outcome names that the metrics look at. */
  readonly outcomes: readonly string[];
}

/** Every statement over compiled metrics starts with $1 experiment, $2 epoch, $3 unit keys, $4 model. */
const FIXED_PARAMETERS = 4;

/**
 * Contributions beyond this are left out like missing ones: sums of squares over 10^9 units of 10^9 events
 * still fit a double (10^276), so one absurd value cannot make every later analysis fail.
 */
const MAX_MAGNITUDE = '1e120';

type Bind = (value: unknown) => string;

/** A measure of one unit, as expressions over the joined aggregates; null before its first event. */
interface Aggregate {
  readonly y: string;
  readonly d: string;
  readonly present: string;
}

interface LabelGroup {
  readonly outcome: string;
  readonly windowMs: number | null;
  readonly columns: string[];
}

interface Plan {
  readonly bind: Bind;
  readonly predictionColumns: string[];
  readonly outcomeColumns: string[];
  readonly labelGroups: LabelGroup[];
}

function decimal(float: string): string {
  return `CASE WHEN abs(${float}) <= ${MAX_MAGNITUDE} THEN ${float}::text::numeric END`;
}

/** A captured field as a number: booleans are 0 and 1, texts and absent fields are missing. */
function captured(name: string): string {
  return `CASE jsonb_typeof(captured -> ${name}::text)
      WHEN 'number' THEN (captured ->> ${name}::text)::numeric
      WHEN 'boolean' THEN (captured ->> ${name}::text)::boolean::integer::numeric END`;
}

function bounded(number: string): string {
  return `CASE WHEN abs(${number}) <= ${MAX_MAGNITUDE} THEN ${number} END`;
}

function predictionValue(source: MetricSource & { kind: 'prediction' }, bind: Bind): string {
  switch (source.measure) {
    case 'latency_ms':
      return decimal('latency_ms');
    case 'error':
    case 'timeout':
    case 'fallback':
      return `${source.measure}::integer::numeric`;
    default:
      return bounded(`(${captured(bind(source.measure.slice('captured:'.length)))})`);
  }
}

/** Loss of captured `q` (null: the answer had none) against label `v`; null: the request is left out. */
function lossValue(loss: LossFunction, q: string): string {
  // log loss of a certain but wrong answer is infinite: probabilities are kept 10^-15 away from 0 and 1
  const p = `least(greatest(${q}, 1e-15), 0.999999999999999)`;
  const probable = `${q} IS NOT NULL AND v BETWEEN 0 AND 1`;
  switch (loss) {
    case 'zero_one':
      return `CASE WHEN ${q} = v THEN 0::numeric ELSE 1::numeric END`;
    case 'absolute_error':
      return bounded(`abs(${q} - v)`);
    case 'squared_error':
      return bounded(`((${q} - v) * (${q} - v))`);
    case 'brier':
      return `CASE WHEN ${probable} THEN (${p} - v) * (${p} - v) END`;
    case 'log_loss':
      return `CASE WHEN ${probable} THEN
        (-(v::float8 * ln((${p})::float8) + (1 - v)::float8 * ln((1 - ${p})::float8)))::text::numeric END`;
    default:
      return assertNever(loss);
  }
}

function within(windowMs: number | null, bind: Bind, at = 'at'): string {
  return windowMs === null
    ? 'true'
    : `${at} < t0 + ${bind(windowMs)}::float8 * interval '1 millisecond'`;
}

/** The two columns that every aggregation needs: the number itself and how many events made it. */
function columnsOf(measure: Measure, id: string, value: string, condition: string): string[] {
  const events = `count(${value}) FILTER (WHERE ${condition}) AS c${id}`;
  switch (measure.aggregation) {
    case 'any':
      return [`count(*) FILTER (WHERE ${condition} AND ${value} > 0) AS y${id}`, events];
    case 'count':
      return [`count(${value}) FILTER (WHERE ${condition}) AS y${id}`, events];
    case 'sum':
    case 'mean':
      return [`sum(${value}) FILTER (WHERE ${condition}) AS y${id}`, events];
    default:
      return assertNever(measure.aggregation);
  }
}

function aggregateOf(measure: Measure, alias: string, id: string): Aggregate {
  const y = `coalesce(${alias}.y${id}, 0)::numeric`;
  const count = `coalesce(${alias}.c${id}, 0)`;
  return {
    y: measure.aggregation === 'any' ? `(${y} > 0)::integer::numeric` : y,
    d: measure.aggregation === 'mean' ? `${count}::numeric` : '1::numeric',
    present: `${count} > 0`,
  };
}

function labelGroup(plan: Plan, outcome: string, windowMs: number | null): number {
  const found = plan.labelGroups.findIndex(
    (group) => group.outcome === outcome && group.windowMs === windowMs,
  );
  if (found !== -1) return found;
  plan.labelGroups.push({ outcome, windowMs, columns: [] });
  return plan.labelGroups.length - 1;
}

function addMeasure(plan: Plan, measure: Measure, windowMs: number | null, id: string): Aggregate {
  const { source } = measure;
  const { bind } = plan;
  switch (source.kind) {
    case 'prediction': {
      const value = predictionValue(source, bind);
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

/** One row of the final VALUES list: metric, y (null: the unit is left out), d and the window. */
function metricTuple(plan: Plan, metric: MetricDefinition, index: number): string {
  const top = addMeasure(plan, metric.numerator, metric.windowMs, `${index.toString()}n`);
  const bottom =
    metric.denominator === null
      ? null
      : addMeasure(plan, metric.denominator, metric.windowMs, `${index.toString()}d`);
  const present = bottom === null ? top.present : `${top.present} OR ${bottom.present}`;
  const y = metric.missing === 'zero' ? top.y : `CASE WHEN ${present} THEN ${top.y} END`;
  const window =
    metric.windowMs === null
      ? 'NULL::interval'
      : `${plan.bind(metric.windowMs)}::float8 * interval '1 millisecond'`;
  return `(${plan.bind(metric.name)}::text, ${y}, ${bottom === null ? top.d : bottom.y}, ${window})`;
}

/**
 * The units asked for and their requests; a unit seen in two variants has requests (the watermark is theirs
 * too) but no values. The model is named even where no metric reads outcomes, because PostgreSQL refuses a
 * parameter that a statement does not use.
 */
const UNITS_AND_REQUESTS = `
  u AS MATERIALIZED (
    SELECT unit_key, variant, phase, crossover, first_exposed_at AS t0, first_request
    FROM experiment_units
    WHERE experiment_id = $1 AND epoch = $2 AND unit_key = ANY ($3::text[]) AND $4::text IS NOT NULL
  ),
  -- the request of the first exposure counts even if its two events carry slightly different times
  requests AS MATERIALIZED (
    SELECT u.unit_key, u.t0, p.request_id, p.at, p.latency_ms, p.error, p.timeout, p.fallback, p.captured
    FROM event_predictions p JOIN u ON u.unit_key = p.unit_key
    WHERE p.experiment_id = $1 AND p.epoch = $2 AND p.unit_key = ANY ($3::text[])
      AND (p.at >= u.t0 OR p.request_id = u.first_request)
  )`;

/**
 * Requests of the units and all outcomes that name one of them. Materialized on its own, so that the index on
 * request ids is the only way in: with `model` beside it the planner once walked the whole model and compared
 * each row with 100,000 ids.
 */
const NAMED_AND_ANSWERS = `,
  named AS MATERIALIZED (
    SELECT e.unit_key, e.request_id FROM event_exposures e JOIN u ON u.unit_key = e.unit_key
    WHERE e.experiment_id = $1 AND e.epoch = $2 AND e.unit_key = ANY ($3::text[])
    UNION
    SELECT unit_key, request_id FROM requests
  ),
  answers AS MATERIALIZED (
    SELECT id, request_id, model, name, value, at FROM event_outcomes
    WHERE request_id = ANY (ARRAY(SELECT request_id FROM named))
  )`;

/** Outcomes by unit count from the first exposure on; one that names a request came after that request. */
function outcomeCtes(plan: Plan, names: string): string {
  const kept = `o.model = $4 AND o.name = ANY (${names}::text[]) AND abs(o.value) <= ${MAX_MAGNITUDE}`;
  return `,
  happened AS (
    SELECT u.unit_key, u.t0, o.name, o.at, o.value::text::numeric AS v
    FROM event_outcomes o JOIN u ON u.unit_key = o.unit_key
    WHERE ${kept} AND o.unit_key = ANY ($3::text[]) AND o.request_id IS NULL AND o.at >= u.t0
    UNION ALL
    SELECT u.unit_key, u.t0, o.name, o.at, o.value::text::numeric AS v
    FROM named n JOIN u ON u.unit_key = n.unit_key JOIN answers o ON o.request_id = n.request_id
    WHERE ${kept}
  ),
  from_outcomes AS (
    SELECT unit_key, ${plan.outcomeColumns.join(', ')} FROM happened GROUP BY unit_key
  )`;
}

/** The latest label of each request inside the window, joined to what the answer said. */
function labelCtes(plan: Plan, group: LabelGroup, index: number): string {
  return `,
  labels_${index.toString()} AS (
    SELECT DISTINCT ON (r.unit_key, r.request_id) r.unit_key, r.captured, o.value::text::numeric AS v
    FROM requests r JOIN answers o ON o.request_id = r.request_id
    WHERE o.model = $4 AND o.name = ${plan.bind(group.outcome)}::text
      AND abs(o.value) <= ${MAX_MAGNITUDE} AND ${within(group.windowMs, plan.bind, 'o.at')}
    ORDER BY r.unit_key, r.request_id, o.at DESC, o.id COLLATE "C" DESC
  ),
  from_labels_${index.toString()} AS (
    SELECT unit_key, ${group.columns.join(', ')} FROM labels_${index.toString()} GROUP BY unit_key
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

/**
 * Compiles metrics (at least one, names unique) to the values of units.
 *
 * A unit has no row for a metric when it has no event of it and the metric says `exclude`; for a `ratio`,
 * when neither measure has one. A window is half-open: [first exposure, first exposure + window).
 */
export function compileMetrics(metrics: readonly MetricDefinition[]): CompiledMetrics {
  const values: unknown[] = [];
  const bind: Bind = (value) => `$${(FIXED_PARAMETERS + values.push(value)).toString()}`;
  const plan: Plan = { bind, predictionColumns: [], outcomeColumns: [], labelGroups: [] };
  const tuples = metrics.map((metric, index) => metricTuple(plan, metric, index));
  let ctes = UNITS_AND_REQUESTS;
  let joins = '';
  if (plan.predictionColumns.length > 0) {
    ctes += `,
  from_predictions AS (
    SELECT unit_key, ${plan.predictionColumns.join(', ')} FROM requests GROUP BY unit_key
  )`;
    joins += ' LEFT JOIN from_predictions USING (unit_key)';
  }
  if (plan.outcomeColumns.length + plan.labelGroups.length > 0) ctes += NAMED_AND_ANSWERS;
  if (plan.outcomeColumns.length > 0) {
    ctes += outcomeCtes(plan, bind(outcomeNames(metrics, ['outcome'])));
    joins += ' LEFT JOIN from_outcomes USING (unit_key)';
  }
  for (const [index, group] of plan.labelGroups.entries()) {
    ctes += labelCtes(plan, group, index);
    joins += ` LEFT JOIN from_labels_${index.toString()} USING (unit_key)`;
  }
  ctes += `,
  fresh AS MATERIALIZED (
    SELECT u.unit_key, m.metric, u.variant, u.phase, trim_scale(m.y) AS y, trim_scale(m.d) AS d,
      u.t0 + m.span AS matures_at
    FROM u${joins}
    CROSS JOIN LATERAL (VALUES ${tuples.join(', ')}) AS m (metric, y, d, span)
    WHERE m.y IS NOT NULL AND NOT u.crossover
  )`;
  return { ctes, values, outcomes: outcomeNames(metrics, ['outcome', 'label']) };
}
