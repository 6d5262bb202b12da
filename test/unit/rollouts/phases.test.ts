import { describe, expect, it } from 'vitest';
import { assessQuality } from '../../../src/analysis/quality.js';
import { assess } from '../../../src/analysis/assess.js';
import type { Evidence } from '../../../src/analysis/evidence.js';
import type { Experiment, RolloutState } from '../../../src/experiments/experiment.js';
import { experimentPlan } from '../../../src/experiments/experiment-plan.js';
import { placementOf } from '../../../src/routing/assign.js';
import type { ExperimentPlan } from '../../../src/routing/plan.js';
import { type Action, changeOf, startOf } from '../../../src/rollouts/change.js';
import { livePhases } from '../../../src/rollouts/phases.js';
import { closeAction, reweighAction } from '../../../src/rollouts/manual-action.js';
import { evidenceOf, rateCell } from '../../support/evidence.js';
import { postedAb, startedExperiment } from '../experiments/experiments.js';

/** An `ab` of three arms, 2:1:1, at coverage 0.4, and its plan after some actions. */
function after(...actions: readonly Action[]): {
  readonly experiment: Experiment;
  readonly plans: readonly ExperimentPlan[];
} {
  const base = startedExperiment(postedAb());
  if (base.design === null) throw new Error('a design');
  const start = startOf(base.design, 0);
  if (start.traffic.kind !== 'enrol') throw new Error('enrolled');
  let experiment: Experiment = { ...base, rollout: start.rollout };
  const plans = [experimentPlan(experiment, start.traffic, null)];
  for (const action of actions) {
    const change = changeOf(experiment, action, 1_000);
    experiment = { ...experiment, rollout: change.rollout };
    if (change.traffic.kind !== 'enrol') continue;
    plans.push(experimentPlan(experiment, change.traffic, plans.at(-1) ?? null));
  }
  return { experiment, plans };
}

const CLOSE_B: Action = { kind: 'close', variant: 'b' };
const REWEIGH: Action = { kind: 'reweigh', weights: { control: 1, b: 1, c: 2 }, coverage: 0.8 };

const units = Array.from({ length: 20_000 }, (_, unit) => `unit-${String(unit)}`);

function rolloutOf({ experiment }: { readonly experiment: Experiment }): RolloutState {
  if (experiment.rollout === null) throw new Error('a rollout');
  return experiment.rollout;
}

describe('closing an arm', () => {
  it('moves nobody: its units leave, all others stay where they are', () => {
    const { plans } = after(CLOSE_B);
    const [before, now] = plans as [ExperimentPlan, ExperimentPlan];
    for (const unit of units) {
      const was = placementOf(before, unit)?.variant.name;
      const place = placementOf(now, unit);
      expect(place?.variant.name).toBe(was);
      expect(place?.variant.closed === true).toBe(was === 'b');
    }
  });

  it('begins a stratum with the split that is left', () => {
    const { phases, closed } = rolloutOf(after(CLOSE_B));
    expect(closed).toEqual(['b']);
    expect(phases.map(({ phase, coverage }) => [phase, coverage])).toEqual([
      [1, 0.4],
      [2, 0.4],
    ]);
    expect(phases[1]?.shares['b']).toBe(0);
    expect(phases[1]?.shares['control']).toBeCloseTo(2 / 3, 12);
    expect(phases[1]?.shares['c']).toBeCloseTo(1 / 3, 12);
  });

  it('begins a stratum in every segment', () => {
    const result = after(REWEIGH, CLOSE_B);
    expect(livePhases(rolloutOf(result)).map(({ phase, coverage }) => [phase, coverage])).toEqual([
      [3, 0.4],
      [4, 0.8],
    ]);
    expect(result.plans.at(-1)?.segments).toEqual([
      { upTo: 0.4, weights: [2, 1, 1], phase: 3 },
      { upTo: 0.8, weights: [1, 1, 2], phase: 4 },
    ]);
  });

  it('is refused for the last arm, the control, and an arm that was closed', () => {
    const { experiment } = after(CLOSE_B);
    expect(() => closeAction(experiment, 'c')).toThrow(/last arm/);
    expect(() => closeAction(experiment, 'b')).toThrow(/no open arm/);
    expect(() => closeAction(after().experiment, 'control')).toThrow(/no open arm/);
    expect(closeAction(after().experiment, 'b')).toEqual(CLOSE_B);
  });
});

describe('other weights', () => {
  it('move no enrolled unit and deal out the new ones', () => {
    const { plans } = after(REWEIGH);
    const [before, now] = plans as [ExperimentPlan, ExperimentPlan];
    const fresh = new Map<string, number>();
    for (const unit of units) {
      const was = placementOf(before, unit);
      const is = placementOf(now, unit);
      if (was !== null) {
        expect(is).toMatchObject({ variant: was.variant, phase: 1 });
        continue;
      }
      if (is === null) continue;
      expect(is.phase).toBe(2);
      fresh.set(is.variant.name, (fresh.get(is.variant.name) ?? 0) + 1);
    }
    const total = [...fresh.values()].reduce((sum, count) => sum + count, 0);
    expect((fresh.get('c') ?? 0) / total).toBeCloseTo(0.5, 1);
  });

  it('leave a closed arm closed: new units are not dealt to it', () => {
    const weights = { control: 1, c: 1 };
    const { plans, experiment } = after(CLOSE_B, { kind: 'reweigh', weights, coverage: 1 });
    const now = plans.at(-1);
    expect(now?.segments.at(-1)).toEqual({ upTo: 1, weights: [1, 0, 1], phase: 3 });
    expect(now?.variants.map(({ closed }) => closed === true)).toEqual([false, true, false]);
    expect(experiment.rollout?.phases.at(-1)?.shares).toEqual({ control: 0.5, c: 0.5 });
  });

  it.each<[string, Record<string, number>, number, RegExp]>([
    ['without growing coverage', { control: 1, b: 1, c: 1 }, 0.4, /coverage/],
    ['for an unknown arm', { control: 1, b: 1, d: 1 }, 0.8, /open arms/],
    ['that leave an arm out', { control: 1, b: 1 }, 0.8, /open arms/],
  ])('are refused %s', (_what, weights, coverage, message) => {
    expect(() => reweighAction(after().experiment, { weights, coverage })).toThrow(message);
  });

  it('are refused at full coverage, with the reason', () => {
    const { experiment } = after({ ...REWEIGH, coverage: 1 });
    const weights = { control: 1, b: 1, c: 1 };
    expect(() => reweighAction(experiment, { weights, coverage: 1 })).toThrow(/every unit/);
  });
});

describe('the sample ratio', () => {
  /** Every unit that is enrolled at each plan in turn is counted in the stratum of its first exposure. */
  function exposed(plans: readonly ExperimentPlan[], cut: number): Evidence['unitCells'] {
    const counts = new Map<string, number>();
    units.forEach((unit, index) => {
      const plan = plans[Math.min(plans.length - 1, Math.floor(index / cut))];
      const place = plan === undefined ? null : placementOf(plan, unit);
      if (place === null || place.variant.closed === true) return;
      const key = `${String(place.phase)}/${place.variant.name}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    });
    return [...counts].map(([key, count]) => {
      const [phase, variant = ''] = key.split('/');
      return { phase: Number(phase), variant, units: count, crossovers: 0 };
    });
  }

  const result = after(REWEIGH, CLOSE_B);
  const evidence = (unitCells: Evidence['unitCells']): Evidence => ({
    ...evidenceOf([]),
    design: result.experiment.design ?? evidenceOf([]).design,
    phases: rolloutOf(result).phases,
    unitCells,
  });

  it('stays exact while weights change and an arm is closed', () => {
    const { sampleRatio } = assessQuality(evidence(exposed(result.plans, 6_000)));
    expect(sampleRatio.mismatch).toBe(false);
    expect(sampleRatio.runningPValue).toBeGreaterThan(0.05);
    for (const { units: have, expected } of sampleRatio.arms) {
      expect(Math.abs(have - expected)).toBeLessThan(4 * Math.sqrt(expected));
    }
  });

  it('is off when a stratum lacks units of an arm', () => {
    const lossy = exposed(result.plans, 6_000).map((cell) =>
      cell.variant === 'c' ? { ...cell, units: Math.round(cell.units * 0.7) } : cell,
    );
    expect(assessQuality(evidence(lossy)).sampleRatio.mismatch).toBe(true);
  });

  it('zero-weight arm does not break SRM', () => {
    const phases = rolloutOf(after(CLOSE_B)).phases.slice(1);
    const cells = [
      { phase: 2, variant: 'control', units: 2_000, crossovers: 0 },
      { phase: 2, variant: 'c', units: 1_000, crossovers: 0 },
    ];
    const sound = assessQuality({ ...evidence(cells), phases });
    expect(sound.sampleRatio).toMatchObject({ mismatch: false });
    expect(sound.sampleRatio.chiSquarePValue).toBeGreaterThan(0.5);
    const stray = [...cells, { phase: 2, variant: 'b', units: 1, crossovers: 0 }];
    expect(assessQuality({ ...evidence(stray), phases }).sampleRatio.mismatch).toBe(true);
  });

  it('compares a closed arm in the strata that it was in, and in no other', () => {
    const { experiment } = after(CLOSE_B);
    const key = { metric: 'correct' };
    const cells = [1, 2].flatMap((phase) => [
      rateCell({ ...key, variant: 'control', phase }, 40, 400),
      rateCell({ ...key, variant: 'c', phase }, 20, 200),
    ]);
    const closed = rateCell({ ...key, variant: 'b', phase: 1 }, 40, 200);
    const stray = rateCell({ ...key, variant: 'b', phase: 2 }, 2, 2);
    const base = evidence([]);
    const assessment = assess({
      ...base,
      phases: experiment.rollout?.phases ?? [],
      metricCells: [...cells, closed, stray],
    });
    const harm = assessment.metrics.find(({ variant }) => variant === 'b');
    expect(harm?.deterioration).toMatchObject({ kind: 'tested' });
  });
});

describe('units that meet two variants', () => {
  const canary = (phases: Evidence['phases'], unitCells: Evidence['unitCells']) =>
    assessQuality({ ...evidenceOf([]), phases, unitCells }).crossoverAlarm;
  const phase = (number: number, coverage: number) => ({
    ...{ phase: number, coverage, startedAtMs: 0 },
    shares: { control: 1 - Math.max(0.5, coverage), v2: Math.max(0.5, coverage) },
  });
  const cell = (number: number, variant: string, crossovers: number) => ({
    ...{ phase: number, variant, units: 500, crossovers },
  });

  it('are no alarm where a later step of a canary takes them over by design', () => {
    const steps = [phase(1, 0.6), phase(2, 0.9)];
    expect(canary(steps, [cell(1, 'control', 300), cell(2, 'control', 0)])).toBe(false);
    expect(canary(steps, [cell(1, 'v2', 300)])).toBe(true);
    expect(canary(steps, [cell(2, 'control', 300)])).toBe(true);
    expect(canary([phase(1, 0.1), phase(2, 0.5)], [cell(1, 'control', 300)])).toBe(true);
  });

  it('are an alarm in every segment of an A/B test', () => {
    const design = startedExperiment(postedAb()).design ?? evidenceOf([]).design;
    const phases = [phase(1, 0.4), phase(2, 0.8)];
    const unitCells = [cell(1, 'control', 300)];
    const quality = assessQuality({ ...evidenceOf([]), design, phases, unitCells });
    expect(quality.crossoverAlarm).toBe(true);
  });
});

describe('carried-over units', () => {
  it('are shown where they were counted, and stand in nobody’s way', () => {
    const counted = { phase: 1, variant: 'v2', units: 10, crossovers: 0, carryOver: 4 };
    const quality = assessQuality({ ...evidenceOf([]), unitCells: [counted] });
    expect(quality.carryOverUnits).toBe(4);
    expect(assessQuality(evidenceOf([]))).not.toHaveProperty('carryOverUnits');
  });
});
