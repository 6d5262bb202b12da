import { assess, runningResults } from '../../analysis/assess.js';
import type { Evidence } from '../../analysis/evidence.js';
import type { FrozenDesign, RolloutState } from '../../experiments/experiment.js';
import type { MetricCell } from '../../metrics/metric.js';
import type { Assessment } from '../../statistics/assessment.js';
import { advanced, startOf } from '../change.js';
import { closing, notBaking } from '../phases.js';
import { decide } from '../policy/decide.js';
import type { Decision, PolicyState } from '../policy/policy.js';
import { type ArmDraws, type ArmModel, cellOf, draw, NO_DRAWS } from './arm.js';
import { binomial, type Random } from './random.js';
import { coverageOf, enrolledShare } from './timeline.js';

const DAY_MS = 86_400_000;

/** A metric in the control and in every other arm. */
export interface SimulatedMetric {
  readonly name: string;
  readonly windowMs: number;
  readonly control: ArmModel;
  readonly treatment: ArmModel;
}

/** Everything that one replication is drawn from. */
export interface World {
  /** As it would be frozen, without diagnostics, with a policy that acts. */
  readonly design: FrozenDesign;
  readonly metrics: readonly SimulatedMetric[];
  readonly unitsPerDay: number;
  /** Milliseconds after the start, growing; the last one is the maximum runtime. */
  readonly looks: readonly number[];
}

export type Verdict = 'promote' | 'rollback' | 'inconclusive';

/** How one simulated experiment ended. */
export interface Ending {
  readonly verdict: Verdict;
  /** Units enrolled in all arms by then. */
  readonly units: number;
  readonly atMs: number;
}

/** The design as it is simulated: what only people would do is done, and diagnostics decide nothing. */
export function simulatedDesign(design: FrozenDesign): FrozenDesign {
  return {
    ...design,
    metrics: design.metrics.filter(({ role }) => role !== 'diagnostic'),
    decision: {
      ...design.decision,
      ...{ dryRun: false, onSuccess: 'promote', onDeterioration: 'rollback' },
    },
  };
}

/** Units that were enrolled between two looks, per variant. */
interface Batch {
  readonly phase: number;
  readonly atMs: number;
  readonly units: readonly number[];
}

/** One variant in one phase: its units so far, and what each metric has drawn of them. */
interface Arm {
  readonly phase: number;
  readonly variant: string;
  readonly control: boolean;
  units: number;
  readonly draws: ArmDraws[];
}

/** The growing data of one replication; a class because it is a buffer that a single replication owns. */
class Enrolment {
  readonly #batches: Batch[] = [];
  /** By phase (1 is the first), then in the order of the design's variants. */
  readonly #arms: Arm[][] = [];
  /** Batches that each metric has drawn. */
  readonly #matured: number[];
  #carried = 0;

  constructor(
    private readonly world: World,
    private readonly random: Random,
  ) {
    this.#matured = world.metrics.map(() => 0);
  }

  get units(): number {
    return this.#arms.flat().reduce((sum, { units }) => sum + units, 0);
  }

  /** Expected units, split by chance among the variants in their shares. */
  enrol(expected: number, { phase, atMs }: Omit<Batch, 'units'>, shares: readonly number[]): void {
    const exact = expected + this.#carried;
    let left = Math.floor(exact);
    this.#carried = exact - left;
    let rest = 1;
    const arms = this.#armsOf(phase);
    const units = arms.map((arm, index) => {
      const share = shares[index] ?? 0;
      const isLast = index === arms.length - 1;
      const chance = Math.min(1, share / Math.max(rest, share));
      const own = isLast ? left : binomial(this.random, left, chance);
      left -= own;
      rest -= share;
      arm.units += own;
      return own;
    });
    this.#batches.push({ phase, atMs, units });
  }

  #armsOf(phase: number): readonly Arm[] {
    const draws = (): ArmDraws[] => this.world.metrics.map(() => NO_DRAWS);
    return (this.#arms[phase - 1] ??= this.world.design.variants.map(
      ({ name: variant, control }) => ({ phase, variant, control, units: 0, draws: draws() }),
    ));
  }

  /** Draws what matured by a time. */
  mature(nowMs: number): void {
    this.world.metrics.forEach((metric, index) => {
      let next = this.#matured[index] ?? 0;
      for (; next < this.#batches.length; next += 1) {
        const batch = this.#batches[next];
        if (batch === undefined || batch.atMs + metric.windowMs > nowMs) break;
        this.#armsOf(batch.phase).forEach((arm, variant) => {
          const before = arm.draws[index] ?? NO_DRAWS;
          const model = arm.control ? metric.control : metric.treatment;
          arm.draws[index] = draw(this.random, model, before, batch.units[variant] ?? 0);
        });
      }
      this.#matured[index] = next;
    });
  }

  metricCells(): MetricCell[] {
    return this.world.metrics.flatMap((metric, index) =>
      this.#arms.flat().map(({ phase, variant, control, units, draws }) => {
        const drawn = draws[index] ?? NO_DRAWS;
        const key = { metric: metric.name, phase, variant, pending: units - drawn.units };
        return cellOf(key, control ? metric.control : metric.treatment, drawn);
      }),
    );
  }

  unitCells(): Evidence['unitCells'] {
    return this.#arms
      .flat()
      .map(({ phase, variant, units }) => ({ phase, variant, units, crossovers: 0 }));
  }
}

/** One experiment from its start to its verdict, through the statistics and the policy that real ones go through. */
export function replicate(world: World, random: Random): Ending {
  const { design, looks } = world;
  const enrolment = new Enrolment(world, random);
  let rollout = startOf(design, 0).rollout;
  let before: { readonly evidence: Evidence; readonly assessment: Assessment } | null = null;
  let lastMs = 0;
  for (const nowMs of looks) {
    const coverage = coverageOf(design, rollout.step);
    const phase = rollout.phases.length;
    const left = openShare(design, rollout.closed);
    const perMs = (world.unitsPerDay / DAY_MS) * enrolledShare(design, coverage) * left;
    const shares = rollout.phases.at(-1)?.shares ?? {};
    enrolment.enrol(
      (nowMs - lastMs) * perMs,
      { phase, atMs: nowMs },
      design.variants.map(({ name }) => shares[name] ?? 0),
    );
    enrolment.mature(nowMs);
    const evidence = evidenceOf(world, enrolment, rollout.phases, before);
    const assessment = assess(evidence);
    const decision = decide({ design, state: stateOf(rollout), assessment, nowMs });
    const { kind, scope } = decision;
    if (kind === 'promote' || kind === 'inconclusive' || (kind === 'rollback' && scope !== 'arm')) {
      return { verdict: kind, units: enrolment.units, atMs: nowMs };
    }
    rollout = afterwards(design, rollout, decision, nowMs);
    before = { evidence, assessment };
    lastMs = nowMs;
  }
  return { verdict: 'inconclusive', units: enrolment.units, atMs: lastMs };
}

function stateOf({ step, stepStartedAtMs, closed, bakingSinceMs }: RolloutState): PolicyState {
  return {
    ...{ status: 'running', startedAtMs: 0, step, stepStartedAtMs, failedAnalyses: 0 },
    // people who have to approve are taken to do so at once
    approvedStep: step,
    ...(closed === undefined ? {} : { closed }),
    ...(bakingSinceMs === undefined ? {} : { bakingSinceMs }),
  };
}

/** The rollout after a decision that does not end it. */
function afterwards(
  design: FrozenDesign,
  rollout: RolloutState,
  { kind, variant, toStep, bakingSinceMs }: Decision,
  nowMs: number,
): RolloutState {
  if (kind === 'rollback' && variant !== null) return closing(rollout, variant, nowMs);
  if (kind === 'advance' && toStep !== null) return advanced(design, rollout, toStep, nowMs);
  const settled = notBaking(rollout);
  return bakingSinceMs === undefined ? settled : { ...settled, bakingSinceMs };
}

/** Share of the enrolled units that are dealt to arms that are open. */
function openShare({ variants }: FrozenDesign, closed: readonly string[] = []): number {
  const total = (list: FrozenDesign['variants']): number =>
    list.reduce((sum, { weight }) => sum + weight, 0);
  return total(variants.filter(({ name }) => !closed.includes(name))) / total(variants);
}

function evidenceOf(
  { design }: World,
  enrolment: Enrolment,
  phases: Evidence['phases'],
  before: { readonly evidence: Evidence; readonly assessment: Assessment } | null,
): Evidence {
  return {
    experimentId: '',
    epoch: 1,
    design,
    designHash: '',
    phases,
    unitCells: enrolment.unitCells(),
    metricCells: enrolment.metricCells(),
    droppedEvents: 0,
    caughtUp: true,
    watermarkMs: null,
    previous: before === null ? [] : runningResults(before.assessment, before.evidence),
    previousSampleRatioPValue: before?.assessment.quality.sampleRatio.runningPValue ?? 1,
  };
}
