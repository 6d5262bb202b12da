import type { PoolClient } from 'pg';
import { invariant } from '../kernel/assert.js';
import type { Category, LatencyHistograms, MirrorCounts, OutputTable, PairCell } from './paired.js';
import { binOf } from './paired.js';
import type { CompiledPairs } from './paired-sql.js';
import * as sql from './paired-sql.js';
import type { RollupLimits, RollupTarget } from './rollup.js';

/** The client gives up this long after the server should have: a frozen server never does. */
const CLIENT_GRACE_MS = 5_000;

export interface PairState {
  /** Transactions below this one have ended. */
  readonly horizon: string;
  /** Null before the first batch, and so are the rest. */
  readonly epoch: number | null;
  readonly fingerprint: string | null;
  readonly watermarkMs: number | null;
  readonly mirrorsX: string | null;
  readonly mirrorsId: string | null;
  readonly outcomesX: string | null;
  readonly outcomesId: string | null;
}

/** New rows of a stream: the last one read, and the units that have to be computed again. */
export interface NewPairs {
  readonly read: number;
  readonly x: string | null;
  readonly id: string | null;
  /** Time of the newest; null when there was none, and for labels. */
  readonly atMs: number | null;
  readonly units: readonly string[];
}

interface CellRow extends Omit<PairCell, 'events' | 'first'> {
  readonly events_p: number;
  readonly events_s: number;
  readonly first_both: number;
  readonly first_p: number;
  readonly first_s: number;
  readonly first_neither: number;
}

interface CountRow {
  readonly kind: string;
  readonly key: string;
  readonly count: number;
}

interface TableRow {
  readonly output: string;
  readonly p: string | null;
  readonly s: string | null;
  readonly units: number;
  readonly agreeing: number;
}

/** The tables of the pairs and the views of the events, inside one transaction on one client. */
export class PairedStore {
  constructor(
    private readonly client: PoolClient,
    private readonly limits: RollupLimits,
  ) {}

  async begin(access: 'read' | 'write'): Promise<void> {
    const snapshot = ' TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY';
    await this.query(`BEGIN${access === 'read' ? snapshot : ''}`, []);
    // jit: compiling takes longer than running on a batch. enable_*: see rollup-sql.ts
    await this.query(
      `SELECT set_config('statement_timeout', $1, true), set_config('lock_timeout', $2, true),
         set_config('idle_in_transaction_session_timeout', $1, true),
         set_config('extra_float_digits', '1', true), set_config('jit', 'off', true),
         set_config('enable_nestloop', 'off', true), set_config('enable_seqscan', 'off', true)`,
      [this.limits.statementTimeoutMs.toString(), this.limits.lockTimeoutMs.toString()],
    );
  }

  async commit(): Promise<void> {
    await this.query('COMMIT', []);
  }

  async rollback(): Promise<void> {
    await this.query('ROLLBACK', []);
  }

  /** One taker-in of an experiment's pairs at a time, until the transaction ends. */
  async lock(experimentId: string): Promise<void> {
    await this.query(`SELECT pg_advisory_xact_lock(hashtextextended('sluice.pairs ' || $1, 0))`, [
      experimentId,
    ]);
  }

  async state(experimentId: string): Promise<PairState> {
    const [row] = await this.query<PairState>(sql.STATE, [experimentId]);
    invariant(row !== undefined, 'a query of scalars has one row');
    return row;
  }

  async clear(experimentId: string): Promise<void> {
    for (const statement of sql.CLEAR) await this.query(statement, [experimentId]);
  }

  async start(target: RollupTarget, fingerprint: string, horizon: string): Promise<void> {
    await this.query(sql.START, [target.experimentId, target.epoch, fingerprint, horizon]);
  }

  /** Reads new mirrored requests and adds them to the counts. */
  async takeMirrors({ experimentId, epoch }: RollupTarget, state: PairState): Promise<NewPairs> {
    const { mirrorsX, mirrorsId, horizon } = state;
    const { batchRows } = this.limits;
    const parameters = [experimentId, mirrorsX, mirrorsId, horizon, batchRows, epoch];
    const found = await this.one(sql.READ_MIRRORS, parameters);
    if (found.read > 0) await this.query(sql.ADD_COUNTS, parameters);
    return found;
  }

  async newLabels(
    { experimentId, epoch, model }: RollupTarget,
    state: PairState,
    names: readonly string[],
  ): Promise<NewPairs> {
    const { outcomesX, outcomesId, horizon } = state;
    const { batchRows } = this.limits;
    const cursor = [experimentId, outcomesX, outcomesId, horizon, batchRows];
    return this.one(sql.READ_LABELS, [...cursor, epoch, model, names]);
  }

  async putUnits(
    { experimentId, epoch }: RollupTarget,
    units: readonly string[],
    horizon: string,
    outputs: readonly string[],
  ): Promise<void> {
    await this.query(sql.PUT_UNITS, [experimentId, epoch, units, horizon, outputs]);
  }

  async putValues(
    { experimentId, epoch }: RollupTarget,
    units: readonly string[],
    horizon: string,
    compiled: CompiledPairs,
  ): Promise<void> {
    const fixed = [experimentId, epoch, units, horizon];
    await this.query(sql.putValues(compiled.ctes), [...fixed, ...compiled.values]);
  }

  async advance(experimentId: string, mirrors: NewPairs, labels: NewPairs | null): Promise<void> {
    const cursors = [mirrors.x, mirrors.id, labels?.x ?? null, labels?.id ?? null];
    await this.query(sql.ADVANCE, [experimentId, ...cursors, mirrors.atMs]);
  }

  async cells(experimentId: string): Promise<PairCell[]> {
    return (await this.query<CellRow>(sql.CELLS, [experimentId])).map(cellOf);
  }

  async outputs(experimentId: string): Promise<OutputTable[]> {
    const rows = await this.query<TableRow>(sql.TABLES, [experimentId]);
    return [...Map.groupBy(rows, ({ output }) => output).values()].map(tableOf);
  }

  async counts(experimentId: string): Promise<{
    readonly counts: MirrorCounts;
    readonly units: number;
    readonly latency: LatencyHistograms;
  }> {
    const rows = await this.query<CountRow>(sql.COUNTS, [experimentId]);
    const histogram = (of: string): readonly (readonly [number, number])[] =>
      rows
        .filter(({ kind }) => kind === `latency_${of}`)
        .map(({ key, count }) => [Number(key), count] as const)
        .sort(([left], [right]) => left - right);
    return {
      counts: countsOf(rows),
      units: countIn(rows, 'units', 'answered'),
      latency: {
        primary: histogram('primary'),
        shadow: histogram('shadow'),
        difference: histogram('difference'),
      },
    };
  }

  private async one(text: string, parameters: unknown[]): Promise<NewPairs> {
    const [row] = await this.query<NewPairs>(text, parameters);
    invariant(row !== undefined, 'a query of scalars has one row');
    return row;
  }

  private async query<Row>(text: string, values: unknown[]): Promise<Row[]> {
    const query = { text, values, query_timeout: this.limits.statementTimeoutMs + CLIENT_GRACE_MS };
    const { rows } = await this.client.query(query);
    return rows as Row[];
  }
}

function cellOf(row: CellRow): PairCell {
  const { events_p, events_s, first_both, first_p, first_s, first_neither, ...rest } = row;
  return {
    ...rest,
    events: { primary: events_p, shadow: events_s },
    first: {
      both: first_both,
      primaryOnly: first_p,
      shadowOnly: first_s,
      neither: first_neither,
    },
  };
}

function countIn(rows: readonly CountRow[], kind: string, key: string): number {
  return rows.find((row) => row.kind === kind && row.key === key)?.count ?? 0;
}

function countsOf(rows: readonly CountRow[]): MirrorCounts {
  const answered = countIn(rows, 'copy', 'answered');
  const shadowFailed = countIn(rows, 'copy', 'shadow_failed');
  const primaryFailed = countIn(rows, 'copy', 'primary_failed');
  const bothFailed = countIn(rows, 'copy', 'both_failed');
  const drops = rows.filter(({ kind }) => kind === 'drop');
  return {
    sent: answered + shadowFailed + primaryFailed + bothFailed,
    ...{ answered, shadowFailed, primaryFailed, bothFailed },
    dropped: Object.fromEntries(drops.map(({ key, count }) => [key, count])),
  };
}

function tableOf(rows: readonly TableRow[]): OutputTable {
  const [first] = rows;
  invariant(first !== undefined, 'a group has a row');
  const codes = [...new Set(rows.flatMap(({ p, s }) => [p, s]))].sort(byOrder);
  return {
    output: first.output,
    categories: codes.map(categoryOf),
    counts: rows.map(({ p, s, units }) => [codes.indexOf(p), codes.indexOf(s), units] as const),
    agreeing: rows.reduce((sum, { agreeing }) => sum + agreeing, 0),
  };
}

/** Numbers by size, then texts, then what is missing, then the others. */
function byOrder(left: string | null, right: string | null): number {
  const rank = (code: string | null): number =>
    code === null ? 3 : code === 'm' ? 2 : code.startsWith('t') ? 1 : 0;
  if (rank(left) !== rank(right)) return rank(left) - rank(right);
  if (rank(left) === 0) return Number(left?.slice(1)) - Number(right?.slice(1));
  return (left ?? '') < (right ?? '') ? -1 : 1;
}

function categoryOf(code: string | null): Category {
  if (code === null) return { kind: 'other' };
  if (code === 'm') return { kind: 'missing' };
  if (code.startsWith('t')) return { kind: 'text', text: code.slice(1) };
  return { kind: 'bin', ...binOf(Number(code.slice(1))) };
}
