import { MAX_MAGNITUDE } from './measure-sql.js';

/**
 * Whose events a statement is about. All have `u(unit_key, variant, phase, t0, first_request)` and `requests`
 * (what was answered to them since t0) in common, so that a metric means the same everywhere.
 */
export interface Population {
  /** How many parameters come before those of the metrics. */
  readonly fixedParameters: number;
  /** The parameter that holds the model. */
  readonly model: string;
  /** Common table expressions `u` and `requests`. */
  readonly unitsAndRequests: string;
  /** Requests of the units that were exposed, answered or not: unit_key, request_id. */
  readonly exposedRequests: string;
  /** Further condition on outcomes `o` of units `u`. */
  readonly outcomesToo: string;
  /** Condition on outcomes of requests: those of `named`, or more when there are too many to look up one by one. */
  readonly answersToo: string;
}

/** $1 experiment, $2 epoch, $3 unit keys, $4 model: the units of a batch; one seen in two variants has no values. */
export const BATCH: Population = {
  fixedParameters: 4,
  model: '$4',
  // PostgreSQL refuses a parameter that a statement does not use, so the model is named in any case
  unitsAndRequests: `
  u AS MATERIALIZED (
    SELECT unit_key, variant, phase, first_exposed_at AS t0, first_request
    FROM experiment_units
    WHERE experiment_id = $1 AND epoch = $2 AND unit_key = ANY ($3::text[]) AND NOT crossover
      AND $4::text IS NOT NULL
  ),
  -- the request of the first exposure counts even if its two events carry slightly different times
  requests AS MATERIALIZED (
    SELECT u.unit_key, u.t0, p.request_id, p.at, p.latency_ms, p.error, p.timeout, p.fallback, p.captured
    FROM event_predictions p JOIN u ON u.unit_key = p.unit_key
    WHERE p.experiment_id = $1 AND p.epoch = $2 AND p.unit_key = ANY ($3::text[])
      AND (p.at >= u.t0 OR p.request_id = u.first_request)
  )`,
  exposedRequests: `
    SELECT e.unit_key, e.request_id FROM event_exposures e JOIN u ON u.unit_key = e.unit_key
    WHERE e.experiment_id = $1 AND e.epoch = $2 AND e.unit_key = ANY ($3::text[])`,
  outcomesToo: 'AND o.unit_key = ANY ($3::text[])',
  answersToo: 'request_id = ANY (ARRAY(SELECT request_id FROM named))',
};

/** The day partition of a moment, as a date. */
export function utcDay(at: string): string {
  return `(${at}::timestamptz AT TIME ZONE 'UTC')::date`;
}

/** Partitions that the look-back can need; `slackDays` where an id may be a moment before or after its event. */
function lookbackDays(day: string, slackDays: 0 | 1): string {
  const [from, to] = [utcDay('(SELECT min(t0) FROM u)'), utcDay('$2')];
  const slack = slackDays.toString();
  return `${day} >= ${from} - ${slack} AND ${day} <= ${to} + ${slack}`;
}

/** $1 when each unit was first seen, $2 the end, $3 unit keys, $4 model: units before an experiment. */
export const LOOKBACK: Population = {
  fixedParameters: 4,
  model: '$4',
  unitsAndRequests: `
  u AS MATERIALIZED (
    SELECT unit_key, 'before'::text AS variant, 0 AS phase, t0, NULL::uuid AS first_request
    FROM unnest($3::text[], $1::timestamptz[]) AS s (unit_key, t0) WHERE $4::text IS NOT NULL
  ),
  requests AS MATERIALIZED (
    SELECT u.unit_key, u.t0, p.request_id, p.at, p.latency_ms, p.error, p.timeout, p.fallback, p.captured
    FROM event_predictions p JOIN u ON u.unit_key = p.unit_key
    WHERE p.model = $4 AND p.at >= u.t0 AND p.at < $2::timestamptz AND ${lookbackDays('p.day', 1)}
  )`,
  exposedRequests: `
    SELECT e.unit_key, e.request_id FROM event_exposures e JOIN u ON u.unit_key = e.unit_key
    WHERE e.model = $4 AND e.at >= u.t0 AND e.at < $2::timestamptz AND ${lookbackDays('e.day', 1)}`,
  outcomesToo: `AND o.at < $2::timestamptz AND ${lookbackDays('o.day', 0)}`,
  answersToo: `model = $4 AND request_id IS NOT NULL AND at < $2::timestamptz AND ${lookbackDays('day', 0)}`,
};

/**
 * Requests of the units and the outcomes that may name one of them. Materialized on its own, so that for a batch the
 * index on request ids is the only way in: with `model` beside it the planner once walked the whole model and compared
 * each row with 100,000 ids.
 */
export function namedAndAnswers({ exposedRequests, answersToo }: Population): string {
  return `,
  named AS MATERIALIZED (${exposedRequests}
    UNION
    SELECT unit_key, request_id FROM requests
  ),
  answers AS MATERIALIZED (
    SELECT id, request_id, model, name, value, at FROM event_outcomes
    WHERE ${answersToo}
  )`;
}

/**
 * Outcomes of the units as `happened(unit_key, t0, name, at, v)`; `names` is a parameter. Outcomes by
 * unit count from the first exposure on; one that names a request came after that request.
 */
export function outcomesSince({ model, outcomesToo }: Population, names: string): string {
  const kept = `o.model = ${model} AND o.name = ANY (${names}::text[]) AND abs(o.value) <= ${MAX_MAGNITUDE}`;
  return `,
  happened AS (
    SELECT u.unit_key, u.t0, o.name, o.at, o.value::text::numeric AS v
    FROM event_outcomes o JOIN u ON u.unit_key = o.unit_key
    WHERE ${kept} ${outcomesToo} AND o.request_id IS NULL AND o.at >= u.t0
    UNION ALL
    SELECT u.unit_key, u.t0, o.name, o.at, o.value::text::numeric AS v
    FROM named n JOIN u ON u.unit_key = n.unit_key JOIN answers o ON o.request_id = n.request_id
    WHERE ${kept}
  )`;
}

/** As `outcomesSince`, but `earlier`: outcomes that name the unit, at most `longest` ms before its first exposure. */
export function outcomesBefore(
  { model, outcomesToo }: Population,
  { names, longest }: { readonly names: string; readonly longest: string },
): string {
  return `,
  earlier AS (
    SELECT u.unit_key, u.t0, o.name, o.at, o.value::text::numeric AS v
    FROM event_outcomes o JOIN u ON u.unit_key = o.unit_key
    WHERE o.model = ${model} AND o.name = ANY (${names}::text[]) AND abs(o.value) <= ${MAX_MAGNITUDE}
      ${outcomesToo} AND o.request_id IS NULL AND o.at < u.t0
      AND o.at >= u.t0 - ${longest}::float8 * interval '1 millisecond'
  )`;
}
