import { describe, expect, it } from 'vitest';
import { assess } from '../../../src/analysis/assess.js';
import { referenceDefects } from '../../../src/experiments/references.js';
import type { Experiment, FrozenDesign } from '../../../src/experiments/experiment.js';
import { actionOfDecision, changeOf, startOf } from '../../../src/rollouts/change.js';
import { decide } from '../../../src/rollouts/policy/decide.js';
import { policyState } from '../../../src/rollouts/replay.js';
import type { Assessment } from '../../../src/statistics/assessment.js';
import {
  goodAssessment,
  guardrail,
  HOUR_MS,
  metric,
  readyInput,
  readyState,
  START_MS,
  tested,
} from '../../support/assessments.js';
import {
  designOf,
  evidenceOf,
  guards,
  mistakes,
  rateCell,
  revenue,
  success,
} from '../../support/evidence.js';
import { METRICS, parsed, postedCanary, startedExperiment } from '../experiments/experiments.js';

/** Mistakes of controllers that are in use; each test has the name of one. */
describe('traps', () => {
  it('breach while awaiting approval rolls back', () => {
    const metrics = [metric(), guardrail({ deterioration: tested(true, { pValue: 1e-6 }) })];
    const state = { ...readyState, approvedStep: null };
    expect(decide(readyInput({ state })).code).toBe('awaiting_approval');
    const breach = readyInput({ state, assessment: goodAssessment({ metrics }) });
    expect(decide(breach)).toMatchObject({ kind: 'rollback', code: 'guardrail_deteriorated' });
  });

  it('empty run never promotes', () => {
    const steps = (approval: boolean): FrozenDesign['steps'] =>
      designOf().steps.map((step) => ({ ...step, hold: { ...step.hold, approval } }));
    for (const kind of ['ab', 'canary'] as const) {
      const design = designOf({ kind, steps: kind === 'ab' ? [] : steps(false) });
      for (const cells of [[], [rateCell({ metric: 'mistakes', variant: 'v2' }, 0, 0)]]) {
        const assessment = assess(evidenceOf(cells, { design }));
        for (let hours = 0; hours < 400; hours += 7) {
          const input = readyInput({ design, assessment, nowMs: START_MS + hours * HOUR_MS });
          expect(['hold', 'inconclusive']).toContain(decide(input).kind);
        }
      }
    }
  });

  it('unknown metric refused at creation', () => {
    const model = {
      champion: 'v1',
      versions: [{ name: 'v1' }, { name: 'v2' }],
      capture: { output: { spam: '/spam' }, input: {} },
    };
    const definition = parsed(postedCanary({ metrics: [{ metric: 'corect', role: 'success' }] }));
    expect(referenceDefects(definition, { model, metrics: METRICS })).toMatchObject([
      { field: '/metrics/0/metric', given: 'corect', advice: 'did you mean correct?' },
    ]);
  });

  it.each(['increase', 'decrease'] as const)(
    'inverse metric has the right sign: better is %s',
    (direction) => {
      const definition = { ...mistakes, direction };
      const up = [
        rateCell({ metric: 'mistakes', variant: 'control' }, 100, 1_000),
        rateCell({ metric: 'mistakes', variant: 'v2' }, 400, 1_000),
      ];
      const down = [
        rateCell({ metric: 'mistakes', variant: 'control' }, 400, 1_000),
        rateCell({ metric: 'mistakes', variant: 'v2' }, 100, 1_000),
      ];
      const design = designOf({ kind: 'ab', steps: [], metrics: [success(definition)] });
      const kindOf = (cells: typeof up) => {
        const assessment = assess(evidenceOf(cells, { design }));
        return decide(readyInput({ design, assessment })).kind;
      };
      expect(kindOf(up)).toBe(direction === 'increase' ? 'promote' : 'rollback');
      expect(kindOf(down)).toBe(direction === 'increase' ? 'rollback' : 'promote');
      const guarded = designOf({
        kind: 'ab',
        steps: [],
        metrics: [success(revenue), guards(definition, { absolute: 0.05 })],
      });
      const guardrailOf = (cells: typeof up) =>
        assess(evidenceOf(cells, { design: guarded })).metrics[1]?.nonInferiority;
      expect(guardrailOf(up)).toMatchObject({ passed: direction === 'increase' });
      expect(guardrailOf(down)).toMatchObject({ passed: direction === 'decrease' });
    },
  );

  describe('late worker', () => {
    const steps = [0.01, 0.05, 0.25, 0.5, 1].map((coverage) => ({
      coverage,
      hold: { durationMs: HOUR_MS, minUnits: 0, approval: coverage === 0.25 },
    }));
    const posted = startedExperiment(postedCanary());
    if (posted.design === null) throw new Error('a design');
    const design: FrozenDesign = { ...posted.design, steps };
    const assessment: Assessment = goodAssessment();

    it('skips no step', () => {
      let experiment: Experiment = {
        ...{ ...posted, design },
        rollout: startOf(design, START_MS).rollout,
      };
      const seen: string[] = [];
      // looks a day apart, where steps of an hour were planned
      for (let day = 1; day <= 9; day += 1) {
        const nowMs = START_MS + day * 24 * HOUR_MS;
        const state = policyState(experiment, 0);
        const decision = decide({ design, state, assessment, nowMs });
        seen.push(decision.code === 'step_complete' ? `step ${decision.toStep}` : decision.code);
        const { rollout, status } = changeOf(experiment, actionOfDecision(decision), nowMs);
        experiment = { ...experiment, rollout, status };
        if (status !== 'running') break;
        if (day === 4) {
          const approved = changeOf(experiment, { kind: 'approve' }, nowMs);
          experiment = { ...experiment, rollout: approved.rollout };
        }
      }
      expect(seen).toEqual([
        ...['step 1', 'step 2', 'awaiting_approval', 'awaiting_approval', 'step 3'],
        'success_superior',
      ]);
    });

    it('finds a step that has just begun when two looks come at once', () => {
      const started: Experiment = {
        ...{ ...posted, design },
        rollout: startOf(design, START_MS).rollout,
      };
      const nowMs = START_MS + 48 * HOUR_MS;
      const first = decide({ design, state: policyState(started, 0), assessment, nowMs });
      const { rollout } = changeOf(started, actionOfDecision(first), nowMs);
      const second = decide({
        ...{ design, assessment, nowMs },
        state: policyState({ ...started, rollout }, 0),
      });
      expect([first.code, second.code]).toEqual(['step_complete', 'step_time']);
    });
  });
});
