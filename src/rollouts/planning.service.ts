import { setImmediate as nextTurn } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.service.js';
import { controlOf, type FrozenDesign } from '../experiments/experiment.js';
import { ExperimentsService } from '../experiments/experiments.service.js';
import { systemClock } from '../kernel/clock.js';
import { SluiceError } from '../kernel/errors.js';
import { hashOf } from '../kernel/hash.js';
import type { PlanBody } from './planning.contract.js';
import { PlanningStore } from './planning.store.js';
import { type Baseline, plannedMetrics } from './planning/baseline.js';
import {
  type Characteristics,
  characteristicsOf,
  type Scenario,
  scenariosOf,
} from './planning/characteristics.js';
import { observationsOf, type Recent, type Traffic, trafficOf } from './planning/observed.js';
import { randomOf } from './planning/random.js';
import {
  type CovariateSaving,
  covariateSavings,
  type DetectableEffect,
  detectableEffects,
  inflationOf,
  requiredUnits,
  type TestSize,
  testSizes,
} from './planning/sample-size.js';
import { type Ending, replicate } from './planning/simulate.js';
import { daysFor, trafficForPlan } from './planning/timeline.js';

/** Replications per scenario: a probability of .05 is known to a standard error of .011, one of .8 to .02. */
const MAX_REPLICATIONS = 400;

/** Simulations end here, however many replications are missing: the answer comes within five seconds. */
const SIMULATION_BUDGET_MS = 3_000;

/** Predictions are served by the same event loop: they never wait longer than this for a simulation. */
const SLICE_MS = 4;

/** One plan is simulated, one may wait for it; whoever comes then had better come again. */
const MAX_AT_ONCE = 2;

/** The past that baselines and traffic are taken from. */
const LOOK_BACK_MS = 7 * 86_400_000;

/** PostgreSQL's code of a statement that took longer than its time-out. */
const QUERY_CANCELED = '57014';

/** Where the figures of `SEQUENTIAL_INFLATION` come from, for readers of the answer. */
const INFLATION_SOURCE =
  'simulated at alpha .05 and power .8, tuned at the planned units, against a fixed-horizon test looked at once';

export interface PlannedBaseline extends Baseline {
  readonly metric: string;
  readonly role: string;
}

export interface Duration {
  /** Holds, coverage, outcome windows and the minimum runtime included. */
  readonly daysToPlannedUnits: number | null;
  readonly daysToRequiredUnits: number | null;
  readonly maxRuntimeDays: number;
  /** Why there are no days. */
  readonly reason: string | null;
}

export interface Simulation {
  readonly replications: number;
  /** Looks of one simulated experiment; a real one looks more often, at every interval. */
  readonly looks: number;
  /** The same body gets the same seed, and with as many replications the same answer. */
  readonly seed: number;
  readonly stoppedBy: 'limit' | 'time';
  readonly unitsPerDay: number;
  readonly note: string;
  readonly scenarios: readonly Characteristics[];
}

/** POST /api/v1/experiments/plan */
export interface ExperimentForecast {
  readonly model: string;
  readonly method: string;
  readonly baselines: readonly PlannedBaseline[];
  readonly sampleSizes: readonly TestSize[];
  /** Metrics that are adjusted by the past of their units: how much that saves. */
  readonly covariates: readonly CovariateSaving[];
  readonly inflation: { readonly factor: number; readonly source: string };
  /** Units in both compared arms that every test is content with. */
  readonly requiredUnits: number | null;
  readonly plannedUnits: number;
  readonly detectableAtPlannedUnits: readonly DetectableEffect[];
  readonly traffic: Traffic;
  readonly duration: Duration;
  readonly simulation: Simulation;
}

/** Says before the start what an experiment needs, how long it takes and how often its verdict is right. */
@Injectable()
export class PlanningService {
  #atOnce = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly database: Database,
    private readonly experiments: ExperimentsService,
    private readonly store: PlanningStore,
  ) {}

  /** Throws `invalid_input` naming each metric whose control is unknown; `unavailable` when too many wait. */
  async plan({ assume, ...definition }: PlanBody): Promise<ExperimentForecast> {
    // what is wrong with the definition itself is said first, of kinds without a plan too
    const design = await this.experiments.preview(definition);
    refuseOtherKinds(definition.kind);
    const recent = await this.#recent(design);
    const observed = observationsOf(design.metrics, controlOf(design).version, recent);
    const metrics = plannedMetrics(design, { assume, observed });
    const traffic = trafficOf(recent);
    const sampleSizes = testSizes(design, metrics);
    const required = requiredUnits(sampleSizes);
    const simulatedTraffic = traffic.unitsPerDay ?? trafficForPlan(design);
    const scenarios = scenariosOf(design, metrics, simulatedTraffic);
    const seed = Number.parseInt(hashOf({ design, assume }).slice(0, 8), 16);
    const simulation = await this.#inTurn(() => simulate(scenarios, seed, traffic));
    return {
      model: design.model,
      method: design.analysis.method,
      baselines: metrics.map(({ designMetric, baseline }) => ({
        metric: designMetric.definition.name,
        role: designMetric.role,
        ...baseline,
      })),
      sampleSizes,
      covariates: covariateSavings(design, metrics),
      inflation: { factor: inflationOf(design), source: INFLATION_SOURCE },
      requiredUnits: required,
      plannedUnits: design.analysis.plannedUnits,
      detectableAtPlannedUnits: detectableEffects(design, metrics),
      traffic,
      duration: durationOf(design, traffic, required),
      simulation,
    };
  }

  /** Events that cannot be read in a short time count as none: the answer then says what to assume. */
  async #recent(design: FrozenDesign): Promise<Recent> {
    const nowMs = systemClock.nowMs();
    const query = {
      ...{ model: design.model, nowMs, sinceMs: nowMs - LOOK_BACK_MS },
      pastMs: longestLookBackMs(design),
      outcomes: outcomesOf(design),
    };
    try {
      return await this.database.transaction((tx) => this.store.recent(tx, query));
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === QUERY_CANCELED) {
        return { requests: [], outcomes: [], nowMs };
      }
      throw error;
    }
  }

  /** One simulation at a time in this process. */
  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#atOnce >= MAX_AT_ONCE) {
      throw new SluiceError(
        'unavailable',
        'other plans are being simulated; try again in a moment',
      );
    }
    this.#atOnce += 1;
    const turn = this.#last.then(work, work);
    this.#last = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      this.#atOnce -= 1;
    }
  }
}

/** The past of units that covariates look at, at most; 0 without any. */
function longestLookBackMs({ metrics }: FrozenDesign): number {
  return Math.max(0, ...metrics.map(({ definition }) => definition.covariate?.lookbackMs ?? 0));
}

function outcomesOf({ metrics }: FrozenDesign): readonly string[] {
  const names = metrics.flatMap(({ definition: { numerator, denominator } }) =>
    [numerator.source, denominator?.source].flatMap((source) =>
      source === undefined || source.kind === 'prediction' ? [] : [source.outcome],
    ),
  );
  return [...new Set(names)];
}

function durationOf(design: FrozenDesign, traffic: Traffic, required: number | null): Duration {
  const { plannedUnits, maxRuntimeMs } = design.analysis;
  const maxRuntimeDays = maxRuntimeMs / 86_400_000;
  const { unitsPerDay, reason } = traffic;
  if (unitsPerDay === null) {
    return { daysToPlannedUnits: null, daysToRequiredUnits: null, maxRuntimeDays, reason };
  }
  return {
    daysToPlannedUnits: daysFor(design, unitsPerDay, plannedUnits),
    daysToRequiredUnits: required === null ? null : daysFor(design, unitsPerDay, required),
    maxRuntimeDays,
    reason: required === null ? 'a test needs more units than can be counted' : null,
  };
}

/** Replications in slices, so that nothing else in this process waits long. */
async function simulate(
  scenarios: readonly Scenario[],
  seed: number,
  traffic: Traffic,
): Promise<Simulation> {
  const endings: Ending[][] = scenarios.map(() => []);
  const startMs = systemClock.nowMs();
  let sliceMs = startMs;
  let replications = 0;
  let isOver = false;
  while (replications < MAX_REPLICATIONS && !isOver) {
    for (const [index, { world }] of scenarios.entries()) {
      endings[index]?.push(replicate(world, randomOf(seed, replications)));
      if (systemClock.nowMs() - sliceMs < SLICE_MS) continue;
      await nextTurn();
      sliceMs = systemClock.nowMs();
    }
    replications += 1;
    isOver = sliceMs - startMs > SIMULATION_BUDGET_MS;
  }
  const isTimed = traffic.unitsPerDay !== null;
  const world = scenarios[0]?.world;
  return {
    replications,
    looks: world?.looks.length ?? 0,
    seed,
    stoppedBy: replications < MAX_REPLICATIONS ? 'time' : 'limit',
    unitsPerDay: world?.unitsPerDay ?? 0,
    note: isTimed
      ? 'at the traffic seen; approvals and recommendations are taken to be followed at once'
      : 'traffic is unknown: as if the planned units came in just within the maximum runtime; approvals and recommendations are taken to be followed at once',
    scenarios: scenarios.map((scenario, index) =>
      characteristicsOf(scenario, endings[index] ?? [], isTimed),
    ),
  };
}

/** A shadow compares answers and a holdout what was shipped: neither has steps or a split that could be planned. */
function refuseOtherKinds(kind: string): void {
  if (kind === 'ab' || kind === 'canary') return;
  throw new SluiceError('not_yet', `a ${kind} is not planned`, [
    { field: '/kind', given: kind, expected: 'ab or canary' },
  ]);
}
