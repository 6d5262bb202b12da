import { assess } from '../analysis/assess.js';
import type { Evidence } from '../analysis/evidence.js';
import type { Report } from '../analysis/report.js';
import { championAtStart, epochStartOf, type Experiment } from '../experiments/experiment.js';
import { invariant } from '../kernel/assert.js';
import { canonicalJson } from '../kernel/json.js';
import { decide } from './policy/decide.js';
import { gated, type GateAnswer } from './policy/gates.js';
import {
  type Decision,
  POLICY_VERSION,
  type PolicyDesign,
  type PolicyState,
} from './policy/policy.js';
import { decisionHash, type StoredDecision } from './stored-decision.js';

/** Everything an automatic decision was computed from; statistics and policy run again on nothing else. */
export interface StoredInputs {
  readonly state: PolicyState;
  readonly nowMs: number;
  /** Null when the analysis itself had failed. */
  readonly evidence: Evidence | null;
  /** What gates answered; missing when none was asked. */
  readonly gates?: readonly GateAnswer[];
}

export interface StoredReasons {
  readonly code: string;
  readonly variant: string | null;
  readonly toStep: number | null;
  /** Of one arm only; absent: of the experiment. */
  readonly scope?: 'arm';
  readonly bakingSinceMs?: number;
  readonly trace: Decision['trace'];
}

/** What came out when a stored decision was computed again. */
export interface ReplayResult {
  /** True when verdict, reasons and numbers are the same to the last character and the hash fits. */
  readonly identical: boolean;
  readonly hashFits: boolean;
  readonly stored: { readonly kind: string; readonly summary: string };
  /** Null for a decision of a person: there is nothing to compute. */
  readonly replayed: { readonly kind: string; readonly summary: string } | null;
  /** The policy that decided, under whose rules it was replayed, and the one that decides today. */
  readonly policy: { readonly stored: string; readonly present: string };
}

/**
 * The rollout as the policy sees it.
 *
 * @param champion of the model now; absent: it was not looked at
 */
export function policyState(
  experiment: Experiment,
  failedAnalyses: number,
  champion?: string | null,
): PolicyState {
  const { rollout, status } = experiment;
  const startedAtMs = epochStartOf(experiment);
  invariant(status === 'running' || status === 'paused', 'only a started experiment is decided on');
  invariant(rollout !== null && startedAtMs !== null, 'a started experiment has a rollout');
  const { step, stepStartedAtMs, approvedStep, closed, bakingSinceMs } = rollout;
  const atStart = championAtStart(experiment);
  const isKnown = champion !== undefined && atStart !== null;
  return {
    ...{ status, startedAtMs, step, stepStartedAtMs, approvedStep, failedAnalyses },
    ...(closed === undefined ? {} : { closed }),
    ...(bakingSinceMs === undefined ? {} : { bakingSinceMs }),
    ...(isKnown ? { champion: { atStart, present: champion } } : {}),
  };
}

export function storedInputs(seen: {
  readonly state: PolicyState;
  readonly nowMs: number;
  readonly report: Report | null;
  readonly answers: readonly GateAnswer[];
}): StoredInputs {
  const { state, nowMs, report, answers } = seen;
  const gates = answers.length === 0 ? {} : { gates: answers };
  return { state, nowMs, evidence: report?.evidence ?? null, ...gates };
}

export function reasonsOf(decision: Decision): StoredReasons {
  const { code, variant, toStep, scope, bakingSinceMs, trace } = decision;
  return {
    ...{ code, variant, toStep, trace },
    ...(scope === undefined ? {} : { scope }),
    ...(bakingSinceMs === undefined ? {} : { bakingSinceMs }),
  };
}

/** Holding for the same reason as before is not news; the log keeps the change of reason, reports keep the rest. */
export function isSameHold(last: StoredDecision | null, decision: Decision): boolean {
  if (last === null || !last.automatic) return false;
  if (decision.kind !== 'hold' && decision.kind !== 'error') return false;
  return last.kind === decision.kind && (last.reasons as StoredReasons).code === decision.code;
}

/** Computes a stored decision again from its stored inputs. A difference is a defect of ours. */
export function replay(stored: StoredDecision): ReplayResult {
  const hashFits = stored.hash === decisionHash(stored);
  const was = { kind: stored.kind, summary: stored.summary };
  const policy = { stored: stored.policyVersion, present: POLICY_VERSION };
  if (!stored.automatic) {
    return { identical: hashFits, hashFits, stored: was, replayed: null, policy };
  }
  const { state, nowMs, evidence, gates = [] } = stored.inputs as StoredInputs;
  const design: PolicyDesign = evidence?.design ?? NO_DESIGN;
  const crossoverRule = stored.policyVersion === '1' ? 'wide_phases' : 'giving_way';
  const assessment = evidence === null ? null : assess(evidence, crossoverRule);
  const decision = gated(decide({ design, state, assessment, nowMs }, stored.policyVersion), gates);
  const identical =
    hashFits &&
    decision.kind === stored.kind &&
    decision.summary === stored.summary &&
    canonicalJson(reasonsOf(decision)) === canonicalJson(stored.reasons);
  const replayed = { kind: decision.kind, summary: decision.summary };
  return { identical, hashFits, stored: was, replayed, policy };
}

/** A failed analysis is decided on without a look at the design. */
const NO_DESIGN: PolicyDesign = {
  kind: 'ab',
  variants: [],
  steps: [],
  analysis: { minUnits: 1, minRuntimeMs: 0, maxRuntimeMs: Number.MAX_SAFE_INTEGER },
  decision: {
    onSuccess: 'promote',
    onDeterioration: 'rollback',
    onSampleRatioMismatch: 'hold',
    onNoData: 'hold',
    noDataGraceMs: 0,
    dryRun: false,
  },
};
