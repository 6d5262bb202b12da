import type { Experiment, FrozenDesign } from '../../src/experiments/experiment.js';
import type { Enrolment, ModelPlan } from '../../src/routing/plan.js';
import { replay } from '../../src/rollouts/replay.js';
import { firstBrokenLink, type StoredDecision } from '../../src/rollouts/stored-decision.js';
import type { Assessment, MetricAssessment, TestResult } from '../../src/statistics/assessment.js';
import {
  isOpen,
  type Lease,
  type ModelDatabase,
  type Outcome,
  planned,
  type Row,
} from './database.js';
import type { Concluded } from './worker.js';

/** A property that does not hold, in words and numbers. */
export class Violation extends Error {
  override readonly name = 'Violation';

  constructor(
    readonly property: string,
    detail: string,
  ) {
    super(`${property}: ${detail}`);
  }
}

function must(holds: boolean, property: string, detail: () => string): void {
  if (!holds) throw new Violation(property, detail());
}

/** Everything here is worked out from the assessment and the log, not with the policy's own functions. */
const hasPassed = (test: TestResult | null): boolean => test?.kind === 'tested' && test.passed;

function openVariants(design: FrozenDesign, closed: readonly string[]): readonly string[] {
  return design.variants
    .filter(({ name, control }) => !control && !closed.includes(name))
    .map(({ name }) => name);
}

function of(assessment: Assessment, variant: string): readonly MetricAssessment[] {
  return assessment.metrics.filter((metric) => metric.variant === variant);
}

function isHarmed(assessment: Assessment, variant: string): boolean {
  return of(assessment, variant).some(({ deterioration }) => hasPassed(deterioration));
}

function isAboveLimit(assessment: Assessment, variant: string): boolean {
  return (assessment.limits ?? []).some((limit) => limit.variant === variant && limit.exceeded);
}

function mustGo(assessment: Assessment, variant: string): boolean {
  return isHarmed(assessment, variant) || isAboveLimit(assessment, variant);
}

/** Everything that could still win must go. */
function isHopeless(
  design: FrozenDesign,
  assessment: Assessment,
  closed: readonly string[] = [],
): boolean {
  const open = openVariants(design, closed);
  return open.length > 0 && open.every((variant) => mustGo(assessment, variant));
}

/** Why a variant must not be promoted on an assessment; null: nothing speaks against it. */
function missingEvidence(
  design: FrozenDesign,
  assessment: Assessment,
  variant: string,
): string | null {
  const own = of(assessment, variant);
  const { quality } = assessment;
  const guardrails = own.filter(({ role }) => role === 'guardrail');
  const tested = own.filter(({ role }) => role !== 'diagnostic');
  const need = Math.max(1, design.analysis.minUnits);
  if (!own.some(({ role, superiority }) => role === 'success' && hasPassed(superiority)))
    return 'no success metric is superior';
  if (!guardrails.every(({ nonInferiority }) => hasPassed(nonInferiority)))
    return 'a guardrail is not shown to be non-inferior';
  if (isHarmed(assessment, variant)) return 'it is harmed';
  if (isAboveLimit(assessment, variant)) return 'it is above a limit';
  const control = design.variants.find((one) => one.control)?.name ?? '';
  if (isAboveLimit(assessment, control)) return 'the control is above a limit';
  if (quality.sampleRatio.mismatch) return 'the sample ratio is off';
  if (quality.crossoverAlarm) return 'too many units met two variants';
  if (quality.droppedEvents > 0) return 'events were dropped';
  if (!quality.caughtUp) return 'events are missing from the evidence';
  if (tested.some(({ control, treatment }) => Math.min(control.n, treatment.n) < need))
    return 'too few units';
  return null;
}

/** Where a canary's promotion is decided: the last step with a concurrent control. */
function lastStepWithControl({ steps }: FrozenDesign): number {
  return steps.findLastIndex(({ coverage }) => coverage < 1);
}

interface Committed {
  readonly concluded: Concluded;
  readonly decision: StoredDecision;
  readonly before: Experiment;
}

/** What must be true at every step of every world. */
export class Properties {
  /** What enrolled units got, and the first plan that said so. */
  private readonly arms = new Map<string, { readonly variant: string; readonly since: number }>();
  private readonly fences = new Map<string, number>();
  private readonly coverages = new Map<string, number>();
  private readonly left = new Set<string>();
  private readonly ended = new Map<string, number>();
  /** By experiment: when, by the turns that were carried out, a promotion last lacked something. */
  private readonly notReadyAtMs = new Map<string, number>();
  /** By experiment and epoch: the version that a promotion would replace. */
  private readonly champions = new Map<string, string | null>();
  private plans = 0;

  constructor(private readonly database: ModelDatabase) {}

  /** A gateway dealt a unit out. */
  assigned(unit: string, enrolment: Enrolment | null, model: ModelPlan, version: number): void {
    this.isKept(unit, enrolment, model, version);
    if (enrolment === null) return;
    const { experimentId, epoch, variant } = enrolment;
    const key = `${experimentId} ${String(epoch)} ${unit}`;
    const before = this.arms.get(key)?.variant;
    if (before !== variant) this.arms.set(key, { variant, since: version });
    if (before === undefined || before === variant) return;
    // a canary beyond one half takes units of its control: the one way that exists; gateways hear of it at their time
    const { experiment } = this.database.row(experimentId);
    const coverage = this.coverages.get(`${experimentId} ${String(epoch)}`) ?? 0;
    const isTaken = experiment.kind === 'canary' && coverage > 0.5;
    must(isTaken, 'no unit changes its variant', () => `${unit} went from ${before} to ${variant}`);
  }

  /** Who is enrolled stays enrolled, as long as the experiment runs and its arm is open. */
  private isKept(
    unit: string,
    enrolment: Enrolment | null,
    { experiments, holdout }: ModelPlan,
    version: number,
  ): void {
    if (holdout !== undefined) return;
    for (const { id, epoch, variants } of experiments) {
      const known = this.arms.get(`${id} ${String(epoch)} ${unit}`);
      if (known === undefined || known.since > version) continue;
      const isClosed = variants.some(({ name, closed }) => name === known.variant && closed);
      const isStill = enrolment?.experimentId === id;
      must(isStill || isClosed, 'no enrolled unit leaves', () => `${unit} of ${known.variant}`);
    }
  }

  leased({ experimentId, epoch }: Lease): void {
    const before = this.fences.get(experimentId) ?? 0;
    this.fences.set(experimentId, epoch);
    must(epoch === before + 1, 'the fence grows by one', () => `${before} → ${epoch}`);
    must(!this.ended.has(experimentId), 'what has ended stays ended', () => {
      return `${experimentId} was leased`;
    });
  }

  /** What the policy said on a report, whether or not it is carried out. */
  concluded(experiment: Experiment, { decision, report }: Concluded): void {
    const { design, rollout } = experiment;
    if (design === null || report === null) return;
    const { onDeterioration, dryRun } = design.decision;
    const { assessment } = report;
    if (!isHopeless(design, assessment, rollout?.closed)) return;
    const isMild = dryRun || onDeterioration === 'recommend';
    // arms that go for different reasons go one look after the other
    const dominates = decision.kind === 'rollback';
    const isTold = /^(would_rollback|rollback_recommended)$/.test(decision.code);
    const isOver = decision.kind === 'inconclusive';
    must(
      isMild ? dominates || isTold || isOver : dominates,
      'rollback dominates whatever else there is',
      () => `${decision.kind} (${decision.code}) while every variant is harmed`,
    );
    must(isMild || decision.kind !== 'hold', 'harm is never held', () => decision.code);
  }

  /** A turn was carried out, whether or not it was news. */
  carriedOut(experiment: Experiment, concluded: Concluded, outcome: Outcome): void {
    const { id, design, rollout } = experiment;
    const { report, nowMs, decision, verdict } = concluded;
    if (design === null) return;
    const { kind } = verdict.decision;
    const isOld = kind === 'hold' || kind === 'error';
    must(outcome.kind !== 'no_news' || isOld, 'what is decided happens', () => kind);
    // an analysis that failed looked at nothing: it neither breaks a bake nor counts for it
    if (report === null) return;
    const open = openVariants(design, rollout?.closed ?? []);
    const isReady =
      decision.kind !== 'advance' &&
      open.some((variant) => missingEvidence(design, report.assessment, variant) === null);
    if (!isReady) this.notReadyAtMs.set(id, nowMs);
  }

  committed(committed: Committed): void {
    const { concluded, decision, before } = committed;
    this.once(decision, before);
    if (decision.kind === 'promote' || decision.kind === 'advance') {
      const answers = (concluded.verdict.inputs.gates ?? []).map(({ answer }) => answer);
      const isOpenGate = answers.every((answer) => answer === 'allowed');
      must(isOpenGate, 'no gate is passed that does not open', () => answers.join());
    }
    must(replay(decision).identical, 'a decision replays', () => {
      return `${decision.kind} ${decision.summary}`;
    });
    const { design, rollout } = before;
    if (design === null || rollout === null) throw new Error('only what was started is decided on');
    switch (decision.kind) {
      case 'promote':
        this.promoted(committed, design);
        break;
      case 'advance':
        this.advanced(committed, design);
        break;
      case 'rollback':
        this.rolledBack(committed, design);
        break;
      default:
        break;
    }
  }

  /** Anything that was written down, by a worker or a person. */
  once(decision: StoredDecision, before: Experiment): void {
    const state = `${decision.experimentId} ${String(decision.fromRevision)}`;
    must(!this.left.has(state), 'a state is left once', () => `${decision.kind} from ${state}`);
    this.left.add(state);
    must(isOpen(before) || before.status === 'draft', 'what has ended stays ended', () => {
      return `${decision.kind} after ${before.status}`;
    });
  }

  /** At every step, whatever happened in it. */
  everyStep(): void {
    const { plans, plan } = this.database;
    for (; this.plans < plans.length; this.plans += 1) {
      const version = plans[this.plans]?.version ?? 0;
      must(version === this.plans + 1, "a plan's version grows by one", () => String(version));
    }
    for (const [id, { experiment }] of this.database.rows) {
      const inPlan = planned(plan, experiment);
      this.noteChampion(experiment);
      if (isOpen(experiment)) {
        must(!this.ended.has(id), 'what has ended stays ended', () => experiment.status);
        this.coverageGrows(experiment, inPlan?.coverage ?? 0);
      } else {
        this.ended.set(id, experiment.revision);
        must(inPlan === null, 'what has ended gets no traffic', () => id);
        const revision = this.ended.get(id);
        must(revision === experiment.revision, 'what has ended stays ended', () => id);
      }
    }
  }

  /** When a world is over. */
  atEnd(row: Row): void {
    const broken = firstBrokenLink(row.decisions);
    must(broken === null, 'the log is a chain', () => `broken at ${String(broken)}`);
    const { revision } = row.experiment;
    must(row.decisions.length === revision, 'every state was left by one decision', () => {
      return `${row.decisions.length} decisions, revision ${revision}`;
    });
  }

  private noteChampion({ id, epoch, model }: Experiment): void {
    const key = `${id} ${String(epoch)}`;
    if (!this.champions.has(key)) this.champions.set(key, this.database.champion(model));
  }

  private coverageGrows(experiment: Experiment, coverage: number): void {
    const { id, epoch, rollout, design } = experiment;
    const key = `${id} ${String(epoch)}`;
    const before = this.coverages.get(key) ?? 0;
    must(coverage >= before, 'coverage never falls', () => `${before} → ${coverage}`);
    this.coverages.set(key, coverage);
    if (design?.kind !== 'canary') return;
    const steps = design.steps.map((step) => step.coverage);
    const at = steps.indexOf(coverage);
    const from = before === 0 ? -1 : steps.indexOf(before);
    must(at === from || at === from + 1, 'no step is skipped', () => `${before} → ${coverage}`);
    must(at === rollout?.step, 'the plan is in the step that the rollout is in', () => {
      return `${coverage} in step ${String(rollout?.step)}`;
    });
  }

  private promoted({ concluded, decision, before }: Committed, design: FrozenDesign): void {
    const { report } = concluded;
    const { variant } = decision.reasons as { readonly variant: string | null };
    const why =
      report === null || variant === null
        ? 'there is no report'
        : missingEvidence(design, report.assessment, variant);
    must(why === null, 'nothing is promoted without evidence', () => why ?? '');
    const { onSuccess, dryRun } = design.decision;
    must(onSuccess === 'promote' && !dryRun, 'a recommendation changes nothing', () => onSuccess);
    must(before.status === 'running', 'a pause holds a promotion', () => before.status);
    must(report?.evidence.epoch === before.epoch, 'evidence is of the present epoch', () => {
      return `${String(report?.evidence.epoch)} in epoch ${before.epoch}`;
    });
    must(!before.rollout?.closed?.includes(variant ?? ''), 'a closed arm is closed', () => {
      return String(variant);
    });
    this.hasBaked(concluded, before, design);
    const compared = this.champions.get(`${before.id} ${String(before.epoch)}`);
    const replaced = this.database.plans.at(-2)?.models[before.model]?.champion;
    must(replaced === compared, 'a promotion replaces what it was compared with', () => {
      return `${String(replaced)}, compared with ${String(compared)}`;
    });
    const startedAtMs = before.rollout?.phases[0]?.startedAtMs ?? 0;
    const ranMs = concluded.nowMs - startedAtMs;
    must(ranMs >= design.analysis.minRuntimeMs, 'the minimum runtime is waited for', () => {
      return `${ranMs} ms`;
    });
    if (design.kind !== 'canary') return;
    const last = lastStepWithControl(design);
    must(before.rollout?.step === last, 'a canary is promoted after its last step', () => {
      return `in step ${String(before.rollout?.step)} of ${last}`;
    });
    this.stepIsComplete(before, design, concluded);
  }

  /** What a promotion needs has held for as long as the design asks, at every turn that was carried out. */
  private hasBaked({ nowMs }: Concluded, { id }: Experiment, { bakeMs = 0 }: FrozenDesign): void {
    const since = this.notReadyAtMs.get(id);
    const bakedMs = since === undefined ? Infinity : nowMs - since;
    must(bakedMs >= bakeMs, 'a promotion bakes', () => `${bakedMs} of ${bakeMs} ms`);
  }

  private advanced({ concluded, decision, before }: Committed, design: FrozenDesign): void {
    const { toStep } = decision.reasons as { readonly toStep: number | null };
    const step = before.rollout?.step ?? NaN;
    must(toStep === step + 1, 'no step is skipped', () => `${step} → ${String(toStep)}`);
    must(step + 1 <= lastStepWithControl(design), 'a control is always left', () => String(toStep));
    must(before.status === 'running', 'a pause holds an advance', () => before.status);
    must(!design.decision.dryRun, 'a dry run changes nothing', () => 'advance');
    const { champion } = concluded.verdict.inputs.state;
    const isSame = champion === undefined || champion.present === champion.atStart;
    must(isSame, 'nobody is exposed while another champion serves', () => JSON.stringify(champion));
    this.stepIsComplete(before, design, concluded);
  }

  /** Time, units and approval of the step that is left. */
  private stepIsComplete(before: Experiment, design: FrozenDesign, concluded: Concluded): void {
    const { rollout } = before;
    const step = rollout === null ? undefined : design.steps[rollout.step];
    if (rollout === null || step === undefined) throw new Error('a canary is in a step');
    const { durationMs, minUnits, approval } = step.hold;
    const heldMs = concluded.nowMs - rollout.stepStartedAtMs;
    must(heldMs >= durationMs, 'a step is held for its time', () => `${heldMs} of ${durationMs}`);
    const units = concluded.report?.assessment.units.map((arm) => arm.units) ?? [0];
    must(
      Math.min(...units) >= minUnits,
      'a step has its units',
      () => `${units.join()} of ${minUnits}`,
    );
    const isApproved = !approval || rollout.approvedStep === rollout.step;
    must(isApproved, 'a step that needs approval has it', () => String(rollout.approvedStep));
    const { quality } = concluded.report?.assessment ?? {};
    const isSound =
      quality?.sampleRatio.mismatch === false &&
      !quality.crossoverAlarm &&
      quality.droppedEvents === 0 &&
      quality.caughtUp;
    must(isSound, 'degraded data expose nobody', () => JSON.stringify(quality));
  }

  private rolledBack({ concluded, before }: Committed, design: FrozenDesign): void {
    const { report, decision } = concluded;
    const { dryRun } = design.decision;
    const closed = before.rollout?.closed ?? [];
    must(!dryRun, 'a dry run changes nothing', () => decision.code);
    if (report === null) throw new Violation('a rollback has a reason', 'there is no report');
    const { assessment } = report;
    const units = assessment.units.reduce((sum, arm) => sum + arm.units, 0);
    const { onSampleRatioMismatch, onNoData } = design.decision;
    if (decision.scope === 'arm') {
      const { variant } = decision;
      const isOpenArm = variant !== null && openVariants(design, closed).includes(variant);
      must(isOpenArm, 'an arm is closed once', () => String(variant));
      const isDue = variant !== null && mustGo(assessment, variant);
      must(isDue, 'a rollback has a reason', () => decision.summary);
      return;
    }
    const reasons = [
      isHopeless(design, assessment, closed),
      onSampleRatioMismatch === 'rollback' && assessment.quality.sampleRatio.mismatch,
      onNoData === 'rollback' && units === 0,
    ];
    must(reasons.includes(true), 'a rollback has a reason', () => decision.summary);
  }
}
