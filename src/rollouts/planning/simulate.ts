import { assess, runningResults } from '../../analysis/assess.js';
import type { Evidence } from '../../analysis/evidence.js';
import type { FrozenDesign } from '../../experiments/experiment.js';
import type { MetricCell } from '../../metrics/metric.js';
import type { Assessment } from '../../statistics/assessment.js';
import { advanced, startOf } from '../change.js';
import { decide } from '../policy/decide.js';
import type { PolicyState } from '../policy/policy.js';
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

/** The growing data of one replication; a class because it is a buffer that a single replication owns. */
class Enrolment {
  readonly batches: Batch[] = [];
  readonly #draws = new Map<string, ArmDraws>();
  readonly #matured = new Map<string, number>();
  #carried = 0;

  constructor(
    private readonly world: World,
    private readonly random: Random,
  ) {}

  get units(): number {
    return this.batches.reduce((sum, batch) => sum + total(batch.units), 0);
  }

  /** Expected units, split by chance among the variants in their shares. */
  enrol(expected: number, batch: Omit<Batch, 'units'>, shares: readonly number[]): void {
    const exact = expected + this.#carried;
    let left = Math.floor(exact);
    this.#carried = exact - left;
    let rest = 1;
    const units = shares.map((share, index) => {
      const own =
        index === shares.length - 1
          ? left
          : binomial(this.random, left, Math.min(1, share / Math.max(rest, share)));
      left -= own;
      rest -= share;
      return own;
    });
    this.batches.push({ ...batch, units });
  }

  /** Draws what matured by a time. */
  mature(nowMs: number): void {
    for (const metric of this.world.metrics) {
      let next = this.#matured.get(metric.name) ?? 0;
      for (; next < this.batches.length; next += 1) {
        const batch = this.batches[next];
        if (batch === undefined || batch.atMs + metric.windowMs > nowMs) break;
        this.#drawBatch(metric, batch);
      }
      this.#matured.set(metric.name, next);
    }
  }

  #drawBatch(metric: SimulatedMetric, batch: Batch): void {
    this.world.design.variants.forEach(({ name, control }, index) => {
      const key = `${metric.name} ${String(batch.phase)} ${name}`;
      const model = control ? metric.control : metric.treatment;
      const before = this.#draws.get(key) ?? NO_DRAWS;
      this.#draws.set(key, draw(this.random, model, before, batch.units[index] ?? 0));
    });
  }

  metricCells(phases: readonly number[]): MetricCell[] {
    return this.world.metrics.flatMap((metric) =>
      phases.flatMap((phase) =>
        this.world.design.variants.map(({ name, control }, index) => {
          const draws = this.#draws.get(`${metric.name} ${String(phase)} ${name}`) ?? NO_DRAWS;
          const pending = this.#unitsOf(phase, index) - draws.units;
          const key = { metric: metric.name, phase, variant: name, pending };
          return cellOf(key, control ? metric.control : metric.treatment, draws);
        }),
      ),
    );
  }

  unitCells(phases: readonly number[]): Evidence['unitCells'] {
    return phases.flatMap((phase) =>
      this.world.design.variants.map(({ name }, index) => ({
        phase,
        variant: name,
        units: this.#unitsOf(phase, index),
        crossovers: 0,
      })),
    );
  }

  #unitsOf(phase: number, index: number): number {
    return this.batches.reduce(
      (sum, batch) => sum + (batch.phase === phase ? (batch.units[index] ?? 0) : 0),
      0,
    );
  }
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
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
    const perMs = (world.unitsPerDay / DAY_MS) * enrolledShare(design, coverage);
    const shares = rollout.phases.at(-1)?.shares ?? {};
    enrolment.enrol(
      (nowMs - lastMs) * perMs,
      { phase, atMs: nowMs },
      design.variants.map(({ name }) => shares[name] ?? 0),
    );
    enrolment.mature(nowMs);
    const evidence = evidenceOf(world, enrolment, rollout.phases, before);
    const assessment = assess(evidence);
    const { step, stepStartedAtMs } = rollout;
    const state: PolicyState = {
      ...{ status: 'running', startedAtMs: 0, step, stepStartedAtMs, failedAnalyses: 0 },
      // people who have to approve are taken to do so at once
      approvedStep: step,
    };
    const decision = decide({ design, state, assessment, nowMs });
    const { kind } = decision;
    if (kind === 'promote' || kind === 'rollback' || kind === 'inconclusive') {
      return { verdict: kind, units: enrolment.units, atMs: nowMs };
    }
    if (kind === 'advance') rollout = advanced(design, rollout, decision.toStep ?? step, nowMs);
    before = { evidence, assessment };
    lastMs = nowMs;
  }
  return { verdict: 'inconclusive', units: enrolment.units, atMs: lastMs };
}

function evidenceOf(
  { design }: World,
  enrolment: Enrolment,
  phases: Evidence['phases'],
  before: { readonly evidence: Evidence; readonly assessment: Assessment } | null,
): Evidence {
  const numbers = phases.map(({ phase }) => phase);
  return {
    experimentId: '',
    epoch: 1,
    design,
    designHash: '',
    phases,
    unitCells: enrolment.unitCells(numbers),
    metricCells: enrolment.metricCells(numbers),
    droppedEvents: 0,
    caughtUp: true,
    watermarkMs: null,
    previous: before === null ? [] : runningResults(before.assessment, before.evidence),
    previousSampleRatioPValue: before?.assessment.quality.sampleRatio.runningPValue ?? 1,
  };
}
