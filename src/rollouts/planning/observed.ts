import type { DesignMetric } from '../../experiments/experiment.js';
import { assertNever } from '../../kernel/assert.js';
import type {
  LossFunction,
  Measure,
  MetricDefinition,
  MetricSource,
} from '../../metrics/metric.js';
import { pairedMomentsOf } from '../../statistics/moments.js';
import { MIN_OBSERVED_UNITS, type Observation, type ObservedCovariate } from './baseline.js';

const DAY_MS = 86_400_000;

/** Traffic that was seen for a shorter time says nothing about days. */
const MIN_SEEN_MS = 3_600_000;

/** An answered request of the model. */
export interface SeenRequest {
  readonly requestId: string;
  readonly unitKey: string;
  readonly atMs: number;
  readonly version: string;
  readonly latencyMs: number;
  readonly error: boolean;
  readonly timeout: boolean;
  readonly fallback: boolean;
  readonly captured: Readonly<Record<string, unknown>> | null;
}

/** Something that happened to a unit, or to one of its requests. */
export interface SeenOutcome {
  readonly requestId: string | null;
  readonly unitKey: string;
  readonly name: string;
  readonly value: number;
  readonly atMs: number;
}

/** A stretch of the model's recent past. */
export interface Recent {
  readonly requests: readonly SeenRequest[];
  readonly outcomes: readonly SeenOutcome[];
  readonly nowMs: number;
}

export interface Traffic {
  /** New units per day, had the experiment run while this was seen; null with a reason when it cannot be said. */
  readonly unitsPerDay: number | null;
  readonly reason: string | null;
  readonly unitsSeen: number;
  readonly requestsSeen: number;
  readonly hoursSeen: number;
}

interface SeenUnit {
  readonly firstMs: number;
  readonly requests: SeenRequest[];
  readonly outcomes: SeenOutcome[];
  /** Of the unit itself, before its first request. */
  readonly earlier: SeenOutcome[];
}

/** Units without a past keep the whole variance; fewer with one say nothing of a correlation, as in an analysis. */
const MIN_SHARE_WITH_PAST = 0.05;

/** Distinct units over the time they were seen in: a unit that comes back is enrolled once. */
export function trafficOf({ requests, nowMs }: Recent): Traffic {
  const unitsSeen = new Set(requests.map(({ unitKey }) => unitKey)).size;
  const firstMs = requests.reduce((first, { atMs }) => Math.min(first, atMs), nowMs);
  const seenMs = nowMs - firstMs;
  const seen = { unitsSeen, requestsSeen: requests.length, hoursSeen: seenMs / 3_600_000 };
  if (unitsSeen === 0) {
    return { unitsPerDay: null, reason: 'no request of this model was seen lately', ...seen };
  }
  if (seenMs < MIN_SEEN_MS) {
    return { unitsPerDay: null, reason: 'requests were seen for less than an hour', ...seen };
  }
  return { unitsPerDay: (unitsSeen * DAY_MS) / seenMs, reason: null, ...seen };
}

/** What one version's units look like on each metric; metrics that no unit has a value of are left out. */
export function observationsOf(
  metrics: readonly DesignMetric[],
  version: string,
  recent: Recent,
): ReadonlyMap<string, Observation> {
  const units = unitsOf(version, recent);
  const found = new Map<string, Observation>();
  for (const { definition } of metrics) {
    const observation = observe(definition, units, recent.nowMs);
    if (observation !== null) found.set(definition.name, observation);
  }
  return found;
}

function unitsOf(version: string, { requests, outcomes }: Recent): readonly SeenUnit[] {
  const units = new Map<string, SeenUnit>();
  const byRequest = new Map<string, SeenUnit>();
  for (const request of [...requests].sort((left, right) => left.atMs - right.atMs)) {
    if (request.version !== version) continue;
    const unit = units.get(request.unitKey) ?? {
      ...{ firstMs: request.atMs, requests: [], outcomes: [], earlier: [] },
    };
    unit.requests.push(request);
    units.set(request.unitKey, unit);
    byRequest.set(request.requestId, unit);
  }
  for (const outcome of outcomes) {
    const { requestId, unitKey, atMs } = outcome;
    const unit = requestId === null ? units.get(unitKey) : byRequest.get(requestId);
    if (unit === undefined) continue;
    if (requestId !== null || atMs >= unit.firstMs) unit.outcomes.push(outcome);
    else unit.earlier.push(outcome);
  }
  return [...units.values()];
}

/** Ratio of totals and the deviation of a unit's linearised value (delta method); null without units. */
function observe(
  metric: MetricDefinition,
  units: readonly SeenUnit[],
  nowMs: number,
): Observation | null {
  const rows: (readonly [number, number])[] = [];
  const pasts: Past[] = [];
  for (const unit of units) {
    const row = rowOf(metric, unit, nowMs);
    if (row === null) continue;
    rows.push(row);
    pasts.push({ y: row[0], ...pastOf(metric, unit) });
  }
  const { n, meanY, m2Y, meanD, m2D, coMoment } = pairedMomentsOf(rows);
  if (n < 2 || !(meanD > 0)) return null;
  const value = meanY / meanD;
  const squares = Math.max(0, m2Y - 2 * value * coMoment + value ** 2 * m2D);
  const standardDeviation = Math.sqrt(squares / (n - 1)) / meanD;
  const covariate = (metric.covariate ?? null) === null ? null : covariateIn(pasts);
  return { value, standardDeviation, requestsPerUnit: meanD, units: n, covariate };
}

/** Numerator and denominator of a unit; null while its window is open, or when it has no value. */
function rowOf(
  metric: MetricDefinition,
  unit: SeenUnit,
  nowMs: number,
): readonly [number, number] | null {
  if (metric.windowMs !== null && unit.firstMs + metric.windowMs > nowMs) return null;
  const own = valuesOf(metric.numerator, unit, metric.windowMs);
  const { threshold } = metric;
  const y = threshold === null ? own : own.map((value) => Number(value > threshold));
  const d =
    metric.denominator === null ? null : valuesOf(metric.denominator, unit, metric.windowMs);
  const isPresent = y.length > 0 || (d !== null && d.length > 0);
  if (!isPresent && metric.missing === 'exclude') return null;
  const ofMean = metric.numerator.aggregation === 'mean' ? y.length : 1;
  const bottom =
    metric.denominator === null || d === null ? ofMean : aggregate(metric.denominator, d);
  return [capped(metric, aggregate(metric.numerator, y)), bottom];
}

function capped({ winsorizeAt }: MetricDefinition, value: number): number {
  return winsorizeAt === null ? value : Math.min(value, winsorizeAt);
}

interface Past {
  readonly y: number;
  readonly x: number;
  readonly hasData: boolean;
}

/** The same number over the look-back before the unit was first seen; 0 for a unit without one, as in the rollup. */
function pastOf(metric: MetricDefinition, unit: SeenUnit): Omit<Past, 'y'> {
  const { covariate, numerator } = metric;
  const { source } = numerator;
  if ((covariate ?? null) === null || source.kind !== 'outcome') return { x: 0, hasData: false };
  const fromMs = unit.firstMs - (covariate?.lookbackMs ?? 0);
  const values = unit.earlier
    .filter(({ name, atMs }) => name === source.outcome && atMs >= fromMs)
    .map(({ value }) => value);
  return { x: capped(metric, aggregate(numerator, values)), hasData: values.length > 0 };
}

/** Null with too few units to say, or with too few that have a past. */
function covariateIn(pasts: readonly Past[]): ObservedCovariate | null {
  const unitsWithData = pasts.filter(({ hasData }) => hasData).length;
  const enough = Math.max(MIN_OBSERVED_UNITS, MIN_SHARE_WITH_PAST * pasts.length);
  if (unitsWithData < enough) return null;
  const { n, m2Y, m2D, coMoment } = pairedMomentsOf(pasts.map(({ y, x }) => [y, x]));
  if (!(m2Y > 0 && m2D > 0)) return null;
  const correlation = coMoment / Math.sqrt(m2Y) / Math.sqrt(m2D);
  // perfectly predictable units would need no experiment: nothing can be planned on them
  return Math.abs(correlation) < 1 ? { correlation, units: n, unitsWithData } : null;
}

function aggregate({ aggregation }: Measure, values: readonly number[]): number {
  switch (aggregation) {
    case 'sum':
    case 'mean':
      return values.reduce((sum, value) => sum + value, 0);
    case 'count':
      return values.length;
    case 'any':
      return values.some((value) => value > 0) ? 1 : 0;
    default:
      return assertNever(aggregation);
  }
}

/** A unit's events of a measure, inside the window from its first request. */
function valuesOf({ source }: Measure, unit: SeenUnit, windowMs: number | null): number[] {
  const isInside = ({ atMs }: { readonly atMs: number }): boolean =>
    windowMs === null || atMs < unit.firstMs + windowMs;
  switch (source.kind) {
    case 'prediction':
      return unit.requests.filter(isInside).flatMap((request) => predicted(source, request));
    case 'outcome':
      return unit.outcomes
        .filter((outcome) => outcome.name === source.outcome && isInside(outcome))
        .map(({ value }) => value);
    case 'label':
      return unit.requests.flatMap((request) => {
        const label = unit.outcomes
          .filter(
            ({ name, requestId }) => name === source.outcome && requestId === request.requestId,
          )
          .filter(isInside)
          .reduce<SeenOutcome | null>(
            (last, one) => (last === null || one.atMs >= last.atMs ? one : last),
            null,
          );
        return label === null
          ? []
          : lossOf(source.loss, request.captured?.[source.output], label.value);
      });
    default:
      return assertNever(source);
  }
}

function predicted(source: MetricSource & { kind: 'prediction' }, request: SeenRequest): number[] {
  switch (source.measure) {
    case 'latency_ms':
      return [request.latencyMs];
    case 'error':
    case 'timeout':
    case 'fallback':
      return [Number(request[source.measure])];
    default:
      return numeric(request.captured?.[source.measure.slice('captured:'.length)]);
  }
}

function numeric(value: unknown): number[] {
  if (typeof value === 'boolean') return [Number(value)];
  return typeof value === 'number' && Number.isFinite(value) ? [value] : [];
}

/** As the rollup counts it: an answer without the field is a mistake, and has no other loss. */
function lossOf(loss: LossFunction, captured: unknown, label: number): number[] {
  const answer = numeric(captured)[0];
  if (loss === 'zero_one') return [answer === label ? 0 : 1];
  if (answer === undefined) return [];
  switch (loss) {
    case 'absolute_error':
      return [Math.abs(answer - label)];
    case 'squared_error':
      return [(answer - label) ** 2];
    case 'brier':
      return [(answer - label) ** 2];
    case 'log_loss': {
      const p = Math.min(Math.max(answer, 1e-15), 1 - 1e-15);
      return [-(label * Math.log(p) + (1 - label) * Math.log1p(-p))];
    }
    default:
      return assertNever(loss);
  }
}
