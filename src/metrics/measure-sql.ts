import { assertNever } from '../kernel/assert.js';
import type { LossFunction, Measure, MetricSource } from './metric.js';

/*
 * Single events as SQL: what they contribute, and how the contributions of a unit become one number.
 */

/**
 * Contributions beyond this are left out like missing ones: sums of squares over 10^9 units of 10^9 events
 * still fit a double (10^276), so one absurd value cannot make every later analysis fail.
 */
export const MAX_MAGNITUDE = '1e120';

/** Makes a parameter of a value and answers its name. */
export type Bind = (value: unknown) => string;

/** A measure of one unit, as expressions over the joined aggregates; null before its first event. */
export interface Aggregate {
  readonly y: string;
  readonly d: string;
  readonly present: string;
}

function decimal(float: string): string {
  return `CASE WHEN abs(${float}) <= ${MAX_MAGNITUDE} THEN ${float}::text::numeric END`;
}

/** A captured field as a number: booleans are 0 and 1, texts and absent fields are missing. */
export function captured(name: string): string {
  return `CASE jsonb_typeof(captured -> ${name}::text)
      WHEN 'number' THEN (captured ->> ${name}::text)::numeric
      WHEN 'boolean' THEN (captured ->> ${name}::text)::boolean::integer::numeric END`;
}

function bounded(number: string): string {
  return `CASE WHEN abs(${number}) <= ${MAX_MAGNITUDE} THEN ${number} END`;
}

/** A decimal as a double; one that is too small for it is 0, where the plain cast would fail. */
export function double(number: string): string {
  return `CASE WHEN abs(${number}) < 1e-290 THEN 0 ELSE (${number})::float8 END`;
}

export function predictionValue(source: MetricSource & { kind: 'prediction' }, bind: Bind): string {
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
export function lossValue(loss: LossFunction, q: string): string {
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
      // multiplied as decimals: doubles refuse a product that is too small, and one odd label would stop everything
      return `CASE WHEN ${probable} THEN
        -(v * ln((${p})::float8)::text::numeric + (1 - v) * ln((1 - ${p})::float8)::text::numeric) END`;
    default:
      return assertNever(loss);
  }
}

/** The two columns that every aggregation needs: the number itself and how many events made it. */
export function columnsOf(
  measure: Measure,
  id: string,
  value: string,
  condition: string,
): string[] {
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

export function aggregateOf(measure: Measure, alias: string, id: string): Aggregate {
  const y = `coalesce(${alias}.y${id}, 0)::numeric`;
  const count = `coalesce(${alias}.c${id}, 0)`;
  return {
    y: measure.aggregation === 'any' ? `(${y} > 0)::integer::numeric` : y,
    d: measure.aggregation === 'mean' ? `${count}::numeric` : '1::numeric',
    present: `${count} > 0`,
  };
}
