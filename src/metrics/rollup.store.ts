import type { PoolClient } from 'pg';
import { invariant } from '../kernel/assert.js';
import type {
  CovariateMoments,
  MetricCell,
  MetricDefinition,
  PeriodCells,
  QuantileCell,
  Segment,
  SegmentCells,
  UnitCell,
} from './metric.js';
import type { CompiledMetrics } from './metric-sql.js';
import { compilePeriod, type Period } from './period-sql.js';
import { compileQuantile } from './quantile-sql.js';
import * as sql from './rollup-sql.js';
import type { RollupLimits, RollupTarget } from './rollup.js';
import { MAX_SEGMENTS, segmentCells } from './segment-sql.js';

/** The client gives up this long after the server should have: a frozen server never does. */
const CLIENT_GRACE_MS = 5_000;

/** PostgreSQL: a statement took longer than it may. */
export const QUERY_CANCELED = '57014';

export interface Cursor {
  readonly x: string;
  readonly id: string;
}

export interface RollupState {
  /** Transactions below this one have ended; their rows are visible to every later statement. */
  readonly horizon: string;
  /** Null before the first batch. */
  readonly epoch: number | null;
  readonly fingerprint: string | null;
  readonly cursors: Readonly<Partial<Record<sql.Stream, Cursor>>> | null;
  /** A release without third moments wrote some of the cells. */
  readonly lacksCubes: boolean;
}

export interface NewRows {
  readonly read: number;
  /** Units that have to be computed again. */
  readonly units: readonly string[];
  /** The last row read; null when there was none. */
  readonly last: Cursor | null;
}

interface ReadRow {
  readonly read: number;
  readonly x: string | null;
  readonly id: string | null;
  readonly units: readonly string[];
}

type CellRow = Omit<MetricCell, 'covariate' | 'm3Y'> &
  Omit<CovariateMoments, 'unitsWithData'> & { readonly withX: number; readonly m3Y: number | null };

type QuantileRow = Omit<QuantileCell, 'metric' | 'share'> & QuantileCell['share'];

type PeriodRow = Omit<CellRow, 'metric'> & {
  readonly metric: string | null;
  readonly units: number;
};

interface SegmentRow extends CellRow, Pick<UnitCell, 'units' | 'crossovers'> {
  readonly kind: Segment['kind'];
  readonly value: string | null;
  /** Distinct values that are in no segment of their own. */
  readonly others: number;
}

/** The tables of the rollup and the views of the events, inside one transaction on one client. */
export class RollupStore {
  constructor(
    private readonly client: PoolClient,
    private readonly limits: RollupLimits,
  ) {}

  async begin(): Promise<void> {
    await this.query('BEGIN', []);
    await this.limit();
  }

  /** Both kinds of cells must come from the same moment. */
  async beginSnapshot(): Promise<void> {
    await this.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY', []);
    await this.limit();
  }

  async commit(): Promise<void> {
    await this.query('COMMIT', []);
  }

  async rollback(): Promise<void> {
    await this.query('ROLLBACK', []);
  }

  /** One rollup of an experiment at a time, until the transaction ends. */
  async lock(experimentId: string): Promise<void> {
    await this.query(`SELECT pg_advisory_xact_lock(hashtextextended('sluice.rollup ' || $1, 0))`, [
      experimentId,
    ]);
  }

  async state(experimentId: string): Promise<RollupState> {
    const [row] = await this.query<RollupState>(sql.STATE, [experimentId]);
    invariant(row !== undefined, 'a query of scalars has one row');
    return row;
  }

  async clear(experimentId: string): Promise<void> {
    for (const statement of sql.CLEAR) await this.query(statement, [experimentId]);
  }

  async start(target: RollupTarget, fingerprint: string, horizon: string): Promise<void> {
    await this.query(sql.START, [target.experimentId, target.epoch, fingerprint]);
    await this.query(sql.START_CURSORS, [target.experimentId, horizon]);
  }

  async newExposures(target: RollupTarget, cursor: Cursor, horizon: string): Promise<NewRows> {
    return this.read(sql.READ_EXPOSURES, this.readParameters(target, cursor, horizon));
  }

  async newPredictions(target: RollupTarget, cursor: Cursor, horizon: string): Promise<NewRows> {
    return this.read(sql.READ_PREDICTIONS, this.readParameters(target, cursor, horizon));
  }

  async newOutcomes(
    target: RollupTarget,
    cursor: Cursor,
    { horizon, names }: { readonly horizon: string; readonly names: readonly string[] },
  ): Promise<NewRows> {
    const parameters = this.readParameters(target, cursor, horizon);
    return this.read(sql.READ_OUTCOMES, [...parameters, target.model, names]);
  }

  async advance(experimentId: string, stream: sql.Stream, last: Cursor): Promise<void> {
    await this.query(sql.ADVANCE, [experimentId, stream, last.x, last.id]);
  }

  async fillCubes(experimentId: string): Promise<void> {
    await this.query(sql.FILL_CUBES, [experimentId]);
  }

  async putUnits(target: RollupTarget, units: readonly string[], horizon: string): Promise<void> {
    const { experimentId, epoch, model } = target;
    await this.query(sql.PUT_UNITS, [experimentId, epoch, units, horizon, model]);
  }

  async putValues(
    target: RollupTarget,
    units: readonly string[],
    compiled: CompiledMetrics,
  ): Promise<void> {
    const fixed = [target.experimentId, target.epoch, units, target.model];
    await this.query(sql.putValues(compiled.ctes), [...fixed, ...compiled.values]);
  }

  /** @returns how many values matured; as many as the limit means that more may be due */
  async mature(experimentId: string): Promise<number> {
    const [row] = await this.query<{ readonly matured: number }>(sql.MATURE, [
      experimentId,
      this.limits.batchRows,
    ]);
    return row?.matured ?? 0;
  }

  async sweepCells(experimentId: string): Promise<void> {
    for (const statement of sql.SWEEP_CELLS) await this.query(statement, [experimentId]);
  }

  async watermarkMs(experimentId: string): Promise<number | null> {
    const [row] = await this.query<{ readonly watermarkMs: number | null }>(sql.WATERMARK, [
      experimentId,
    ]);
    return row?.watermarkMs ?? null;
  }

  async metricCells({ experimentId, metrics }: RollupTarget): Promise<MetricCell[]> {
    const adjusted = new Set(
      metrics.filter((metric) => (metric.covariate ?? null) !== null).map(({ name }) => name),
    );
    const rows = await this.query<CellRow>(sql.METRIC_CELLS, [experimentId]);
    return rows.map((row) => cellOf(row, adjusted.has(row.metric)));
  }

  /** The largest values first, then the other ones together, then the units without a value. */
  async segmentCells(
    { experimentId, epoch }: RollupTarget,
    attribute: string,
    metric: MetricDefinition,
  ): Promise<SegmentCells[]> {
    const parameters = [experimentId, epoch, attribute, metric.name, MAX_SEGMENTS];
    const isAdjusted = (metric.covariate ?? null) !== null;
    const rows = await this.query<SegmentRow>(segmentCells({ covariate: isAdjusted }), parameters);
    const segments = Map.groupBy(rows, ({ kind, value }) => `${kind} ${value ?? ''}`);
    return [...segments.values()].map((own) => ({
      segment: segmentOf(own),
      unitCells: own.map(({ phase, variant, units, crossovers }) => ({
        ...{ phase, variant, units, crossovers },
      })),
      metricCells: own.map((row) => cellOf(row, isAdjusted)),
    }));
  }

  /** Of the metrics that have a number per unit; what a unit did before the period adjusts nothing. */
  async periodCells(
    { experimentId, epoch, model, metrics }: RollupTarget,
    period: Period,
  ): Promise<PeriodCells> {
    const summed = metrics
      .filter(({ kind }) => kind !== 'quantile')
      .map((metric) => ({ ...metric, covariate: null }));
    const { text, values } = compilePeriod(summed);
    const { phase, startedAtMs, endedAtMs } = period;
    const until = endedAtMs === null ? 'infinity' : new Date(endedAtMs);
    const fixed = [experimentId, epoch, model, phase, new Date(startedAtMs), until];
    const rows = await this.query<PeriodRow>(text, [...fixed, ...values]);
    const arms = new Map(rows.map(({ variant, units }) => [variant, units]));
    return {
      unitCells: [...arms].map(([variant, units]) => ({ phase, variant, units, crossovers: 0 })),
      metricCells: rows.flatMap((row) => (hasMetric(row) ? [cellOf(row, false)] : [])),
    };
  }

  /** Needs a metric of kind `quantile`. */
  async quantileCells(
    { experimentId, epoch, model }: RollupTarget,
    metric: MetricDefinition,
    z: number,
  ): Promise<QuantileCell[]> {
    const { text, values } = compileQuantile(metric, z);
    const rows = await this.query<QuantileRow>(text, [experimentId, epoch, model, ...values]);
    return rows.map(({ meanY, m2Y, meanD, m2D, coMoment, ...cell }) => ({
      metric: metric.name,
      ...cell,
      share: { meanY, m2Y, meanD, m2D, coMoment },
    }));
  }

  async unitCells(experimentId: string): Promise<UnitCell[]> {
    return this.query<UnitCell>(sql.UNIT_CELLS, [experimentId]);
  }

  private readParameters(target: RollupTarget, cursor: Cursor, horizon: string): unknown[] {
    const { experimentId, epoch } = target;
    return [experimentId, cursor.x, cursor.id, horizon, this.limits.batchRows, epoch];
  }

  private async read(text: string, parameters: unknown[]): Promise<NewRows> {
    const [row] = await this.query<ReadRow>(text, parameters);
    invariant(row !== undefined, 'a query of scalars has one row');
    const last = row.x === null || row.id === null ? null : { x: row.x, id: row.id };
    return { read: row.read, units: row.units, last };
  }

  /** jit: compiling takes longer than running on a batch. enable_*: see rollup-sql.ts. */
  private async limit(): Promise<void> {
    await this.query(
      `SELECT set_config('statement_timeout', $1, true), set_config('lock_timeout', $2, true),
         set_config('extra_float_digits', '1', true), set_config('jit', 'off', true),
         set_config('enable_nestloop', 'off', true), set_config('enable_seqscan', 'off', true)`,
      [this.limits.statementTimeoutMs.toString(), this.limits.lockTimeoutMs.toString()],
    );
  }

  private async query<Row>(text: string, values: unknown[]): Promise<Row[]> {
    const query = { text, values, query_timeout: this.limits.statementTimeoutMs + CLIENT_GRACE_MS };
    const { rows } = await this.client.query(query);
    return rows as Row[];
  }
}

function cellOf(row: CellRow, isAdjusted: boolean): MetricCell {
  const { metric, phase, variant, n, pending, meanY, m2Y, meanD, m2D, coMoment } = row;
  const { events, capped, withX, meanX, m2X, coMomentXY, m3Y } = row;
  const covariate = isAdjusted ? { unitsWithData: withX, meanX, m2X, coMomentXY } : null;
  const moments = { meanY, m2Y, ...(m3Y === null ? {} : { m3Y }), meanD, m2D, coMoment };
  return { metric, phase, variant, n, pending, ...moments, events, capped, covariate };
}

function hasMetric(row: PeriodRow): row is PeriodRow & { readonly metric: string } {
  return row.metric !== null;
}

function segmentOf([row]: readonly SegmentRow[]): Segment {
  invariant(row !== undefined, 'a group has a row');
  if (row.kind === 'other') return { kind: 'other', values: row.others };
  return row.value === null
    ? { kind: 'missing', value: null }
    : { kind: 'value', value: row.value };
}
