import { ExperimentsService } from '../../src/experiments/experiments.service.js';
import { LeasesService } from '../../src/experiments/leases.service.js';
import { metricBody } from '../../src/metrics/metric.contract.js';
import { MetricsService } from '../../src/metrics/metrics.service.js';
import { modelSchema, versionSchema } from '../../src/models/model.contract.js';
import { ModelsService } from '../../src/models/models.service.js';
import { PlanService } from '../../src/models/plan.service.js';
import { EvaluationService } from '../../src/rollouts/evaluation.service.js';
import { randomOf } from '../../src/rollouts/planning/random.js';
import { RolloutsService } from '../../src/rollouts/rollouts.service.js';
import type { StoredDecision } from '../../src/rollouts/stored-decision.js';
import { VerbsService } from '../../src/rollouts/verbs.service.js';
import { modelIn } from '../../src/routing/plan-change.js';
import { INTERVAL_MS, LOOKS, rampOf, type Scenario } from './scenarios.js';
import { openScene, type Scene, START_MS } from './scene.js';
import { Crowd, type Events, insertEvents } from './traffic.js';

/** As long as a worker's lease; nothing runs out, because the clock stands still during a look. */
const LEASE_MS = 5_000;
const TURNS_AT_ONCE = 4;
const WORKER = 'ramp';

/** How a ramp ended. */
export type Ending = 'promoted' | 'rolled back' | 'inconclusive' | 'open';

export interface Ramp {
  readonly scenario: Scenario;
  readonly name: string;
  readonly ending: Ending;
  readonly decisions: number;
  /** The log is a chain, and every decision comes out the same when it is computed again. */
  readonly isSound: boolean;
}

interface Running {
  readonly scenario: Scenario;
  readonly name: string;
  readonly model: string;
  readonly crowd: Crowd;
}

/** Every ramp at the same time, from its start to its end, through the services that a worker calls. */
export async function runRamps(
  planned: readonly { readonly scenario: Scenario; readonly runs: number }[],
  seed: number,
  tell: (text: string) => void,
): Promise<readonly Ramp[]> {
  const scene = await openScene();
  try {
    const ramps = await begin(scene, planned, seed);
    for (let look = 1; look <= LOOKS; look += 1) {
      const events = await interval(scene, ramps, look);
      await scene.moveTo(START_MS + look * INTERVAL_MS);
      const turns = await workOff(scene);
      tell(
        `look ${String(look)}: ${String(events.visits.length)} requests, ${String(turns)} turns`,
      );
    }
    return await Promise.all(ramps.map((ramp) => endingOf(scene, ramp)));
  } finally {
    await scene.close();
  }
}

async function begin(
  scene: Scene,
  planned: readonly { readonly scenario: Scenario; readonly runs: number }[],
  seed: number,
): Promise<readonly Running[]> {
  await scene.get(MetricsService).define(
    'bought',
    metricBody.parse({
      kind: 'proportion',
      source: { outcome: 'bought' },
      aggregation: 'any',
      direction: 'increase',
      missing: 'zero',
    }),
  );
  const ramps: Running[] = [];
  for (const { scenario, runs } of planned) {
    for (let run = 0; run < runs; run += 1) {
      const name = `${scenario.name}-${String(run)}`;
      const crowd = new Crowd(name, scenario.variant, randomOf(seed, ramps.length));
      ramps.push({ scenario, name, model: name, crowd });
      await startRamp(scene, name, `${String(seed)}.${name}`);
    }
  }
  return ramps;
}

async function startRamp(scene: Scene, name: string, salt: string): Promise<void> {
  const models = scene.get(ModelsService);
  await models.put(name, modelSchema.parse({}), WORKER);
  for (const version of ['v1', 'v2']) {
    const request = versionSchema.parse({ url: 'http://127.0.0.1:9' });
    await models.putVersion({ model: name, version, request, actor: WORKER });
  }
  await scene.get(ExperimentsService).create(rampOf(name, name));
  // so that the same seed deals out the same units
  await scene.pool.query('UPDATE experiments SET salt = $2 WHERE name = $1', [name, salt]);
  await scene.get(VerbsService).perform(name, 'start', { reason: 'go' }, WORKER);
}

async function interval(scene: Scene, ramps: readonly Running[], look: number): Promise<Events> {
  const plan = await scene.get(PlanService).current();
  const events: Events = { visits: [], outcomes: [] };
  const fromMs = START_MS + (look - 1) * INTERVAL_MS;
  for (const { model, crowd } of ramps) {
    const own = modelIn(plan, model);
    if (own !== null && own.experiments.length > 0) {
      crowd.visit(own, fromMs, fromMs + INTERVAL_MS, events);
    }
  }
  await insertEvents(scene.pool, events);
  return events;
}

/** What the sweep of a worker does, until nothing is due. */
async function workOff(scene: Scene): Promise<number> {
  const leases = scene.get(LeasesService);
  const evaluation = scene.get(EvaluationService);
  let turns = 0;
  for (;;) {
    const due = await leases.claimDue(WORKER, LEASE_MS, 0, TURNS_AT_ONCE);
    if (due.length === 0) return turns;
    await Promise.all(due.map((lease) => evaluation.evaluate(lease)));
    turns += due.length;
  }
}

async function endingOf(scene: Scene, { scenario, name }: Running): Promise<Ramp> {
  const rollouts = scene.get(RolloutsService);
  const { decisions, chain } = await rollouts.log(name);
  const last = decisions.at(-1);
  let isSound = chain.intact;
  for (const { number } of decisions) {
    isSound = isSound && (await rollouts.replay(name, number)).identical;
  }
  return { scenario, name, ending: endingIn(last), decisions: decisions.length, isSound };
}

function endingIn(last: StoredDecision | undefined): Ending {
  switch (last?.kind) {
    case 'promote':
      return 'promoted';
    case 'rollback':
      return 'rolled back';
    case 'inconclusive':
      return 'inconclusive';
    default:
      return 'open';
  }
}
