import { describe, expect, it } from 'vitest';
import { assess } from '../../../src/analysis/assess.js';
import type { PairedEvidence } from '../../../src/analysis/evidence.js';
import type { DecisionPolicy, FrozenDesign } from '../../../src/experiments/experiment.js';
import { freeze } from '../../../src/experiments/freeze.js';
import { decide } from '../../../src/rollouts/policy/decide.js';
import type { Decision, PolicyState } from '../../../src/rollouts/policy/policy.js';
import { errorRate, guards, success } from '../../support/evidence.js';
import {
  logLoss,
  type Pair,
  pairCell,
  pairedOf,
  shadowDesign,
  shadowEvidence,
} from '../../support/paired-evidence.js';
import { randomFrom } from '../analysis/random.js';
import { METRICS, parsed, postedCanary } from '../experiments/experiments.js';

const HOUR = 3_600_000;

interface Scene {
  /** Mean difference of the losses, shadow - primary. */
  readonly gain?: number;
  readonly units?: number;
  /** Units whose copy failed. */
  readonly errors?: number;
  readonly design?: Partial<FrozenDesign>;
  readonly decision?: Partial<DecisionPolicy>;
  readonly state?: Partial<PolicyState>;
  readonly paired?: Partial<PairedEvidence>;
  readonly droppedEvents?: number;
  readonly watermarkMs?: number;
  readonly nowMs?: number;
}

function cellsOf({ gain = -0.1, units = 2000, errors = 0 }: Scene) {
  const random = randomFrom(41);
  const losses = Array.from({ length: units }, (): Pair[] => {
    const loss = random();
    return [[loss, loss + gain + 0.2 * (random() - 0.5)]];
  });
  const failing = Array.from({ length: units }, (_, unit): Pair[] => [[0, unit < errors ? 1 : 0]]);
  return [pairCell('log_loss', losses), pairCell('error_rate', failing)];
}

function decided(scene: Scene): Decision {
  const base = shadowDesign(scene.design);
  const design = { ...base, decision: { ...base.decision, ...scene.decision } };
  const evidence = shadowEvidence([], {
    design,
    paired: pairedOf(cellsOf(scene), scene.paired),
    droppedEvents: scene.droppedEvents ?? 0,
    watermarkMs: scene.watermarkMs ?? 1000,
  });
  const state: PolicyState = {
    ...{ status: 'running', startedAtMs: 0, step: 0, stepStartedAtMs: 0 },
    ...{ approvedStep: null, failedAnalyses: 0, ...scene.state },
  };
  return decide({ design, state, assessment: assess(evidence), nowMs: scene.nowMs ?? 1000 });
}

const counts = (over: Partial<PairedEvidence['counts']>): Pick<PairedEvidence, 'counts'> => ({
  counts: {
    ...{ sent: 2000, answered: 2000, shadowFailed: 0, primaryFailed: 0, bothFailed: 0 },
    ...{ dropped: {}, ...over },
  },
});

describe('the verdict on a shadow', () => {
  it('is "ready for a canary" once it is better and its guardrails hold, and says what it cannot see', () => {
    const { kind, code, toStep, summary } = decided({});
    expect({ kind, code, toStep }).toEqual({
      ...{ kind: 'advance', code: 'ready_for_canary', toStep: null },
    });
    expect(summary).toMatch(/^ready for a canary: v2 is better on log_loss: .* against /);
    expect(summary).toMatch(/cannot show how people react/);
  });

  it('is "not ready" on harm, with both numbers, before everything else', () => {
    const worse = { gain: 0.1, droppedEvents: 7, paired: counts({ dropped: { breaker: 500 } }) };
    const { kind, code, variant, summary } = decided({ ...worse, state: { status: 'paused' } });
    expect({ kind, code, variant }).toEqual({ kind: 'rollback', code: 'not_ready', variant: 'v2' });
    expect(summary).toMatch(/^not ready .*log_loss of v2 is worse: 0\.[56]\d* against 0\.4\d* in/);
  });

  it('is "not ready" for failing copies however good the answers are', () => {
    expect(decided({ errors: 80 })).toMatchObject({ kind: 'rollback', code: 'not_ready' });
    expect(decided({ errors: 80 }).summary).toMatch(/error_rate of v2 is worse: 0\.04 against 0 /);
  });

  describe('with the limit of errors that a design has unless it says otherwise', () => {
    const limits = limitsOfPosted();
    const unanswered = (units: readonly (readonly Pair[])[]): Decision => {
      const cells = [...cellsOf({ gain: 0 }).slice(0, 1), pairCell('error_rate', units)];
      const metrics = [success(logLoss)];
      return decided({ paired: { cells }, design: { limits, metrics } });
    };
    const alike = (count: number, pairs: readonly Pair[]) =>
      Array.from({ length: count }, () => pairs);

    it('is "not ready" for a shadow that does not answer more units than that', () => {
      const { kind, code, summary } = unanswered([
        ...alike(60, [
          [1, 1],
          [0, 1],
        ]),
        ...alike(60, [[0, 0]]),
      ]);
      expect({ kind, code }).toEqual({ kind: 'rollback', code: 'not_ready' });
      expect(summary).toMatch(/v2 did not answer 60 of 120 units a copy, .* above the limit 0.25/);
    });

    it('is nothing yet below the minimum of units, however many requests they made', () => {
      const many = alike(99, new Array<Pair>(10).fill([0, 1]));
      expect(unanswered(many).kind).toBe('hold');
      const one = [new Array<Pair>(500).fill([0, 1]), ...alike(119, [[0, 0]])];
      expect(unanswered(one).kind).toBe('hold');
    });

    it('holds for what a breaker spares the shadow, as for every copy that is missing', () => {
      const gone = counts({ answered: 1990, shadowFailed: 10, dropped: { breaker: 900 } });
      const spared = decided({ paired: gone, design: { limits } });
      expect(spared).toMatchObject({ kind: 'hold', code: 'copies_dropped' });
    });

    it('lets a shadow that answers pass', () => {
      const { code, trace } = decided({ design: { limits } });
      expect(code).toBe('ready_for_canary');
      expect(trace[0]).toMatchObject({ rule: 'limits', outcome: 'pass' });
    });
  });

  it('is no decision while it is only as good', () => {
    expect(decided({ gain: 0 })).toMatchObject({ kind: 'hold', code: 'not_yet_superior' });
  });

  it.each([
    ['events_dropped', { droppedEvents: 1 }],
    ['copies_dropped', { paired: counts({ dropped: { in_flight: 200 } }) }],
    ['copies_failed', { paired: counts({ answered: 1800, shadowFailed: 200 }) }],
    ['stale', { nowMs: HOUR / 2, decision: { noDataGraceMs: HOUR / 4 } }],
    ['paused', { state: { status: 'paused' } as const }],
    ['too_few_units', { units: 99 }],
    ['minimum_runtime', { design: withRuntime(HOUR) }],
    ['guardrail_not_shown', { units: 2600, errors: 5, design: withMargin(0.004) }],
  ] satisfies readonly (readonly [string, Scene])[])('holds good news back: %s', (code, scene) => {
    expect(decided(scene)).toMatchObject({ kind: 'hold', code });
  });

  it('holds while values of one version are missing', () => {
    const paired = pairedOf(cellsOf({}));
    const cells = paired.cells.map((cell) => ({ ...cell, lopsided: 150 }));
    expect(decided({ paired: { cells } })).toMatchObject({ code: 'values_missing' });
  });

  it('does not mind requests that are never mirrored, nor a handful that were dropped', () => {
    const dropped = { method: 90_000, in_flight: 9 };
    const paired = counts({ sent: 100, answered: 100, dropped });
    expect(decided({ paired }).code).toBe('ready_for_canary');
  });

  it('never comes from an experiment without pairs', () => {
    const empty = { paired: { cells: [], units: 0, ...counts({ sent: 0, answered: 0 }) } };
    expect(decided(empty)).toMatchObject({ kind: 'hold', code: 'no_data' });
  });

  it('is only recommended, or only told, when that was asked for', () => {
    const recommended = decided({ decision: { onSuccess: 'recommend' } });
    expect(recommended).toMatchObject({ kind: 'hold', code: 'canary_recommended' });
    const told = decided({ decision: { dryRun: true } });
    expect(told).toMatchObject({ kind: 'hold', code: 'would_advance' });
    const harm = decided({ gain: 0.1, decision: { dryRun: true } });
    expect(harm).toMatchObject({ kind: 'hold', code: 'would_rollback' });
    const advice = decided({ gain: 0.1, decision: { onDeterioration: 'recommend' } });
    expect(advice).toMatchObject({ kind: 'hold', code: 'rollback_recommended' });
  });

  it('is "not shown to be ready" at the time limit, but readiness that is there counts', () => {
    const late = { nowMs: 2 * HOUR, watermarkMs: 2 * HOUR };
    const over = decided({ ...late, gain: 0 });
    expect(over).toMatchObject({ kind: 'inconclusive', code: 'max_runtime' });
    expect(over.summary).toMatch(/^not shown to be ready within/);
    expect(decided(late).code).toBe('ready_for_canary');
  });
});

/** As posted and frozen, so that what is tested is what an experiment has. */
function limitsOfPosted(): NonNullable<FrozenDesign['limits']> {
  const posted = postedCanary({ kind: 'shadow', rollout: undefined });
  const model = { unit: { header: 'x-user' } };
  const { limits } = freeze(parsed(posted), METRICS, model);
  if (limits === undefined) throw new Error('a shadow has a limit of errors');
  return limits;
}

function withMargin(absolute: number): Partial<FrozenDesign> {
  return { metrics: [success(logLoss), guards(errorRate, { absolute })] };
}

function withRuntime(minRuntimeMs: number): Partial<FrozenDesign> {
  return { analysis: { ...shadowDesign().analysis, minRuntimeMs } };
}
