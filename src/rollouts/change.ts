import {
  controlOf,
  type Experiment,
  type ExperimentStatus,
  type FrozenDesign,
  type Phase,
  type RolloutState,
} from '../experiments/experiment.js';
import { sharesAt } from '../experiments/shares.js';
import { invariant } from '../kernel/assert.js';
import { closing, type Enrolment, enrolmentOf, notBaking, reweighing } from './phases.js';
import type { Decision } from './policy/policy.js';
import { lastRampStep } from './policy/rule.js';

/** What somebody - the policy or a person - wants to happen to a running experiment. */
export type Action =
  | { readonly kind: 'promote'; readonly variant: string }
  | { readonly kind: 'rollback' }
  /** Null: a shadow is ready, and ends. */
  | { readonly kind: 'advance'; readonly toStep: number | null }
  | { readonly kind: 'inconclusive' }
  | { readonly kind: 'abort' }
  | { readonly kind: 'approve' }
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume' }
  | { readonly kind: 'close'; readonly variant: string }
  | {
      readonly kind: 'reweigh';
      /** One per open variant, above 0. */
      readonly weights: Readonly<Record<string, number>>;
      /** Above the present one. */
      readonly coverage: number;
    }
  | { readonly kind: 'hold'; readonly bakingSinceMs?: number }
  | { readonly kind: 'error' };

/** What the policy's decision wants to happen. */
export function actionOfDecision(decision: Decision): Action {
  switch (decision.kind) {
    case 'promote':
      invariant(decision.variant !== null, 'a promotion names its variant');
      return { kind: 'promote', variant: decision.variant };
    case 'advance':
      return { kind: 'advance', toStep: decision.toStep };
    case 'rollback':
      if (decision.scope === undefined) return { kind: 'rollback' };
      invariant(decision.variant !== null, 'an arm that is closed is named');
      return { kind: 'close', variant: decision.variant };
    case 'hold': {
      const { bakingSinceMs } = decision;
      return bakingSinceMs === undefined ? { kind: 'hold' } : { kind: 'hold', bakingSinceMs };
    }
    default:
      return { kind: decision.kind };
  }
}

/** What happens to traffic. */
export type TrafficChange =
  | { readonly kind: 'none' }
  | Enrolment
  | {
      readonly kind: 'withdraw';
      readonly champion: string | null;
      /** The model has a holdout from now on. */
      readonly holdout?: ReverseHoldout;
    }
  /** The holdout of the model ends, and with it the experiment that compares it. */
  | { readonly kind: 'release' };

/** What stays on the old version after a promotion: the ends of the hash range that never had another one. */
export interface ReverseHoldout {
  readonly share: number;
  readonly version: string;
  readonly salt: string;
}

/** The next state of an experiment and what it does to traffic. */
export interface Change {
  readonly status: ExperimentStatus;
  readonly rollout: RolloutState;
  readonly hasEnded: boolean;
  readonly traffic: TrafficChange;
  /** True: the canary that the design names begins in the same transaction. */
  readonly startsNext?: boolean;
}

/** The first state of a rollout: phase 1 begins with the first step's coverage (or the whole of an `ab`). */
export function startOf(design: FrozenDesign, nowMs: number): Change {
  const coverage = coverageAt(design, 0);
  const rollout: RolloutState = {
    step: 0,
    stepStartedAtMs: nowMs,
    approvedStep: null,
    phases: [phaseOf(design, 1, coverage, nowMs)],
  };
  return {
    status: 'running',
    rollout,
    hasEnded: false,
    traffic: { kind: 'enrol', coverage, phase: 1 },
  };
}

/** A rollout that begins anew with another design, in the same status: a paused experiment stays paused. */
export function restartOf(design: FrozenDesign, status: ExperimentStatus, nowMs: number): Change {
  return { ...startOf(design, nowMs), status };
}

/**
 * What an action does to a running or paused experiment. Pure: the effects are carried out by the executor.
 *
 * @param nowMs the database's clock, milliseconds since 1970
 */
export function changeOf(experiment: Experiment, action: Action, nowMs: number): Change {
  const { design, rollout } = experiment;
  invariant(design !== null && rollout !== null, 'a started experiment has a design and a rollout');
  const stays: Change = {
    status: experiment.status,
    rollout,
    hasEnded: false,
    traffic: { kind: 'none' },
  };
  switch (action.kind) {
    case 'promote':
      return promoted(stays, experiment, design, action.variant);
    case 'rollback':
      return ended(stays, 'rolled_back', null);
    case 'inconclusive':
      return ended(stays, 'completed', null);
    case 'abort':
      return ended(stays, 'aborted', null);
    case 'advance':
      if (action.toStep === null) return readyForCanary(stays, design);
      return enrolledFurther(stays, advanced(design, rollout, action.toStep, nowMs));
    case 'close':
      return rephased(stays, closing(rollout, action.variant, nowMs));
    case 'reweigh':
      return reweighed(stays, rollout, action, nowMs);
    case 'approve':
      return { ...stays, rollout: { ...rollout, approvedStep: rollout.step } };
    case 'pause':
      return { ...stays, status: 'paused', rollout: notBaking(rollout) };
    case 'resume':
      return { ...stays, status: 'running' };
    case 'hold':
      return { ...stays, rollout: baking(rollout, action.bakingSinceMs) };
    case 'error':
      return stays;
  }
}

/** The step that follows, or null when the current one is the last that has a control. */
export function nextStep(design: FrozenDesign, rollout: RolloutState): number | null {
  return design.kind === 'canary' && rollout.step < lastRampStep(design) ? rollout.step + 1 : null;
}

/** The rollout in the step that begins now: a new phase at that step's coverage. */
export function advanced(
  design: FrozenDesign,
  before: RolloutState,
  toStep: number,
  nowMs: number,
): RolloutState {
  const phase = before.phases.length + 1;
  return {
    step: toStep,
    stepStartedAtMs: nowMs,
    approvedStep: null,
    phases: [...before.phases, phaseOf(design, phase, coverageAt(design, toStep), nowMs)],
    ...(before.closed === undefined ? {} : { closed: before.closed }),
  };
}

/** A shadow that is ready has done what it can: it ends, and what follows it begins. */
function readyForCanary(stays: Change, design: FrozenDesign): Change {
  invariant(design.kind === 'shadow', 'only a shadow advances to no step');
  return { ...ended(stays, 'completed', null), startsNext: design.next !== undefined };
}

function enrolledFurther(stays: Change, rollout: RolloutState): Change {
  const begun = rollout.phases.at(-1);
  invariant(begun !== undefined, 'a step that begins has a phase');
  const { coverage, phase } = begun;
  return { ...stays, rollout, traffic: { kind: 'enrol', coverage, phase } };
}

/** The winner serves from now on; the old version keeps what the design promised it. */
function promoted(
  stays: Change,
  { salt }: Experiment,
  design: FrozenDesign,
  variant: string,
): Change {
  const change = ended(stays, 'completed', versionOf(design, variant));
  const { reverseHoldout } = design;
  if (reverseHoldout === undefined || change.traffic.kind !== 'withdraw') return change;
  const holdout = { share: reverseHoldout.share, version: controlOf(design).version, salt };
  return { ...change, traffic: { ...change.traffic, holdout } };
}

function rephased(stays: Change, rollout: RolloutState): Change {
  return { ...stays, rollout, traffic: enrolmentOf(rollout) };
}

function reweighed(
  stays: Change,
  before: RolloutState,
  { weights, coverage }: Extract<Action, { kind: 'reweigh' }>,
  nowMs: number,
): Change {
  const change = rephased(stays, reweighing(before, { weights, coverage, nowMs }));
  return { ...change, traffic: { ...enrolmentOf(change.rollout), weights } };
}

/** Since when a promotion could have happened; left out as soon as it could not. */
function baking(rollout: RolloutState, sinceMs: number | undefined): RolloutState {
  return sinceMs === undefined ? notBaking(rollout) : { ...rollout, bakingSinceMs: sinceMs };
}

function ended(stays: Change, status: ExperimentStatus, champion: string | null): Change {
  return { ...stays, status, hasEnded: true, traffic: { kind: 'withdraw', champion } };
}

function phaseOf(design: FrozenDesign, phase: number, coverage: number, nowMs: number): Phase {
  return { phase, coverage, startedAtMs: nowMs, shares: sharesAt(design, coverage) };
}

function coverageAt(design: FrozenDesign, step: number): number {
  if (design.kind !== 'canary') return design.coverage;
  const coverage = design.steps[step]?.coverage;
  invariant(coverage !== undefined, `a canary has a step ${String(step)}`);
  return coverage;
}

function versionOf(design: FrozenDesign, variant: string): string {
  const found = design.variants.find(({ name }) => name === variant);
  invariant(found !== undefined, `the design has a variant ${variant}`);
  invariant(found.name !== controlOf(design).name, 'the control is not promoted over itself');
  return found.version;
}
