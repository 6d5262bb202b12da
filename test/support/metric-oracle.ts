import type { Exposure, Prediction } from '../../src/events/event.js';
import type {
  LossFunction,
  Measure,
  MetricCell,
  MetricDefinition,
  UnitCell,
} from '../../src/metrics/metric.js';
import type { RollupTarget } from '../../src/metrics/rollup.js';
import { decimal, minus, sumOf, times, toNumber } from './decimal.js';
import type { Decimal } from './decimal.js';
import type { EventRows, StoredOutcome } from './metric-events.js';

/*
 * What the rollup should say, written a second time from the definitions alone: straight loops over all events,
 * no increments, no SQL.
 */

interface Unit {
  readonly key: string;
  readonly first: Exposure;
  readonly crossover: boolean;
  readonly requests: readonly Prediction[];
  readonly requestIds: ReadonlySet<string>;
}

interface Aggregate {
  readonly y: Decimal;
  readonly d: Decimal;
}

interface Value extends Aggregate {
  readonly capped: boolean;
  readonly x: Decimal;
  readonly hasX: boolean;
}

function unitsOf(target: RollupTarget, rows: EventRows): Unit[] {
  const ours = (row: { experimentId: string | null; epoch: number | null }): boolean =>
    row.experimentId === target.experimentId && row.epoch === target.epoch;
  const exposures = (rows.exposures ?? []).filter(ours);
  const predictions = (rows.predictions ?? []).filter(ours);
  return [...new Set(exposures.map((row) => row.unitKey))].map((key) => {
    const mine = exposures.filter((row) => row.unitKey === key);
    const first = mine.reduce((a, b) =>
      b.atMs < a.atMs || (b.atMs === a.atMs && b.requestId < a.requestId) ? b : a,
    );
    const requests = predictions.filter(
      (row) => row.unitKey === key && (row.atMs >= first.atMs || row.requestId === first.requestId),
    );
    return {
      key,
      first,
      crossover: mine.some((row) => row.variant !== first.variant),
      requests,
      requestIds: new Set([...mine, ...requests].map((row) => row.requestId)),
    };
  });
}

function lossOf(loss: LossFunction, raw: unknown, label: number): Decimal | null {
  const given = typeof raw === 'boolean' ? Number(raw) : typeof raw === 'number' ? raw : null;
  if (loss === 'zero_one') return decimal(given === label ? 0 : 1);
  if (given === null) return null;
  const difference = minus(decimal(given), decimal(label));
  if (loss === 'squared_error') return times(difference, difference);
  if (loss === 'absolute_error') {
    return difference.digits < 0n ? times(difference, decimal(-1)) : difference;
  }
  if (label < 0 || label > 1) return null;
  const p = Math.min(Math.max(given, 1e-15), 0.999999999999999);
  if (loss === 'log_loss') {
    return decimal(
      -(label * Math.log(p) + (1 - label) * Math.log(toNumber(minus(decimal(1), decimal(p))))),
    );
  }
  const clipped = minus(decimal(p), decimal(label));
  return times(clipped, clipped);
}

/** The numbers that the events of a unit contribute to a measure. */
function contributions(
  measure: Measure,
  unit: Unit,
  outcomes: readonly StoredOutcome[],
  until: number,
): Decimal[] {
  const { source } = measure;
  switch (source.kind) {
    case 'outcome':
      return outcomes
        .filter((row) => row.name === source.outcome && row.atMs < until)
        .filter((row) =>
          row.requestId === null
            ? row.unit === unit.key && row.atMs >= unit.first.atMs
            : unit.requestIds.has(row.requestId),
        )
        .map((row) => decimal(row.value));
    case 'prediction':
      return unit.requests
        .filter((row) => row.atMs < until)
        .flatMap((row) => {
          const { measure: what } = source;
          if (what === 'latency_ms') return [decimal(row.latencyMs)];
          if (what === 'error' || what === 'timeout' || what === 'fallback') {
            return [decimal(Number(row[what]))];
          }
          const raw = row.captured?.[what.slice('captured:'.length)];
          return typeof raw === 'number' || typeof raw === 'boolean' ? [decimal(Number(raw))] : [];
        });
    case 'label':
      return unit.requests.flatMap((row) => {
        const labels = outcomes
          .filter((one) => one.requestId === row.requestId && one.name === source.outcome)
          .filter((one) => one.atMs < until)
          .sort((a, b) => a.atMs - b.atMs || (a.id < b.id ? -1 : 1));
        const latest = labels.at(-1);
        if (latest === undefined) return [];
        const loss = lossOf(source.loss, row.captured?.[source.output], latest.value);
        return loss === null ? [] : [loss];
      });
  }
}

function aggregate(measure: Measure, events: readonly Decimal[]): Aggregate {
  switch (measure.aggregation) {
    case 'any':
      return { y: decimal(events.some((one) => one.digits > 0n) ? 1 : 0), d: decimal(1) };
    case 'count':
      return { y: decimal(events.length), d: decimal(1) };
    case 'sum':
      return { y: sumOf(events), d: decimal(1) };
    case 'mean':
      return { y: sumOf(events), d: decimal(events.length) };
  }
}

/** What the outcomes of the unit itself were worth in the look-back before its first exposure. */
function earlier(
  metric: MetricDefinition,
  unit: Unit,
  outcomes: readonly StoredOutcome[],
): Decimal[] {
  const { covariate, numerator } = metric;
  const { source } = numerator;
  if (covariate === null || source.kind !== 'outcome') return [];
  const until = unit.first.atMs;
  return outcomes
    .filter((row) => row.requestId === null && row.unit === unit.key && row.name === source.outcome)
    .filter((row) => row.atMs >= until - covariate.lookbackMs && row.atMs < until)
    .map((row) => decimal(row.value));
}

function valueOf(
  metric: MetricDefinition,
  unit: Unit,
  outcomes: readonly StoredOutcome[],
): Value | null {
  const until = unit.first.atMs + (metric.windowMs ?? Number.POSITIVE_INFINITY);
  const { threshold, winsorizeAt } = metric;
  const raw = contributions(metric.numerator, unit, outcomes, until);
  const top =
    threshold === null ? raw : raw.map((one) => decimal(toNumber(one) > threshold ? 1 : 0));
  const { y, d } = aggregate(metric.numerator, top);
  const before = earlier(metric, unit, outcomes);
  const isAbove = (one: Decimal): boolean =>
    winsorizeAt !== null && minus(one, decimal(winsorizeAt)).digits > 0n;
  const cut = (one: Decimal): Decimal => (isAbove(one) ? decimal(winsorizeAt ?? 0) : one);
  const value = {
    y: cut(y),
    d,
    capped: isAbove(y),
    x: cut(before.length === 0 ? decimal(0) : aggregate(metric.numerator, before).y),
    hasX: before.length > 0,
  };
  if (metric.denominator === null) {
    return metric.missing === 'exclude' && top.length === 0 ? null : value;
  }
  const bottom = contributions(metric.denominator, unit, outcomes, until);
  if (metric.missing === 'exclude' && top.length + bottom.length === 0) return null;
  return { ...value, d: aggregate(metric.denominator, bottom).y };
}

/** Sum of cubed deviations from the mean: the sum of (n y - sum y)^3 is exactly n^3 times that. */
function cubed(values: readonly Decimal[]): number {
  const n = values.length;
  const sum = sumOf(values);
  const cubes = values.map((one) => {
    const deviation = minus(times(decimal(n), one), sum);
    return times(deviation, times(deviation, deviation));
  });
  const { digits, scale } = sumOf(cubes);
  const exact = { digits: n === 0 ? 0n : digits / BigInt(n), scale };
  return Math.abs(toNumber(exact)) < 1e-290 ? 0 : toNumber(exact) / n / n;
}

function moments(
  values: readonly Value[],
  isAdjusted: boolean,
): Pick<MetricCell, 'meanY' | 'm2Y' | 'm3Y' | 'meanD' | 'm2D' | 'coMoment' | 'covariate'> {
  const n = values.length;
  // below 1e-290 a moment is zero by definition: the database refuses to round to it
  const ratio = (exact: Decimal): number =>
    n === 0 || Math.abs(toNumber(exact)) < 1e-290 ? 0 : toNumber(exact) / n;
  const sumY = sumOf(values.map((one) => one.y));
  const third = cubed(values.map((one) => one.y));
  const sumD = sumOf(values.map((one) => one.d));
  const sumX = sumOf(values.map((one) => one.x));
  const central = (products: Decimal, a: Decimal, b: Decimal): number =>
    ratio(minus(times(decimal(n), products), times(a, b)));
  return {
    meanY: ratio(sumY),
    m2Y: central(sumOf(values.map((one) => times(one.y, one.y))), sumY, sumY),
    ...(Math.abs(third) < 1e290 ? { m3Y: third } : {}),
    meanD: ratio(sumD),
    m2D: central(sumOf(values.map((one) => times(one.d, one.d))), sumD, sumD),
    coMoment: central(sumOf(values.map((one) => times(one.y, one.d))), sumY, sumD),
    covariate: isAdjusted
      ? {
          unitsWithData: values.filter((one) => one.hasX).length,
          meanX: ratio(sumX),
          m2X: central(sumOf(values.map((one) => times(one.x, one.x))), sumX, sumX),
          coMomentXY: central(sumOf(values.map((one) => times(one.x, one.y))), sumX, sumY),
        }
      : null,
  };
}

const byArm = <Cell extends { phase: number; variant: string }>(a: Cell, b: Cell): number =>
  a.phase - b.phase || (a.variant < b.variant ? -1 : a.variant > b.variant ? 1 : 0);

/** Cells of a target from all its events, as they are at `nowMs`. */
export function oracleCells(
  target: RollupTarget,
  rows: EventRows,
  nowMs: number,
): { readonly metricCells: MetricCell[]; readonly unitCells: UnitCell[] } {
  const units = unitsOf(target, rows);
  const outcomes = (rows.outcomes ?? []).filter((row) => row.model === target.model);
  const arms = new Map<string, Unit[]>();
  for (const unit of units) {
    const arm = `${unit.first.phase.toString()}/${unit.first.variant}`;
    arms.set(arm, [...(arms.get(arm) ?? []), unit]);
  }
  const metricCells: MetricCell[] = [];
  const unitCells: UnitCell[] = [];
  for (const members of arms.values()) {
    const { phase = 0, variant = '' } = members[0]?.first ?? {};
    const counted = members.filter((unit) => !unit.crossover);
    unitCells.push({
      phase,
      variant,
      units: counted.length,
      crossovers: members.length - counted.length,
      carryOver: 0,
    });
    for (const metric of target.metrics) {
      const mature: Value[] = [];
      let pending = 0;
      for (const unit of counted) {
        const value = valueOf(metric, unit, outcomes);
        if (value === null) continue;
        if (unit.first.atMs + (metric.windowMs ?? 0) <= nowMs || metric.windowMs === null)
          mature.push(value);
        else pending += 1;
      }
      if (mature.length + pending === 0) continue;
      const events = mature.filter((one) => one.y.digits > 0n).length;
      metricCells.push({
        metric: metric.name,
        phase,
        variant,
        n: mature.length,
        pending,
        ...moments(mature, metric.covariate !== null),
        events,
        capped: mature.filter((one) => one.capped).length,
      });
    }
  }
  const byMetric = (a: MetricCell, b: MetricCell): number =>
    a.metric < b.metric ? -1 : a.metric > b.metric ? 1 : byArm(a, b);
  return { metricCells: metricCells.sort(byMetric), unitCells: unitCells.sort(byArm) };
}
