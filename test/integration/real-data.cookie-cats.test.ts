import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type pg from 'pg';
import { assess } from '../../src/analysis/assess.js';
import type { Report } from '../../src/analysis/report.js';
import type { MetricCell, MetricDefinition } from '../../src/metrics/metric.js';
import { assign } from '../../src/routing/assign.js';
import { modelIn } from '../../src/routing/plan-change.js';
import type { ModelPlan, TrafficPlan } from '../../src/routing/plan.js';
import { sampleRatioChiSquare } from '../../src/statistics/sample-ratio.js';
import {
  newcombeInterval,
  pooledZTest,
  type TwoProportions,
  unpooledZTest,
} from '../../src/statistics/two-proportion.js';
import { welchTTest } from '../../src/statistics/welch.js';
import { poolOf } from '../support/events.js';
import { cellOf, designOf, evidenceOf, phaseOf, revenue, success } from '../support/evidence.js';
import { freshDatabase, type TestDatabase } from '../support/postgres.js';
import {
  expectClose,
  hasRealData,
  numberIn,
  readJson,
  readRows,
  valueOf,
} from '../support/real-data.js';
import { startTestSluice, type TestSluice, until } from '../support/sluice.js';

const MODEL = 'cookie-cats';
const EXPERIMENT = 'first-gate';
/** As many as one call may assign. */
const PLAYERS_PER_BLOCK = 10_000;
const PLAYERS_PER_LOOK = 5_000;
const OUTCOMES_PER_BATCH = 1_000;
const POSTS_AT_ONCE = 4;
const ALPHA = 0.05;

interface Player {
  /** A text that hashes into the arm that the player was in. */
  readonly unit: string;
  readonly version: string;
  readonly outcomes: Readonly<Record<MetricName, number>>;
}

const METRICS = ['retention_7', 'retention_1', 'sum_gamerounds'] as const;
type MetricName = (typeof METRICS)[number];

interface Effect {
  readonly diff: number;
  readonly z_pooled: number;
  readonly p_pooled_z: number;
  readonly p_unpooled_z: number;
  readonly se_unpooled: number;
  readonly ci_wald: readonly [number, number];
  readonly ci_newcombe: readonly [number, number];
  readonly se: number;
  readonly t: number;
  readonly df: number;
  readonly p_welch: number;
  readonly ci_welch: readonly [number, number];
}

interface ArmFigures {
  readonly n: number;
  readonly successes: number;
  readonly rate: number;
  readonly sum: number;
  readonly mean: number;
  readonly sd: number;
}

interface Figures {
  readonly arms: Readonly<Record<'gate_30' | 'gate_40', ArmFigures>>;
  readonly gate_40_vs_gate_30: Effect;
}

interface Expected {
  readonly retention_1: Figures;
  readonly retention_7: Figures;
  readonly sum_gamerounds_raw: Figures;
  readonly srm_p_50_50: number;
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
  metrics: METRICS.map((metric) => ({ metric, role: 'success' })),
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

describe('90,189 players of a mobile game, posted as exposures and outcomes', () => {
  if (!hasRealData('the players of a mobile game')) return;

  const expected = readJson('cookie_cats.expected.json') as Expected;
  let database: TestDatabase;
  let sluice: TestSluice;
  let pool: pg.Pool;
  let dataKey = '';
  let players: readonly Player[] = [];
  let posted: readonly Player[] = [];
  let report: Report;

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
    await client.createExperiment(definition);
    await client.perform(EXPERIMENT, 'start', 'to count again what was counted');
    players = playersOf(await plannedModel());
    for (const block of chunks(players, PLAYERS_PER_BLOCK)) {
      await postBlock(block);
      posted = [...posted, ...block];
      report = await until('the analysis of every event', completeReport, 60_000);
    }
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

  /** The players' exposures, then what they did: only what happened, as a game would send it. */
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
      METRICS.filter((name) => outcomes[name] !== 0).map((name) =>
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

  function cellsOf(metric: MetricName): Record<'control' | 'treatment', MetricCell> {
    const [control, treatment] = ['gate_30', 'gate_40'].map((variant) =>
      report.evidence.metricCells.find(
        (cell) => cell.metric === metric && cell.variant === variant,
      ),
    );
    if (control === undefined || treatment === undefined) throw new Error(`no cells of ${metric}`);
    return { control, treatment };
  }

  const ARMS = [
    ['gate_30', 'control'],
    ['gate_40', 'treatment'],
  ] as const;

  it.each(['retention_7', 'retention_1'] as const)(
    'give counts, rates, tests and intervals of %s as published',
    (metric) => {
      const { arms, gate_40_vs_gate_30: effect } = expected[metric];
      const cells = cellsOf(metric);
      for (const [arm, side] of ARMS) {
        expect(cells[side].n).toBe(arms[arm].n);
        expect(cells[side].events).toBe(arms[arm].successes);
        expectClose(`${metric} ${arm}`, cells[side].meanY, arms[arm].rate);
      }
      const counts: TwoProportions = {
        control: { successes: cells.control.events, trials: cells.control.n },
        treatment: { successes: cells.treatment.events, trials: cells.treatment.n },
      };
      const pooled = valueOf(pooledZTest({ ...counts, alternative: 'two-sided' }));
      const wald = valueOf(unpooledZTest({ ...counts, alternative: 'two-sided', alpha: ALPHA }));
      const newcombe = valueOf(newcombeInterval({ ...counts, alpha: ALPHA }));
      expectClose('difference', pooled.estimate, effect.diff);
      expectClose('z', pooled.statistic, effect.z_pooled);
      expectClose('p', pooled.pValue, effect.p_pooled_z);
      expectClose('unpooled se', wald.standardError, effect.se_unpooled);
      expectClose('unpooled p', wald.pValue, effect.p_unpooled_z);
      expectClose('Wald lower', wald.lower, effect.ci_wald[0]);
      expectClose('Wald upper', wald.upper, effect.ci_wald[1]);
      expectClose('Newcombe lower', newcombe.lower, effect.ci_newcombe[0]);
      expectClose('Newcombe upper', newcombe.upper, effect.ci_newcombe[1]);
    },
  );

  it('give means, spread and the Welch test of the rounds as published', () => {
    const { arms, gate_40_vs_gate_30: effect } = expected.sum_gamerounds_raw;
    const cells = cellsOf('sum_gamerounds');
    const summaryOf = ({ n, meanY, m2Y }: MetricCell) => ({
      n,
      mean: meanY,
      variance: m2Y / (n - 1),
    });
    for (const [arm, side] of ARMS) {
      expect(cells[side].n).toBe(arms[arm].n);
      expectClose(`sum ${arm}`, cells[side].n * cells[side].meanY, arms[arm].sum);
      expectClose(`mean ${arm}`, cells[side].meanY, arms[arm].mean);
      expectClose(`sd ${arm}`, Math.sqrt(summaryOf(cells[side]).variance), arms[arm].sd);
    }
    const test = valueOf(
      welchTTest({
        control: summaryOf(cells.control),
        treatment: summaryOf(cells.treatment),
        alpha: ALPHA,
        alternative: 'two-sided',
      }),
    );
    expectClose('difference', test.estimate, effect.diff);
    expectClose('se', test.standardError, effect.se);
    expectClose('t', test.statistic, effect.t);
    expectClose('df', test.df, effect.df);
    expectClose('p', test.pValue, effect.p_welch);
    expectClose('lower', test.lower, effect.ci_welch[0]);
    expectClose('upper', test.upper, effect.ci_welch[1]);
  });

  it('are reported with these effects', () => {
    for (const metric of METRICS) {
      const assessed = report.assessment.metrics.find((one) => one.metric === metric);
      const figures = expected[metric === 'sum_gamerounds' ? 'sum_gamerounds_raw' : metric];
      expectClose(metric, assessed?.effect ?? Number.NaN, figures.gate_40_vs_gate_30.diff);
    }
  });

  it('have the published p-value of the sample ratio', () => {
    const observed = ARMS.map(
      ([arm]) => report.evidence.unitCells.find(({ variant }) => variant === arm)?.units ?? 0,
    );
    const ratio = valueOf(sampleRatioChiSquare({ observed, weights: [1, 1] }));
    expectClose('sample ratio', ratio.pValue, expected.srm_p_50_50);
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
