import type { DesignMetric } from '../../experiments/experiment.js';
import { type MetricCell, shapeOf } from '../../metrics/metric.js';
import {
  mergeMoments,
  mergePairedMoments,
  type Moments,
  NO_MOMENTS,
  NO_PAIRED_MOMENTS,
  type PairedMoments,
} from '../../statistics/moments.js';
import { eventsWithPast, valuesWithPast } from './past.js';
import { binomial, chiSquare, normal, type Random } from './random.js';

/**
 * What the units of one arm do on one metric. `events`: a unit has an event with probability `share` and then
 * `perAffected` of them on average among its requests; `values`: a unit's own mean is normal. `correlation`: of what a
 * unit does with what it did before its first exposure, where the metric is adjusted by that; absent: it is not.
 */
export type ArmModel =
  | {
      readonly kind: 'events';
      readonly requests: number;
      readonly share: number;
      readonly perAffected: number;
      readonly correlation?: number;
    }
  | {
      readonly kind: 'values';
      readonly requests: number;
      readonly mean: number;
      readonly standardDeviation: number;
      readonly correlation?: number;
    };

/** Draws so far of one arm of one phase. */
export interface ArmDraws {
  readonly units: number;
  /** `events` only: units with an event, and all events. */
  readonly affected: number;
  readonly events: number;
  /** `values` only. */
  readonly moments: Moments;
  /** y and what was before, as d; nothing without a correlation. */
  readonly paired: PairedMoments;
}

export const NO_DRAWS: ArmDraws = {
  units: 0,
  affected: 0,
  events: 0,
  moments: NO_MOMENTS,
  paired: NO_PAIRED_MOMENTS,
};

/** The control in figures: its mean, share or ratio, the deviation of a unit's own value, and requests of a unit. */
export interface ArmFigures {
  readonly value: number;
  readonly standardDeviation: number;
  readonly requestsPerUnit: number;
}

/** The control as its figures say. Clustering of events in units follows from the standard deviation. */
export function controlModel(figures: ArmFigures, isEventLike: boolean): ArmModel {
  const { value, standardDeviation, requestsPerUnit: requests } = figures;
  if (!isEventLike) return { kind: 'values', requests, mean: value, standardDeviation };
  const share = affectedShare(value, standardDeviation, requests);
  const perAffected = share > 0 ? Math.max(1, (value * requests) / share) : 1;
  return { kind: 'events', requests, share, perAffected };
}

/** The same arm at another value: as many events per affected unit, more or fewer units affected. */
export function modelAt(model: ArmModel, value: number): ArmModel {
  if (model.kind === 'values') return { ...model, mean: value };
  const { requests } = model;
  const share = Math.min(1, (value * requests) / model.perAffected);
  const perAffected = share > 0 ? Math.max(1, (value * requests) / share) : 1;
  return { ...model, share, perAffected };
}

/** Variance of a unit's own mean. */
export function unitVariance(model: ArmModel): number {
  if (model.kind === 'values') return model.standardDeviation ** 2;
  const { share, requests, perAffected } = model;
  const within = withinAffected(requests, perAffected);
  return (share * within + share * (1 - share) * perAffected ** 2) / requests ** 2;
}

/** Variance of an affected unit's events: 1 + Binomial(requests - 1, (perAffected - 1)/(requests - 1)). */
function withinAffected(requests: number, perAffected: number): number {
  return requests > 1 ? (perAffected - 1) * (1 - (perAffected - 1) / (requests - 1)) : 0;
}

const BISECTIONS = 60;

/** Share of units with an event that gives a unit's mean this deviation; between p (all or none) and r p (one each). */
function affectedShare(rate: number, standardDeviation: number, requests: number): number {
  if (requests === 1 || rate === 0) return rate;
  let low = rate;
  let high = Math.min(1, rate * requests);
  for (let step = 0; step < BISECTIONS; step += 1) {
    const share = (low + high) / 2;
    const perAffected = (rate * requests) / share;
    const variance = unitVariance({ kind: 'events', requests, share, perAffected });
    if (variance > standardDeviation ** 2) low = share;
    else high = share;
  }
  return (low + high) / 2;
}

/** More units of an arm. */
export function draw(random: Random, model: ArmModel, before: ArmDraws, units: number): ArmDraws {
  if (units === 0) return before;
  return model.kind === 'values'
    ? drawValues(random, model, before, units)
    : drawEvents(random, model, before, units);
}

function drawValues(
  random: Random,
  model: Extract<ArmModel, { readonly kind: 'values' }>,
  before: ArmDraws,
  n: number,
): ArmDraws {
  const units = before.units + n;
  const { correlation } = model;
  if (correlation !== undefined) {
    const more = valuesWithPast(random, { ...model, correlation }, n);
    return { ...before, units, paired: mergePairedMoments(before.paired, more) };
  }
  const mean = model.mean + (model.standardDeviation * normal(random)) / Math.sqrt(n);
  const m2 = model.standardDeviation ** 2 * chiSquare(random, n - 1);
  return { ...before, units, moments: mergeMoments(before.moments, { n, mean, m2 }) };
}

function drawEvents(
  random: Random,
  model: Extract<ArmModel, { readonly kind: 'events' }>,
  before: ArmDraws,
  n: number,
): ArmDraws {
  const { requests, share, perAffected, correlation } = model;
  const affected = binomial(random, n, share);
  const more =
    requests > 1
      ? binomial(random, Math.round(affected * (requests - 1)), (perAffected - 1) / (requests - 1))
      : 0;
  const past =
    correlation === undefined
      ? NO_PAIRED_MOMENTS
      : eventsWithPast(random, { share, correlation }, { affected, others: n - affected });
  return {
    ...before,
    units: before.units + n,
    affected: before.affected + affected,
    events: before.events + affected + more,
    paired: mergePairedMoments(before.paired, past),
  };
}

/** The cell that the rollup would have made of the draws. */
export function cellOf(
  key: Pick<MetricCell, 'metric' | 'phase' | 'variant'> & { readonly pending: number },
  model: ArmModel,
  draws: ArmDraws,
): MetricCell {
  const { units: n, affected, events, moments, paired } = draws;
  const { requests } = model;
  const covariate =
    model.correlation === undefined
      ? null
      : {
          ...{ unitsWithData: n, meanX: paired.meanD, m2X: paired.m2D },
          coMomentXY: paired.coMoment,
        };
  const rest = { meanD: n === 0 ? 0 : requests, m2D: 0, coMoment: 0, capped: 0, covariate };
  if (model.kind === 'values') {
    const { mean, m2 } =
      model.correlation === undefined ? moments : { mean: paired.meanY, m2: paired.m2Y };
    const m2Y = requests ** 2 * m2;
    return { ...key, n, meanY: requests * mean, m2Y, ...rest, events: n };
  }
  const meanY = n === 0 ? 0 : events / n;
  const perAffected = affected === 0 ? 1 : events / affected;
  const squares = affected * (withinAffected(requests, perAffected) + perAffected ** 2);
  const m2Y = Math.max(0, squares - n * meanY ** 2);
  return { ...key, n, meanY, m2Y, ...rest, events: affected };
}

/** Whether a unit's requests are the denominator (d = 1 otherwise). */
export function isPerRequest({ definition }: DesignMetric): boolean {
  return shapeOf(definition) === 'ratio';
}
