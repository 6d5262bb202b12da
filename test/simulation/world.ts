import {
  emptyPlan,
  modelIn,
  withChampion,
  withModel,
  withVersion,
} from '../../src/routing/plan-change.js';
import type { FrozenDesign, RolloutState } from '../../src/experiments/experiment.js';
import { assign } from '../../src/routing/assign.js';
import type { Enrolment, TrafficPlan } from '../../src/routing/plan.js';
import { type Random, randomOf } from '../../src/rollouts/planning/random.js';
import type { StoredDecision } from '../../src/rollouts/stored-decision.js';
import { isOpen, type Manual, ModelDatabase } from './database.js';
import { randomDesign } from './design.js';
import { chance, pick, waiting, whole } from './draw.js';
import { Properties } from './properties.js';
import type { Bought, Visit } from './rollup.js';
import { Worker } from './worker.js';

const MODEL = 'm';
const VERSIONS = ['v1', 'v2', 'v3', 'v4'];
const START_MS = 1_767_225_600_000;
const HOUR_MS = 3_600_000;
const CALM_STEPS = 400;

/** How the world treats everybody: drawn once per seed. */
interface Climate {
  readonly stepMs: number;
  readonly units: number;
  readonly rates: Readonly<Record<string, VersionRates>>;
  readonly lateMs: number;
  readonly lossShare: number;
  readonly crashShare: number;
  readonly gapShare: number;
  /** Exposures that are written down under another variant: somebody goes round the gateway. */
  readonly mixedShare: number;
  readonly pauseShare: number;
  readonly verbShare: number;
  readonly newChampionShare: number;
}

interface VersionRates {
  readonly buys: number;
  readonly fails: number;
  readonly latencyMs: number;
}

interface Gateway {
  plan: TrafficPlan;
  isCutOff: boolean;
  readonly skewMs: number;
}

type Delivery = { readonly atMs: number } & (
  | { readonly kind: 'visit'; readonly visit: Visit }
  | { readonly kind: 'outcome'; readonly bought: Bought }
);

/** What a world came to. */
export interface Told {
  readonly steps: number;
  readonly decisions: Readonly<Record<string, number>>;
  readonly conflicts: number;
  readonly experiments: number;
}

/** One model with experiments, gateways, workers and people in virtual time; everything follows from the seed. */
export class World {
  private readonly random: Random;
  private readonly climate: Climate;
  private readonly database: ModelDatabase;
  private readonly properties: Properties;
  private readonly gateways: readonly Gateway[];
  private readonly workers: readonly Worker[];
  private readonly deliveries: Delivery[] = [];
  private readonly counts: Record<string, number> = {};
  private nextId = 1;
  private dropped = 0;
  private conflicts = 0;
  private isCalm = false;

  constructor(readonly seed: number) {
    this.random = randomOf(seed, 1);
    const { random } = this;
    this.climate = climateOf(random);
    this.database = new ModelDatabase(firstPlan(), START_MS);
    this.properties = new Properties(this.database);
    this.gateways = [0, 1].map(() => ({
      plan: this.database.plan,
      isCutOff: false,
      skewMs: chance(random, 0.3) ? whole(random, -HOUR_MS, HOUR_MS) : 0,
    }));
    const hasFailures = chance(random, 0.3);
    const faults = {
      leaseMs: whole(random, 5_000, 120_000),
      failureShare: hasFailures ? 0.6 * random() : 0,
      backlogShare: chance(random, 0.3) ? 0.2 : 0,
      vetoShare: chance(random, 0.3) ? 0.5 : 0,
      dropped: () => this.dropped,
    };
    this.workers = Array.from({ length: whole(random, 1, 4) }, (_, index) => {
      const skewMs = chance(random, 0.3) ? whole(random, -HOUR_MS, HOUR_MS) : 0;
      const quiet = { ...faults, failureShare: 0 };
      return new Worker(`w${String(index)}`, this.database, hasFailures ? faults : quiet, skewMs);
    });
    this.begin();
  }

  /** Lives for so many steps and then in calm until everybody was heard. Throws a Violation. */
  live(steps: number): Told {
    for (let step = 0; step < steps; step += 1) this.step();
    this.calm();
    for (const row of this.database.rows.values()) this.properties.atEnd(row);
    return {
      steps: steps + CALM_STEPS,
      decisions: this.counts,
      conflicts: this.conflicts,
      experiments: this.database.rows.size,
    };
  }

  private get open(): readonly string[] {
    return [...this.database.rows.values()]
      .filter(({ experiment }) => isOpen(experiment))
      .map(({ experiment }) => experiment.id);
  }

  private begin(): void {
    const { random } = this;
    const number = this.database.rows.size + 1;
    const design = randomDesign(random, MODEL);
    const model = modelIn(this.database.plan, MODEL);
    const champion = model?.champion ?? 'v1';
    const isFree = design.kind === 'canary' && model?.holdout === undefined;
    const reverse = isFree && chance(random, 0.2) ? { reverseHoldout: { share: 0.05 } } : {};
    // the control serves what is shipped now
    const others = VERSIONS.filter((version) => version !== champion);
    const variants = design.variants.map((variant, index) => ({
      ...variant,
      version: variant.control ? champion : (others[index - 1] ?? 'v4'),
    }));
    this.database.start(
      `e${String(number)}`,
      { ...design, variants, ...reverse },
      `${this.seed}.${number}`,
    );
  }

  /** One thing happens. */
  private step(): void {
    const { random, climate } = this;
    this.database.nowMs += Math.ceil(waiting(random, climate.stepMs));
    this.deliver();
    const roll = random();
    if (roll < 0.25) this.traffic();
    else if (roll < 0.85) this.work();
    else if (roll < 0.9) this.gatewaysFollow();
    else if (roll < 0.97) for (const worker of this.workers) worker.heartbeat();
    else if (!this.isCalm) this.trouble();
    this.properties.everyStep();
    if (this.open.length === 0 && !this.isCalm && chance(random, 0.02)) this.begin();
  }

  /** Nobody is in anybody's way: what is due gets done, whatever happened before. */
  private calm(): void {
    this.isCalm = true;
    for (const worker of this.workers) worker.isPaused = false;
    for (const gateway of this.gateways) gateway.isCutOff = false;
    const before = new Map(this.open.map((id) => [id, this.database.row(id).leaseEpoch] as const));
    for (let step = 0; step < CALM_STEPS; step += 1) this.step();
    for (const [id, epoch] of before) {
      const { leaseEpoch, experiment } = this.database.row(id);
      if (isOpen(experiment) && leaseEpoch === epoch) {
        throw new Error(`${id} was never analysed again after everything was well`);
      }
    }
  }

  private traffic(): void {
    const { random, climate, database } = this;
    const gateway = pick(random, this.gateways);
    const model = modelIn(gateway.plan, MODEL);
    if (model === null) return;
    const requests = whole(random, 1, 40);
    for (let request = 0; request < requests; request += 1) {
      const number = whole(random, 1, climate.units);
      const unit = `u${String(number)}`;
      const assignment = assign(model, unit, null);
      if (assignment === null) continue;
      const { enrolment, version } = assignment;
      this.properties.assigned(unit, enrolment, model, gateway.plan.version);
      if (enrolment === null) continue;
      const rates = climate.rates[version] ?? { buys: 0, fails: 0, latencyMs: 1 };
      const atMs = database.nowMs + gateway.skewMs;
      // the same units again and again: a version that crashes on what they send
      const crashes = number % 100 < 100 * climate.crashShare;
      if (crashes && enrolment.variant !== 'control') continue;
      if (chance(random, climate.gapShare)) {
        this.dropped += 1;
        continue;
      }
      const visit: Visit = {
        ...{ id: this.nextId, unit, atMs, isError: chance(random, rates.fails) },
        enrolment: chance(random, climate.mixedShare) ? this.mixed(enrolment) : enrolment,
        latencyMs: waiting(random, rates.latencyMs),
      };
      this.nextId += 1;
      this.send({ kind: 'visit', visit, atMs: this.arrival() });
      if (!chance(random, rates.buys)) continue;
      const boughtAtMs = atMs + Math.ceil(waiting(random, climate.lateMs));
      const bought: Bought = { id: this.nextId, unit, atMs: boughtAtMs, value: 1 + random() };
      this.nextId += 1;
      if (!chance(random, climate.lossShare)) {
        this.send({ kind: 'outcome', bought, atMs: boughtAtMs - gateway.skewMs });
      }
    }
  }

  private mixed(enrolment: Enrolment): Enrolment {
    const { design } = this.database.row(enrolment.experimentId).experiment;
    const variant = pick(this.random, design?.variants ?? []).name;
    return { ...enrolment, variant };
  }

  /** Some arrive twice, some much later than they happened. */
  private send(delivery: Delivery): void {
    const { random } = this;
    this.deliveries.push(delivery);
    if (chance(random, 0.03)) this.deliveries.push({ ...delivery, atMs: this.arrival() });
  }

  private arrival(): number {
    const { random, climate } = this;
    const mean = chance(random, 0.1) ? climate.lateMs : 500;
    return this.database.nowMs + Math.ceil(waiting(random, mean));
  }

  private deliver(): void {
    const { nowMs } = this.database;
    for (let index = this.deliveries.length - 1; index >= 0; index -= 1) {
      const delivery = this.deliveries[index];
      if (delivery === undefined || delivery.atMs > nowMs) continue;
      // order does not matter: the last takes the place of the one that is done
      const last = this.deliveries.pop();
      if (last !== undefined && index < this.deliveries.length) this.deliveries[index] = last;
      this.take(delivery);
    }
  }

  private take(delivery: Delivery): void {
    if (delivery.kind === 'visit') {
      this.database.row(delivery.visit.enrolment.experimentId).rollup.takeVisit(delivery.visit);
      return;
    }
    for (const id of this.open) this.database.row(id).rollup.takeOutcome(delivery.bought);
  }

  private work(): void {
    const { random } = this;
    const worker = pick(random, this.workers);
    const event = worker.step(random, this.open);
    if (event.kind === 'leased') this.properties.leased(event.lease);
    if (event.kind === 'concluded') this.properties.concluded(event.experiment, event.concluded);
    if (event.kind !== 'committed') return;
    const { outcome, concluded } = event;
    if (outcome.kind === 'conflict') this.conflicts += 1;
    else this.properties.carriedOut(event.experiment, concluded, outcome);
    if (outcome.kind !== 'decided') return;
    this.count(kindOf(outcome.decision));
    this.properties.committed({ concluded, ...outcome });
  }

  private gatewaysFollow(): void {
    for (const gateway of this.gateways) {
      if (!gateway.isCutOff) gateway.plan = this.database.plan;
    }
  }

  /** Somebody is paused, wakes up, dies or is cut off; or a person acts. */
  private trouble(): void {
    const { random, climate } = this;
    const worker = pick(random, this.workers);
    if (worker.isPaused) worker.isPaused = chance(random, 0.4);
    else worker.isPaused = chance(random, climate.pauseShare);
    if (chance(random, 0.1)) worker.kill();
    const gateway = pick(random, this.gateways);
    gateway.isCutOff = chance(random, 0.3);
    if (chance(random, climate.newChampionShare)) {
      this.database.setChampion(MODEL, pick(random, VERSIONS));
      this.count('new champion');
    }
    // now and then somebody tries it on what has ended
    const ids = chance(random, 0.9) ? this.open : [...this.database.rows.keys()];
    if (ids.length > 0 && chance(random, climate.verbShare)) this.act(pick(random, ids));
  }

  private act(id: string): void {
    const { random } = this;
    const { design, rollout } = this.database.row(id).experiment;
    if (design === null) return;
    const act = chance(random, 0.97)
      ? gentleAct(random, design, rollout)
      : harshAct(random, design);
    const outcome = this.database.perform(id, act);
    if (outcome.kind !== 'decided') return;
    this.count(`manual ${act.verb}`);
    this.properties.once(outcome.decision, outcome.before);
  }

  private count(kind: string): void {
    this.counts[kind] = (this.counts[kind] ?? 0) + 1;
  }
}

/** What was decided; a hold with its reason. */
function kindOf({ kind, reasons }: StoredDecision): string {
  const { code } = reasons as { readonly code: string };
  return kind === 'hold' ? `hold: ${code}` : kind;
}

function gentleAct(random: Random, design: FrozenDesign, rollout: RolloutState | null): Manual {
  const verbs = ['pause', 'resume', 'resume', 'resume', 'approve', 'approve', 'advance'] as const;
  if (design.kind !== 'ab' || chance(random, 0.7)) return { verb: pick(random, verbs) };
  const { name: variant } = pick(random, design.variants);
  if (chance(random, 0.3)) return { verb: 'close', variant };
  const closed = rollout?.closed ?? [];
  const open = design.variants.filter(({ name }) => !closed.includes(name));
  const weights = Object.fromEntries(open.map(({ name }) => [name, whole(random, 1, 4)]));
  return { verb: 'reweigh', weights, coverage: pick(random, [0.5, 0.8, 1]) };
}

function harshAct(random: Random, design: FrozenDesign): Manual {
  const verb = pick(random, ['promote', 'rollback', 'abort', 'redesign', 'redesign'] as const);
  if (verb === 'promote') return { verb, variant: design.variants[1]?.name ?? '' };
  if (verb !== 'redesign') return { verb };
  const { analysis } = design;
  return { verb, design: { ...design, analysis: { ...analysis, minUnits: whole(random, 2, 60) } } };
}

function firstPlan(): TrafficPlan {
  const settings = {
    ...{ name: MODEL, unit: { header: 'x-sluice-unit' }, fallback: null, timeoutMs: 1_000 },
    ...{ idempotent: false, capture: { output: {}, input: {} }, disclose: false },
  };
  const bare = withModel(emptyPlan(), settings);
  const plan = VERSIONS.reduce(
    (known, name) =>
      withVersion(known, MODEL, { name, url: 'http://x', sealedHeaders: null, timeoutMs: null }),
    bare,
  );
  return withChampion(plan, MODEL, 'v1');
}

function climateOf(random: Random): Climate {
  // a control that fails for everybody is the experiment's own trouble
  const fails = chance(random, 0.08) ? 0.8 : 0.1 * random();
  const base = { buys: 0.05 + 0.4 * random(), fails, latencyMs: 20 };
  const worse = (rates: VersionRates): VersionRates => ({
    ...rates,
    buys: chance(random, 0.5) ? rates.buys * 0.4 : rates.buys,
    fails: chance(random, 0.5) ? 0.2 + 0.7 * random() : rates.fails,
  });
  const better = (rates: VersionRates): VersionRates => ({
    ...rates,
    buys: Math.min(0.95, rates.buys * (1.5 + 2 * random())),
  });
  const mood = random();
  const other = (): VersionRates => {
    const roll = (random() + 2 * mood) / 3;
    return roll < 0.35 ? worse(base) : roll < 0.5 ? base : better(base);
  };
  return {
    stepMs: whole(random, 300, 2_500),
    units: whole(random, 200, 5_000),
    rates: Object.fromEntries([['v1', base], ...VERSIONS.slice(1).map((name) => [name, other()])]),
    lateMs: whole(random, 500, 120_000),
    lossShare: chance(random, 0.2) ? 0.1 : 0,
    crashShare: chance(random, 0.15) ? 0.8 : 0,
    mixedShare: chance(random, 0.08) ? 0.1 : 0,
    gapShare: chance(random, 0.08) ? 0.0005 : 0,
    pauseShare: random(),
    verbShare: chance(random, 0.7) ? 0.6 * random() : 0,
    newChampionShare: chance(random, 0.1) ? 0.05 : 0,
  };
}
