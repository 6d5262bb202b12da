import type { FrozenDesign, OperationalLimits } from '../experiments/experiment.js';
import type { MetricCell } from '../metrics/metric.js';
import type { LimitAssessment } from '../statistics/assessment.js';
import { asymptoticSequenceInformationTime } from '../statistics/confidence-sequence.js';
import { shareLimitLogE } from '../statistics/share-limit.js';
import type { Evidence } from './evidence.js';
import {
  countsSince,
  type LimitCounts,
  type LimitLooks,
  logWeightOf,
  withLook,
} from './limit-looks.js';

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
const SHARE_OF_RESTARTS = 0.04;

/** Weight of the prior on how far above its limit a share is, in units: outages are found fastest with little. */
const CONCENTRATION = 2;

/** Units at which the sequence for requests of returning units is narrowest: an outage is a matter of minutes. */
const TUNED_TO_UNITS = 100;

/** Clusters below which the normal approximation for returning units is not trusted. */
const MIN_CLUSTERS = 20;

/** What limits are held against; no `limitLooks`: there was no look before, or one of a release that kept none. */
type LimitEvidence = Pick<Evidence, 'design' | 'metricCells' | 'unitCells' | 'limitLooks'>;

/** Every limit of every arm, the control included; absent for a design without limits. */
export function assessLimits(evidence: LimitEvidence): readonly LimitAssessment[] | undefined {
  const { design, limitLooks = [] } = evidence;
  if (design.limits === undefined) return undefined;
  return limitedArms(design).map((arm) => {
    const looks = limitLooks.find((one) => one.variant === arm.variant && one.kind === arm.kind);
    const counts = looks === undefined ? undefined : countsOf(evidence, arm);
    const since = counts === undefined ? [] : (looks?.kept ?? []).map(restartedBy(counts));
    return assessLimit(cellsOf(evidence, arm), arm, since);
  });
}

/** What the look after the one at this evidence needs to know about it; absent for a design without limits. */
export function limitLooksAfter(evidence: LimitEvidence): readonly LimitLooks[] | undefined {
  const { design, limitLooks = [] } = evidence;
  if (design.limits === undefined) return undefined;
  return limitedArms(design).map(({ variant, kind, limit }) => {
    const before = limitLooks.find((one) => one.variant === variant && one.kind === kind);
    const counts = countsOf(evidence, { variant, kind, limit });
    return { variant, kind, ...withLook(before ?? { seen: 0, kept: [] }, counts) };
  });
}

interface LimitedArm {
  readonly variant: string;
  readonly kind: keyof OperationalLimits;
  readonly limit: number;
}

function limitedArms({ limits, variants }: FrozenDesign): readonly LimitedArm[] {
  if (limits === undefined) return [];
  return variants.flatMap(({ name: variant }) =>
    limitsIn(limits).map((limit) => ({ variant, ...limit })),
  );
}

function cellsOf(
  { metricCells }: Pick<Evidence, 'metricCells'>,
  { variant, kind }: LimitedArm,
): readonly MetricCell[] {
  return metricCells.filter(
    (cell) => cell.metric === LIMITED_METRICS[kind] && cell.variant === variant,
  );
}

function countsOf(evidence: LimitEvidence, limited: LimitedArm): LimitCounts {
  const cells = cellsOf(evidence, limited);
  const arm = merged(cells, limited.limit);
  const sum = (of: (cell: MetricCell) => number): number =>
    cells.reduce((total, cell) => total + of(cell), 0);
  const squaredRequests = sum(({ n, meanD, m2D }) => m2D + n * meanD * meanD);
  return {
    ...{ failures: arm.failures, requests: arm.requests, failedRequests: arm.failedRequests },
    squaredFailed: sum(({ n, meanY, m2Y }) => m2Y + n * meanY * meanY),
    units: arm.units,
    m2Requests: arm.units === 0 ? 0 : Math.max(0, squaredRequests - arm.requests ** 2 / arm.units),
    crossovers: evidence.unitCells
      .filter(({ variant }) => variant === limited.variant)
      .reduce((total, cell) => total + cell.crossovers, 0),
  };
}

/** The exact test as it would be if it had begun after a look. */
interface Restart {
  readonly logWeight: number;
  readonly failures: number;
  readonly successes: number;
}

function restartedBy(now: LimitCounts): (look: LimitLooks['kept'][number]) => Restart {
  return (look) => ({ logWeight: logWeightOf(look.look), ...countsSince(look, now) });
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
 * Exceeded when one of these says so.
 *
 * Exact, from the first unit on: of each unit the requests up to its first failure are trials, later ones are not, so
 * that one unit that retries a thousand times is one failure, and requests that succeed speak for the version however
 * often a unit comes back. Cells carry both counts: units with a failure, and requests without one (those of units that
 * had failed before are counted too, which only lowers the e-value).
 *
 * The same, begun anew after looks before this one, so that an outage shows in hours of good requests: the e-values of
 * all beginnings, with weights that sum to 1, are one e-process (an e-detector with a bound on ever raising a false
 * alarm; Shin, Ramdas and Rinaldo 2024). A look that is no longer kept has the e-value 0 from then on.
 *
 * Bound of both: a version of which a request of a unit that has met no failure (since the look) fails with probability
 * at most the limit, whatever came before, is stopped with probability at most 0.96 x LIMIT_ALPHA over all looks
 * (Ville 1939). Simulated in test/unit/analysis/limits-alarms.test.ts.
 *
 * From MIN_CLUSTERS on, where units come back: more than the limit of the *units* met a failure (exact), and more than
 * the limit of the *requests* failed, with units as clusters (asymptotic, at 0.04 x LIMIT_ALPHA).
 */
export function assessLimit(
  cells: readonly MetricCell[],
  { variant, kind, limit }: LimitedArm,
  restarts: readonly Restart[] = [],
): LimitAssessment {
  const arm = merged(cells, limit);
  const { units, failures } = arm;
  const successes = Math.max(0, Math.round(arm.requests - arm.failedRequests));
  const whole = Math.log(SHARE_OF_EXACT) + logEOf(limit, { failures, successes });
  const parts = restarts.map(
    (part) => Math.log(SHARE_OF_RESTARTS) + part.logWeight + logEOf(limit, part),
  );
  const clustered = clusteredPValue(arm, limit) / SHARE_OF_CLUSTERED;
  const pValue = Math.min(1, pOf(logSum([whole, ...parts])), clustered);
  const surest = restarts[parts.indexOf(Math.max(...parts))];
  const isRecent = surest !== undefined && Math.min(pOf(whole), clustered) > LIMIT_ALPHA;
  const exceeded = pValue <= LIMIT_ALPHA;
  return {
    ...{ variant, kind, metric: LIMITED_METRICS[kind], limit, units, failedUnits: failures },
    share: arm.requests > 0 ? arm.failedRequests / arm.requests : null,
    ...{ pValue, alpha: LIMIT_ALPHA, exceeded },
    ...(exceeded && isRecent
      ? { recent: { failedUnits: surest.failures, successes: surest.successes } }
      : {}),
  };
}

/** ln of a sum of values that are given as logarithms. */
function logSum(logs: readonly number[]): number {
  const largest = Math.max(...logs);
  return largest + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - largest), 0));
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

/** Always-valid p-value of "at most the limit of the units meet a failure, or of the requests fail". */
function clusteredPValue(arm: Arm, limit: number): number {
  const { units, failures, returns, meanZ, m2Z } = arm;
  if (!returns || units < MIN_CLUSTERS || meanZ <= 0) return 1;
  const ofUnits = pOf(logEOf(limit, { failures, successes: units - failures }));
  const standardError = Math.sqrt(m2Z / (units - 1) / units);
  // every unit failed in the same way: nothing is left to estimate, the exact test of the units decides
  if (!(standardError > 0)) return ofUnits;
  const look = asymptoticSequenceInformationTime({
    estimate: meanZ,
    standardError,
    plannedStandardError: standardError * Math.sqrt(units / TUNED_TO_UNITS),
    alpha: LIMIT_ALPHA * SHARE_OF_CLUSTERED,
    alternative: 'greater',
  });
  return Math.max(ofUnits, look.kind === 'value' ? look.value.pValue : 1);
}

function pOf(logE: number): number {
  return Math.min(1, Math.exp(-logE));
}
