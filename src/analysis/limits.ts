import type { FrozenDesign, OperationalLimits } from '../experiments/experiment.js';
import type { MetricCell } from '../metrics/metric.js';
import type { LimitAssessment } from '../statistics/assessment.js';
import { asymptoticSequenceInformationTime } from '../statistics/confidence-sequence.js';
import { shareLimitLogE } from '../statistics/share-limit.js';
import type { Evidence } from './evidence.js';

/** The built-in metric that each limit is about. */
export const LIMITED_METRICS = {
  errorRate: 'error_rate',
  timeoutRate: 'timeout_rate',
} as const satisfies Record<keyof OperationalLimits, string>;

/**
 * Level of each limit of each arm over all looks together, beside the alpha of the design: a version that is exactly
 * at its limit is stopped in one of 1,000 experiments, one of which every unit fails after 7 units (limit 0.25).
 */
const LIMIT_ALPHA = 0.001;

/**
 * How the level is divided (the sum is 1). The exact test has nearly all of it; the one with units as clusters, which
 * also sees that a part of the requests of returning units fails, the rest.
 */
const SHARE_OF_EXACT = 0.92;
const SHARE_OF_CLUSTERED = 0.04;

/** Weight of the prior on how far above its limit a share is, in units: outages are found fastest with little. */
const CONCENTRATION = 2;

/** Units at which the sequence for requests of returning units is narrowest: an outage is a matter of minutes. */
const TUNED_TO_UNITS = 100;

/** Clusters below which the normal approximation for returning units is not trusted. */
const MIN_CLUSTERS = 20;

/** Every limit of every arm, the control included; absent for a design without limits. */
export function assessLimits({
  design,
  metricCells,
}: Pick<Evidence, 'design' | 'metricCells'>): readonly LimitAssessment[] | undefined {
  const { limits } = design;
  if (limits === undefined) return undefined;
  return design.variants.flatMap(({ name }) =>
    limitsIn(limits).map(({ kind, limit }) => {
      const cells = metricCells.filter(
        (cell) => cell.metric === LIMITED_METRICS[kind] && cell.variant === name,
      );
      return assessLimit(cells, { variant: name, kind, limit });
    }),
  );
}

/** Names of the metrics that the limits of a design are held against. */
export function limitedMetrics({ limits }: Pick<FrozenDesign, 'limits'>): readonly string[] {
  return limits === undefined ? [] : limitsIn(limits).map(({ kind }) => LIMITED_METRICS[kind]);
}

function limitsIn(
  limits: OperationalLimits,
): readonly { readonly kind: keyof OperationalLimits; readonly limit: number }[] {
  return (['errorRate', 'timeoutRate'] as const).flatMap((kind) => {
    const limit = limits[kind];
    return limit === null ? [] : [{ kind, limit }];
  });
}

/**
 * Exceeded when either of two tests says so.
 *
 * Exact, from the first unit on: of each unit the requests up to its first failure are trials, later ones are not, so
 * that one unit that retries a thousand times is one failure, and requests that succeed speak for the version however
 * often a unit comes back. Cells carry both counts: units with a failure, and requests without one (those of units that
 * had failed before are counted too, which only lowers the e-value). Bound: a version of which a request of a unit
 * that has met no failure yet fails with probability at most the limit, whatever came before, is stopped with
 * probability at most SHARE_OF_EXACT x LIMIT_ALPHA over all looks (Ville 1939).
 *
 * From MIN_CLUSTERS on, where units come back: more than the limit of the *units* met a failure (exact), and more than
 * the limit of the *requests* failed, with units as clusters (asymptotic, at SHARE_OF_CLUSTERED).
 */
export function assessLimit(
  cells: readonly MetricCell[],
  { variant, kind, limit }: { variant: string; kind: keyof OperationalLimits; limit: number },
): LimitAssessment {
  const arm = merged(cells, limit);
  const { units, failures } = arm;
  const successes = Math.max(0, Math.round(arm.requests - arm.failedRequests));
  const exact = pOf(logEOf(limit, { failures, successes }));
  const clustered = arm.returns
    ? Math.max(
        pOf(logEOf(limit, { failures, successes: units - failures })),
        requestsPValue(arm, LIMIT_ALPHA * SHARE_OF_CLUSTERED),
      )
    : 1;
  const pValue = Math.min(1, exact / SHARE_OF_EXACT, clustered / SHARE_OF_CLUSTERED);
  return {
    ...{ variant, kind, metric: LIMITED_METRICS[kind], limit, units, failedUnits: failures },
    share: arm.requests > 0 ? arm.failedRequests / arm.requests : null,
    ...{ pValue, alpha: LIMIT_ALPHA, exceeded: pValue <= LIMIT_ALPHA },
  };
}

function logEOf(
  limit: number,
  { failures, successes }: { readonly failures: number; readonly successes: number },
): number {
  const counts = { units: failures + successes, failures };
  return shareLimitLogE({ limit, concentration: CONCENTRATION }, counts);
}

interface Arm {
  readonly units: number;
  readonly failures: number;
  readonly requests: number;
  readonly failedRequests: number;
  /** True when some unit made several requests. */
  readonly returns: boolean;
  /** Mean and sum of squared deviations of z = failed requests - limit x requests of a unit. */
  readonly meanZ: number;
  readonly m2Z: number;
}

/** All phases together: a limit is absolute, so there is nothing that drift between phases could be mistaken for. */
function merged(cells: readonly MetricCell[], limit: number): Arm {
  let arm: Arm = {
    ...{ units: 0, failures: 0, requests: 0, failedRequests: 0 },
    ...{ returns: false, meanZ: 0, m2Z: 0 },
  };
  for (const { n, events, meanY, m2Y, meanD, m2D, coMoment } of cells) {
    if (n === 0) continue;
    const mean = meanY - limit * meanD;
    const m2 = m2Y - 2 * limit * coMoment + limit * limit * m2D;
    const units = arm.units + n;
    const gap = mean - arm.meanZ;
    arm = {
      units,
      failures: arm.failures + events,
      requests: arm.requests + n * meanD,
      failedRequests: arm.failedRequests + n * meanY,
      returns: arm.returns || meanD !== 1 || m2D !== 0,
      // Chan, Golub and LeVeque 1979
      meanZ: arm.meanZ + (gap * n) / units,
      m2Z: arm.m2Z + m2 + (gap * gap * arm.units * n) / units,
    };
  }
  return arm;
}

/** Always-valid p-value of "at most the limit of the requests fail", with units as clusters. */
function requestsPValue({ units, meanZ, m2Z }: Arm, alpha: number): number {
  if (units < MIN_CLUSTERS || meanZ <= 0) return 1;
  const standardError = Math.sqrt(m2Z / (units - 1) / units);
  // every unit failed in the same way: nothing is left to estimate, the exact test of the units decides
  if (!(standardError > 0)) return 0;
  const look = asymptoticSequenceInformationTime({
    estimate: meanZ,
    standardError,
    plannedStandardError: standardError * Math.sqrt(units / TUNED_TO_UNITS),
    alpha,
    alternative: 'greater',
  });
  return look.kind === 'value' ? look.value.pValue : 1;
}

function pOf(logE: number): number {
  return Math.min(1, Math.exp(-logE));
}
