import { assess, runningResults } from '../../src/analysis/assess.js';
import type { Evidence } from '../../src/analysis/evidence.js';
import type { DesignMetric, FrozenDesign, Phase } from '../../src/experiments/experiment.js';
import type { MetricCell, MetricDefinition } from '../../src/metrics/metric.js';
import { advanced, startOf } from '../../src/rollouts/change.js';
import {
  type ArmDraws,
  type ArmModel,
  cellOf,
  draw,
  NO_DRAWS,
} from '../../src/rollouts/planning/arm.js';
import { binomial, type Random } from '../../src/rollouts/planning/random.js';
import { coverageOf, enrolledShare } from '../../src/rollouts/planning/timeline.js';
import { decide } from '../../src/rollouts/policy/decide.js';
import type { Decision, PolicyState } from '../../src/rollouts/policy/policy.js';
import type { Assessment } from '../../src/statistics/assessment.js';
import { designOf, errorRate, evidenceOf, revenue } from '../../test/support/evidence.js';

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/** An experiment and the world it runs in. */
export interface World {
  readonly design: FrozenDesign;
  /** Units that meet the model. */
  readonly unitsPerHour: number;
  /** Milliseconds after the start, growing. */
  readonly looks: readonly number[];
  /** What the units of an arm do at a time: rates may drift. */
  readonly arm: (metric: string, variant: string, atMs: number) => ArmModel;
  /**
   * `hashed`: units fall into arms at random. `even`: arms are exactly as large as intended, so that the information
   * of the looks repeats and group-sequential boundaries are computed once.
   */
  readonly split: 'hashed' | 'even';
  /** Instead of an equal concurrent control: everybody who does not get the variant. */
  readonly isRestControl?: boolean;
}

export interface Ending {
  /** `stopped` by the caller's own rule; `open`: neither decided nor stopped at the last look. */
  readonly kind: 'promote' | 'rollback' | 'stopped' | 'open';
  readonly atMs: number;
  /** Units of all arms, and of those without the control. */
  readonly units: number;
  readonly treated: number;
}

interface Arm {
  readonly phase: number;
  readonly variant: string;
  readonly control: boolean;
  units: number;
  readonly draws: Map<string, ArmDraws>;
}

/** One experiment through the real assess and decide, from its start to its end or the last look. */
export function run(
  world: World,
  random: Random,
  stops: (assessment: Assessment, evidence: Evidence) => boolean = () => false,
): Ending {
  const { design, looks } = world;
  const arms: Arm[] = [];
  let rollout = startOf(design, 0).rollout;
  let before: { readonly evidence: Evidence; readonly assessment: Assessment } | null = null;
  let lastMs = 0;
  for (const nowMs of looks) {
    const phases = rollout.phases.map((phase) => ({ ...phase, shares: sharesOf(world, phase) }));
    enrol(world, arms, { phases, fromMs: lastMs, toMs: nowMs, step: rollout.step }, random);
    const evidence = evidenceFrom(world, { arms, phases, nowMs }, before);
    const assessment = assess(evidence);
    const hasStopped = stops(assessment, evidence);
    const decision = decideAt(design, rollout, assessment, nowMs);
    const { kind } = decision;
    if (hasStopped) return endingOf('stopped', arms, nowMs);
    if (kind === 'promote' || kind === 'rollback') return endingOf(kind, arms, nowMs);
    if (kind === 'advance' && decision.toStep !== null) {
      rollout = advanced(design, rollout, decision.toStep, nowMs);
    }
    before = { evidence, assessment };
    lastMs = nowMs;
  }
  return endingOf('open', arms, lastMs);
}

function decideAt(
  design: FrozenDesign,
  { step, stepStartedAtMs }: { readonly step: number; readonly stepStartedAtMs: number },
  assessment: Assessment,
  nowMs: number,
): Decision {
  const state: PolicyState = {
    ...{ status: 'running', startedAtMs: 0, step, stepStartedAtMs, failedAnalyses: 0 },
    approvedStep: step,
  };
  return decide({ design, state, assessment, nowMs });
}

function endingOf(kind: Ending['kind'], arms: readonly Arm[], atMs: number): Ending {
  const total = (list: readonly Arm[]): number => list.reduce((sum, { units }) => sum + units, 0);
  return { kind, atMs, units: total(arms), treated: total(arms.filter(({ control }) => !control)) };
}

function sharesOf({ design, isRestControl }: World, phase: Phase): Phase['shares'] {
  if (isRestControl !== true) return phase.shares;
  return Object.fromEntries(
    design.variants.map(({ name, control }) => [
      name,
      control ? 1 - phase.coverage : phase.coverage,
    ]),
  );
}

interface Stretch {
  readonly phases: readonly Phase[];
  readonly fromMs: number;
  readonly toMs: number;
  readonly step: number;
}

function enrol(
  { design, unitsPerHour, arm: models, split, isRestControl }: World,
  arms: Arm[],
  { phases, fromMs, toMs, step }: Stretch,
  random: Random,
): void {
  const phase = phases.at(-1);
  if (phase === undefined) return;
  const enrolled = isRestControl === true ? 1 : enrolledShare(design, coverageOf(design, step));
  const expected = ((toMs - fromMs) / HOUR_MS) * unitsPerHour * enrolled;
  let left = Math.round(expected);
  let rest = 1;
  for (const { name: variant, control } of design.variants) {
    const share = phase.shares[variant] ?? 0;
    const chance = rest <= share ? 1 : share / rest;
    const units = split === 'even' ? Math.round(expected * share) : binomial(random, left, chance);
    left -= units;
    rest -= share;
    const arm = armOf(arms, { phase: phase.phase, variant, control });
    arm.units += units;
    for (const { definition } of design.metrics) {
      const { name } = definition;
      const model = models(name, variant, (fromMs + toMs) / 2);
      arm.draws.set(name, draw(random, model, arm.draws.get(name) ?? NO_DRAWS, units));
    }
  }
}

function armOf(arms: Arm[], key: Pick<Arm, 'phase' | 'variant' | 'control'>): Arm {
  const known = arms.find(({ phase, variant }) => phase === key.phase && variant === key.variant);
  if (known !== undefined) return known;
  const arm: Arm = { ...key, units: 0, draws: new Map() };
  arms.push(arm);
  return arm;
}

interface Data {
  readonly arms: readonly Arm[];
  readonly phases: readonly Phase[];
  readonly nowMs: number;
}

function evidenceFrom(
  { design, arm: models }: World,
  { arms, phases, nowMs }: Data,
  before: { readonly evidence: Evidence; readonly assessment: Assessment } | null,
): Evidence {
  const metricCells = design.metrics.flatMap(({ definition: { name: metric } }) =>
    arms.map(({ phase, variant, draws }): MetricCell => {
      const key = { metric, phase, variant, pending: 0 };
      return cellOf(key, models(metric, variant, nowMs), draws.get(metric) ?? NO_DRAWS);
    }),
  );
  return evidenceOf(metricCells, {
    ...{ design, phases, watermarkMs: nowMs },
    unitCells: arms.map(({ phase, variant, units }) => ({ phase, variant, units, crossovers: 0 })),
    previous: before === null ? [] : runningResults(before.assessment, before.evidence),
    previousSampleRatioPValue: before?.assessment.quality.sampleRatio.runningPValue ?? 1,
  });
}

/** Units that do something good or do not. */
export const converted: MetricDefinition = {
  ...revenue,
  name: 'converted',
  kind: 'proportion',
  numerator: { source: { kind: 'outcome', outcome: 'converted' }, aggregation: 'any' },
};

export const timeoutRate: MetricDefinition = {
  ...errorRate,
  name: 'timeout_rate',
  numerator: { source: { kind: 'prediction', measure: 'timeout' }, aggregation: 'mean' },
};

/** One event or none, per unit. */
export function rate(share: number): ArmModel {
  return { kind: 'events', requests: 1, share, perAffected: 1 };
}

export function values(mean: number, standardDeviation: number): ArmModel {
  return { kind: 'values', requests: 1, mean, standardDeviation };
}

/** An A/B in equal arms unless weights are given. */
export function abDesign(
  metrics: readonly DesignMetric[],
  analysis: Partial<FrozenDesign['analysis']> = {},
  weights: readonly [number, number] = [1, 1],
): FrozenDesign {
  const design = designOf({ kind: 'ab', metrics, steps: [] });
  return {
    ...design,
    variants: design.variants.map((variant, arm) => ({ ...variant, weight: weights[arm] ?? 1 })),
    analysis: { ...design.analysis, maxRuntimeMs: 1e12, ...analysis },
  };
}

const RAMP = [0.01, 0.05, 0.25, 0.5, 1];

/** A canary that spends a day on each step. */
export function rampDesign(
  metrics: readonly DesignMetric[],
  analysis: Partial<FrozenDesign['analysis']>,
): FrozenDesign {
  const hold = { durationMs: DAY_MS, minUnits: 0, approval: false };
  const design = designOf({
    kind: 'canary',
    metrics,
    steps: RAMP.map((coverage) => ({ coverage, hold })),
  });
  return { ...design, analysis: { ...design.analysis, maxRuntimeMs: 1e12, ...analysis } };
}

export function everyHour(hours: number): readonly number[] {
  return Array.from({ length: hours }, (_, hour) => (hour + 1) * HOUR_MS);
}
