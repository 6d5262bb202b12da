import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type pg from 'pg';
import { assess } from '../../src/analysis/assess.js';
import type { Report } from '../../src/analysis/report.js';
import type { MetricDefinition, QuantileCell } from '../../src/metrics/metric.js';
import { assign } from '../../src/routing/assign.js';
import { modelIn } from '../../src/routing/plan-change.js';
import type { ModelPlan, TrafficPlan } from '../../src/routing/plan.js';
import { poolOf } from '../support/events.js';
import { cellOf, designOf, evidenceOf, phaseOf, revenue, success } from '../support/evidence.js';
import { freshDatabase, type TestDatabase } from '../support/postgres.js';
import {
  type ArmCells,
  type ArmQuantiles,
  figuresIn,
  meanFigures,
  type Reported,
  sampleRatioP,
  shareFigures,
} from '../support/published-figures.js';
import { expectClose, hasRealData, numberIn, readJson, readRows } from '../support/real-data.js';
import { startTestSluice, type TestSluice, until } from '../support/sluice.js';

const MODEL = 'cookie-cats';
const EXPERIMENT = 'first-gate';
/** As many as one call may assign. */
const PLAYERS_PER_BLOCK = 10_000;
const PLAYERS_PER_LOOK = 5_000;
const OUTCOMES_PER_BATCH = 1_000;
const POSTS_AT_ONCE = 4;
/** The one row that doubles its arm's deviation; the published figures are with it and without it. */
const OUTLIER_ROUNDS = 49_854;
/** Beyond the last but one of any number of values, so that type 7 has nothing to interpolate: the maximum. */
const LEVEL_OF_MAXIMUM = 1 - 1e-12;

interface Player {
  /** A text that hashes into the arm that the player was in. */
  readonly unit: string;
  readonly version: string;
  readonly outcomes: Readonly<Record<MetricName, number>>;
}

const METRICS = ['retention_7', 'retention_1', 'sum_gamerounds'] as const;
type MetricName = (typeof METRICS)[number];

const QUANTILES = { rounds_median: 0.5, rounds_max: LEVEL_OF_MAXIMUM } as const;

/** What the API had said at one moment: of the newest report, and of the raw values. */
interface Snapshot {
  readonly report: Report;
  readonly quantiles: readonly QuantileCell[];
}

const definition = {
  name: EXPERIMENT,
  model: MODEL,
  kind: 'ab',
  hypothesis: 'players who meet the first gate at level 40 come back more often',
  variants: [
    { name: 'gate_30', version: 'gate_30', control: true },
    { name: 'gate_40', version: 'gate_40' },
  ],
  metrics: [
    ...METRICS.map((metric) => ({ metric, role: 'success' })),
    ...Object.keys(QUANTILES).map((metric) => ({ metric, role: 'diagnostic' })),
  ],
  analysis: {
    minimumDetectableEffect: { relative: 0.03 },
    plannedUnits: 90_000,
    minRuntime: '1s',
    interval: '1s',
  },
  // whatever is found, all players have to get in
  decision: { onSuccess: 'recommend', onDeterioration: 'recommend' },
};

/**
 * The players as units. Which gate a player had was drawn at random by the game; here it is drawn by hash. So each
 * gets the smallest suffix with which the hash draws what the game drew: the arms are those of the experiment, and
 * nothing about a player but the draw decides the suffix.
 */
function playersOf(model: ModelPlan): readonly Player[] {
  return readRows('cookie_cats.csv.gz').map((row) => {
    const version = row['version'] ?? '';
    let suffix = 0;
    const unit = (): string => `${row['userid'] ?? ''}.${String(suffix)}`;
    while (assign(model, unit(), null)?.version !== version) suffix += 1;
    const outcomes = {
      retention_7: row['retention_7'] === 'True' ? 1 : 0,
      retention_1: row['retention_1'] === 'True' ? 1 : 0,
      sum_gamerounds: numberIn(row, 'sum_gamerounds'),
    };
    return { unit: unit(), version, outcomes };
  });
}

function chunks<T>(all: readonly T[], size: number): readonly (readonly T[])[] {
  const count = Math.ceil(all.length / size);
  return Array.from({ length: count }, (_, at) => all.slice(at * size, (at + 1) * size));
}

/** Runs tasks in order, a few at a time. */
async function together(tasks: readonly (() => Promise<void>)[]): Promise<void> {
  const queue = tasks.values();
  const worker = async (): Promise<void> => {
    for (const task of queue) await task();
  };
  await Promise.all(Array.from({ length: POSTS_AT_ONCE }, worker));
}

function metricOf(name: MetricName): MetricDefinition {
  const isRounds = name === 'sum_gamerounds';
  const source = { kind: 'outcome', outcome: name } as const;
  return {
    ...revenue,
    name,
    kind: isRounds ? 'mean' : 'proportion',
    numerator: { source, aggregation: isRounds ? 'sum' : 'any' },
  };
}

function bothArms<Cell extends { readonly variant: string }>(
  cells: readonly Cell[],
): { readonly control: Cell; readonly treatment: Cell } {
  const [control, treatment] = ['gate_30', 'gate_40'].map((arm) =>
    cells.find(({ variant }) => variant === arm),
  );
  if (control === undefined || treatment === undefined) throw new Error('an arm has no cell');
  return { control, treatment };
}

describe('90,189 players of a mobile game, posted as exposures and outcomes', () => {
  if (!hasRealData('the players of a mobile game')) return;

  const expected = readJson('cookie_cats.expected.json') as object;
  let database: TestDatabase;
  let sluice: TestSluice;
  let pool: pg.Pool;
  let dataKey = '';
  let players: readonly Player[] = [];
  let posted: readonly Player[] = [];
  let report: Report;
  let withoutOutlier: Snapshot;
  let complete: Snapshot;

  beforeAll(async () => {
    database = await freshDatabase();
    pool = poolOf(database.url);
    sluice = await startTestSluice({ databaseUrl: database.url });
    const { client } = sluice;
    dataKey = await client.createKey('game', ['assignments:write', 'outcomes:write']);
    await client.putModel(MODEL, {});
    for (const version of ['gate_30', 'gate_40']) {
      await client.putVersion(MODEL, version, { url: 'http://127.0.0.1:9' });
    }
    for (const metric of METRICS) {
      const kind = metric === 'sum_gamerounds' ? 'mean' : 'proportion';
      const source = { outcome: metric };
      await client.putMetric(metric, { kind, source, direction: 'increase', missing: 'zero' });
    }
    for (const [metric, quantile] of Object.entries(QUANTILES)) {
      const source = { outcome: 'sum_gamerounds' };
      await client.putMetric(metric, { kind: 'quantile', source, quantile, direction: 'increase' });
    }
    await client.createExperiment(definition);
    await client.perform(EXPERIMENT, 'start', 'to count again what was counted');
    players = playersOf(await plannedModel());
    const isOutlier = ({ outcomes }: Player): boolean => outcomes.sum_gamerounds === OUTLIER_ROUNDS;
    const others = players.filter((player) => !isOutlier(player));
    for (const block of chunks(others, PLAYERS_PER_BLOCK)) await postAndWait(block);
    withoutOutlier = await snapshot();
    await postAndWait(players.filter(isOutlier));
    complete = await snapshot();
  }, 300_000);

  afterAll(async () => {
    await pool.end();
    await sluice.close();
    await database.close();
  });

  async function plannedModel(): Promise<ModelPlan> {
    const { rows } = await pool.query<{ plan: TrafficPlan }>(
      'SELECT document AS plan FROM traffic_plans ORDER BY version DESC LIMIT 1',
    );
    const plan = rows[0]?.plan;
    const model = plan === undefined ? null : modelIn(plan, MODEL);
    if (model === null) throw new Error('the model is in no plan');
    return model;
  }

  async function post(path: string, type: string, body: string): Promise<unknown> {
    const response = await fetch(`${sluice.client.address.controlUrl}/api/v1${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${dataKey}`, 'content-type': type },
      body,
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  async function postAndWait(block: readonly Player[]): Promise<void> {
    await postBlock(block);
    posted = [...posted, ...block];
    report = await until('the analysis of every event', completeReport, 60_000);
  }

  async function snapshot(): Promise<Snapshot> {
    const { controlUrl, adminKey } = sluice.client.address;
    const response = await fetch(`${controlUrl}/api/v1/experiments/${EXPERIMENT}/quantiles`, {
      headers: { authorization: `Bearer ${adminKey}` },
    });
    const { quantiles } = (await response.json()) as { quantiles: readonly QuantileCell[] };
    return { report, quantiles };
  }

  /** The players' exposures, then what they did: rounds of everybody, and who came back. */
  async function postBlock(block: readonly Player[]): Promise<void> {
    const units = block.map(({ unit }) => unit);
    const order = JSON.stringify({ model: MODEL, units });
    const receipt = await post('/assignments', 'application/json', order);
    const answer = receipt as { assignments: { version: string }[]; recorded: number };
    expect(answer.recorded).toBe(block.length);
    expect(answer.assignments.map(({ version }) => version)).toEqual(
      block.map(({ version }) => version),
    );
    const lines = block.flatMap(({ unit, outcomes }) =>
      METRICS.filter((name) => name === 'sum_gamerounds' || outcomes[name] !== 0).map((name) =>
        JSON.stringify({ id: `${unit}/${name}`, model: MODEL, unit, name, value: outcomes[name] }),
      ),
    );
    await together(
      chunks(lines, OUTCOMES_PER_BATCH).map((batch) => async () => {
        const sent = await post('/outcomes', 'application/x-ndjson', batch.join('\n'));
        expect(sent).toMatchObject({ accepted: batch.length, rejected: [] });
      }),
    );
  }

  /** The newest report once it holds every player and outcome so far. */
  async function completeReport(): Promise<Report | null> {
    const newest = await sluice.client.report(EXPERIMENT);
    if (newest?.evidence.caughtUp !== true) return null;
    const isComplete = METRICS.every((name) => {
      const sent = posted.reduce((sum, { outcomes }) => sum + outcomes[name], 0);
      const cells = newest.evidence.metricCells.filter((cell) => cell.metric === name);
      const counted = cells.reduce((sum, cell) => sum + cell.n * cell.meanY, 0);
      const units = cells.reduce((sum, cell) => sum + cell.n, 0);
      return units === posted.length && Math.round(counted) === sent;
    });
    return isComplete ? newest : null;
  }

  function cellsOf({ report: { evidence } }: Snapshot, metric: MetricName): ArmCells {
    return bothArms(evidence.metricCells.filter((cell) => cell.metric === metric));
  }

  function quantilesOf({ quantiles }: Snapshot, metric: keyof typeof QUANTILES): ArmQuantiles {
    return bothArms(quantiles.filter((cell) => cell.metric === metric));
  }

  function reportedOf({ report: { assessment } }: Snapshot, metric: MetricName): Reported {
    const assessed = assessment.metrics.find((one) => one.metric === metric);
    return { diff: assessed?.effect ?? null, relative: assessed?.lift?.estimate ?? null };
  }

  /** Everything that was published, from what the API says. */
  function countedFigures(): object {
    const share = (metric: MetricName): object =>
      shareFigures(cellsOf(complete, metric), reportedOf(complete, metric));
    const rounds = (then: Snapshot): object =>
      meanFigures(
        cellsOf(then, 'sum_gamerounds'),
        { medians: quantilesOf(then, 'rounds_median'), maxima: quantilesOf(then, 'rounds_max') },
        reportedOf(then, 'sum_gamerounds'),
      );
    const { control, treatment } = bothArms(complete.report.evidence.unitCells);
    return {
      retention_1: share('retention_1'),
      retention_7: share('retention_7'),
      sum_gamerounds_raw: rounds(complete),
      sum_gamerounds_without_the_49854_outlier: rounds(withoutOutlier),
      srm_p_50_50: sampleRatioP([control.units, treatment.units]),
    };
  }

  const published = new Map(figuresIn(expected));

  it('are published with these figures and no others', () => {
    const counted = figuresIn(countedFigures()).map(([path]) => path);
    expect(counted.sort()).toEqual([...published.keys()].sort());
  });

  it.each([...published.keys()])('give %s as published, through the API', (path) => {
    const figure = new Map(figuresIn(countedFigures())).get(path);
    const listed = published.get(path);
    if (typeof listed !== 'number') expect(figure).toBe(listed);
    else expectClose(path, typeof figure === 'number' ? figure : Number.NaN, listed);
  });

  it('never promote the later gate, at whichever look', async () => {
    const log = await sluice.client.decisions(EXPERIMENT);
    const kinds = new Set(log.filter(({ automatic }) => automatic).map(({ kind }) => kind));
    expect(kinds).not.toContain('promote');
    const { rows } = await pool.query<{ passed: boolean }>(
      `SELECT DISTINCT jsonb_path_query(assessment::jsonb, '$.metrics[*].superiority.passed')::boolean AS passed
       FROM reports`,
    );
    expect(rows).toEqual([{ passed: false }]);
    expect(await sluice.client.champion(MODEL)).toBe('gate_30');
    expect(report.number).toBeGreaterThanOrEqual(players.length / PLAYERS_PER_BLOCK);
  });

  it.each([...METRICS.map((name) => ({ judges: [name] })), { judges: METRICS }])(
    'never show the later gate to be better after every 5,000 players, judged by $judges',
    ({ judges }) => {
      const design = designOf({
        kind: 'ab',
        variants: definition.variants.map(({ name, version, control = false }) => {
          return { name, version, control, weight: 1 };
        }),
        metrics: judges.map((name) => success(metricOf(name))),
        analysis: { ...designOf().analysis, plannedUnits: definition.analysis.plannedUnits },
        steps: [],
      });
      const phases = [{ ...phaseOf(1), coverage: 1, shares: { gate_30: 0.5, gate_40: 0.5 } }];
      for (let seen = PLAYERS_PER_LOOK; ; seen += PLAYERS_PER_LOOK) {
        const soFar = players.slice(0, seen);
        const cells = judges.flatMap((name) =>
          ['gate_30', 'gate_40'].map((variant) => {
            const arm = soFar.filter(({ version }) => version === variant);
            const values = arm.map(({ outcomes }) => outcomes[name]);
            return cellOf({ metric: name, variant, phase: 1 }, values);
          }),
        );
        const { metrics } = assess(evidenceOf(cells, { design, phases }));
        expect(metrics.map(({ superiority }) => superiority)).toEqual(
          judges.map(() => expect.objectContaining({ kind: 'tested', passed: false })),
        );
        if (seen >= players.length) break;
      }
    },
  );
});
