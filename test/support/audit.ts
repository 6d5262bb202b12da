import { existsSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import type { Ledger } from './load.js';
import { score } from './scoreboard.js';

/** The application's ledger against the tables; see {@link CLEAN} for what must be 0. */
export interface Audit {
  readonly exposures: number;
  readonly predictions: number;
  readonly outcomes: number;
  readonly exposuresLost: number;
  readonly exposuresDoubled: number;
  /** Exposures of requests that nobody was answered, beyond those that went unanswered: some are counted twice. */
  readonly exposuresTooMany: number;
  /** Exposures of requests that nobody was answered: they were taken in, and broke off. */
  readonly exposuresUnanswered: number;
  /** Answers whose completion is in no table: it is written after the answer, so a kill may take some along. */
  readonly predictionsMissing: number;
  readonly predictionsDoubled: number;
  /** Recorded as served by another version than the caller was told. */
  readonly predictionsWrong: number;
  readonly outcomesLost: number;
  readonly outcomesDoubled: number;
  /** Stored with another value, or never sent. */
  readonly outcomesWrong: number;
  /** Enrolled units that were seen in two variants. */
  readonly unitsMoved: number;
  /** Units that got two versions under one and the same plan. */
  readonly assignmentsChanged: number;
  /** Requests that were answered under an older plan than a request before. */
  readonly planWentBack: number;
  readonly gaps: number;
  /** 1: the database refused events and they were set aside. */
  readonly setAside: number;
}

/** An audit in which nothing was lost, doubled or changed. */
export const CLEAN = {
  exposuresLost: 0,
  exposuresDoubled: 0,
  exposuresTooMany: 0,
  predictionsDoubled: 0,
  predictionsWrong: 0,
  outcomesLost: 0,
  outcomesDoubled: 0,
  outcomesWrong: 0,
  unitsMoved: 0,
  assignmentsChanged: 0,
  planWentBack: 0,
  gaps: 0,
  setAside: 0,
} as const;

const UNITS_MOVED = `
  SELECT 1 FROM exposures GROUP BY experiment_id, unit_key HAVING count(DISTINCT (variant, version)) > 1`;
const ASSIGNMENTS_CHANGED = `
  SELECT 1 FROM predictions GROUP BY unit_key, config_version HAVING count(DISTINCT assigned_version) > 1`;
const PLAN_WENT_BACK = `
  SELECT 1 FROM (SELECT config_version, max(config_version) OVER (
      ORDER BY at RANGE BETWEEN UNBOUNDED PRECEDING AND '2 milliseconds' PRECEDING) AS before FROM predictions) AS p
  WHERE config_version < before`;

export async function audit(url: string, dataDir: string, ledger: Ledger): Promise<Audit> {
  const client = await connected(url);
  try {
    const rows = async <T extends pg.QueryResultRow>(sql: string): Promise<T[]> =>
      (await client.query<T>(sql)).rows;
    const exposures = await rows<{ id: string }>('SELECT request_id AS id FROM exposures');
    const predictions = await rows<{ id: string; served: string }>(
      'SELECT request_id AS id, served_version AS served FROM predictions',
    );
    const outcomes = await rows<{ id: string; value: number }>('SELECT id, value FROM outcomes');
    return {
      exposures: exposures.length,
      predictions: predictions.length,
      outcomes: outcomes.length,
      ...compareExposures(exposures, ledger),
      ...comparePredictions(predictions, ledger),
      ...compareOutcomes(outcomes, ledger),
      unitsMoved: (await rows(UNITS_MOVED)).length,
      assignmentsChanged: (await rows(ASSIGNMENTS_CHANGED)).length,
      planWentBack: (await rows(PLAN_WENT_BACK)).length,
      gaps: (await rows('SELECT 1 FROM event_gaps')).length,
      setAside: existsSync(join(dataDir, 'spool', 'rejected')) ? 1 : 0,
    };
  } finally {
    await client.end();
  }
}

/** A connection of the test itself, which outlives the product's death. */
export async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 5_000,
    query_timeout: 30_000,
  });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

function compareExposures(rows: readonly { readonly id: string }[], ledger: Ledger) {
  const stored = new Set(rows.map(({ id }) => id));
  const answered = new Set(ledger.answered.map(({ requestId }) => requestId));
  const enrolled = ledger.answered.filter(({ reason }) => reason === 'experiment');
  const unknown = [...stored].filter((id) => !answered.has(id)).length;
  return {
    exposuresLost: enrolled.filter(({ requestId }) => !stored.has(requestId)).length,
    exposuresDoubled: rows.length - stored.size,
    exposuresTooMany: Math.max(0, unknown - ledger.unanswered.length),
    exposuresUnanswered: unknown,
  };
}

function comparePredictions(
  rows: readonly { readonly id: string; readonly served: string }[],
  ledger: Ledger,
) {
  const told = new Map(ledger.answered.map(({ requestId, version }) => [requestId, version]));
  const stored = new Set(rows.map(({ id }) => id));
  return {
    predictionsMissing: [...told.keys()].filter((id) => !stored.has(id)).length,
    predictionsDoubled: rows.length - stored.size,
    predictionsWrong: rows.filter(({ id, served }) => (told.get(id) ?? served) !== served).length,
  };
}

function compareOutcomes(
  rows: readonly { readonly id: string; readonly value: number }[],
  ledger: Ledger,
) {
  const stored = new Set(rows.map(({ id }) => id));
  return {
    outcomesLost: [...ledger.acknowledged].filter((id) => !stored.has(id)).length,
    outcomesDoubled: rows.length - stored.size,
    outcomesWrong: rows.filter(({ id, value }) => ledger.posted.get(id)?.value !== value).length,
  };
}

interface ScoreDetails {
  readonly drainedMs?: number | null;
  readonly notes?: string;
  /** By default all that were sent; where some met a closed listener, those that reached the product. */
  readonly requests?: number;
}

/** What a scenario of predictions and outcomes counted, as a line of the scoreboard. */
export function scoreboard(
  scenario: string,
  ledger: Ledger,
  found: Audit,
  { drainedMs = null, notes = '', requests = ledger.sent }: ScoreDetails = {},
): void {
  score({
    scenario,
    requests,
    answered: ledger.answered.length,
    lost: found.exposuresLost + found.outcomesLost,
    doubled: found.exposuresDoubled + found.predictionsDoubled + found.outcomesDoubled,
    drainedMs,
    notes: [`${ledger.acknowledged.size} outcomes`, ...(notes === '' ? [] : [notes])].join(', '),
  });
}
