import type { FrozenDesign } from '../../src/experiments/experiment.js';
import type { MetricCell, MetricDefinition, UnitCell } from '../../src/metrics/metric.js';
import type { Enrolment } from '../../src/routing/plan.js';

/** One request of an enrolled unit, as a gateway wrote it down. */
export interface Visit {
  readonly id: number;
  readonly unit: string;
  readonly atMs: number;
  readonly enrolment: Enrolment;
  readonly isError: boolean;
  readonly latencyMs: number;
}

/** Something that happened to a unit later. */
export interface Bought {
  readonly id: number;
  readonly unit: string;
  readonly atMs: number;
  readonly value: number;
}

interface UnitState {
  variant: string;
  phase: number;
  firstAtMs: number;
  isCrossover: boolean;
  requests: number;
  errors: number;
  latencyMs: number;
}

/**
 * What the rollup makes of the events of one experiment, recomputed at every look: first exposure decides variant and
 * phase, a second variant makes a crossover, ids count once. The real one is checked against raw rows by
 * test/integration/metrics.oracle.
 */
export class Rollup {
  private epoch = 1;
  private readonly units = new Map<string, UnitState>();
  private readonly seen = new Set<number>();
  private readonly outcomes = new Map<string, Bought[]>();
  private newestAtMs: number | null = null;

  get watermarkMs(): number | null {
    return this.newestAtMs;
  }

  /** False: the rows belong to a later epoch, and an earlier one cannot be rolled up again. */
  open(epoch: number): boolean {
    if (epoch > this.epoch) this.restart(epoch);
    return epoch === this.epoch;
  }

  takeVisit(visit: Visit): void {
    const { id, unit, atMs, enrolment } = visit;
    if (enrolment.epoch > this.epoch) this.restart(enrolment.epoch);
    if (enrolment.epoch < this.epoch || this.seen.has(id)) return;
    this.seen.add(id);
    this.newestAtMs = Math.max(this.newestAtMs ?? atMs, atMs);
    const state = this.units.get(unit) ?? freshUnit(visit);
    if (state.variant !== enrolment.variant) state.isCrossover = true;
    if (atMs < state.firstAtMs) {
      state.firstAtMs = atMs;
      state.variant = enrolment.variant;
      state.phase = enrolment.phase;
    }
    state.requests += 1;
    state.errors += visit.isError ? 1 : 0;
    state.latencyMs += visit.latencyMs;
    this.units.set(unit, state);
  }

  takeOutcome(bought: Bought): void {
    if (this.seen.has(bought.id)) return;
    this.seen.add(bought.id);
    const known = this.outcomes.get(bought.unit);
    if (known === undefined) this.outcomes.set(bought.unit, [bought]);
    else known.push(bought);
  }

  unitCells(design: FrozenDesign): readonly UnitCell[] {
    const cells = new Map<string, { units: number; crossovers: number }>();
    for (const { variant, phase, isCrossover } of this.units.values()) {
      const key = `${String(phase)} ${variant}`;
      const cell = cells.get(key) ?? { units: 0, crossovers: 0 };
      cell[isCrossover ? 'crossovers' : 'units'] += 1;
      cells.set(key, cell);
    }
    return [...cells]
      .map(([key, cell]) => {
        const [phase = '', variant = ''] = key.split(' ');
        return { phase: Number(phase), variant, ...cell };
      })
      .sort((a, b) => a.phase - b.phase || orderOf(design, a.variant) - orderOf(design, b.variant));
  }

  metricCells(
    design: FrozenDesign,
    metrics: readonly MetricDefinition[],
    nowMs: number,
  ): readonly MetricCell[] {
    return metrics.flatMap((definition) => this.cellsOf(definition, design, nowMs));
  }

  /** Another epoch begins with nothing; outcomes stay, they belong to units. */
  private restart(epoch: number): void {
    this.epoch = epoch;
    this.units.clear();
  }

  private cellsOf(
    definition: MetricDefinition,
    design: FrozenDesign,
    nowMs: number,
  ): readonly MetricCell[] {
    const sums = new Map<string, Sums>();
    for (const [unit, state] of this.units) {
      if (state.isCrossover) continue;
      const key = `${String(state.phase)} ${state.variant}`;
      let sum = sums.get(key);
      if (sum === undefined) sums.set(key, (sum = new Sums()));
      const { windowMs } = definition;
      if (windowMs !== null && state.firstAtMs + windowMs > nowMs) sum.pending += 1;
      else sum.add(...this.valueOf(definition, unit, state));
    }
    return [...sums]
      .map(([key, sum]) => {
        const [phase = '', variant = ''] = key.split(' ');
        return sum.cell(definition.name, Number(phase), variant);
      })
      .sort((a, b) => a.phase - b.phase || orderOf(design, a.variant) - orderOf(design, b.variant));
  }

  /** Numerator and denominator of a unit. */
  private valueOf(
    { numerator, windowMs }: MetricDefinition,
    unit: string,
    state: UnitState,
  ): readonly [number, number] {
    if (numerator.source.kind === 'prediction') {
      const { measure } = numerator.source;
      const total =
        measure === 'error' ? state.errors : measure === 'timeout' ? 0 : state.latencyMs;
      return [total, state.requests];
    }
    const untilMs = windowMs === null ? Infinity : state.firstAtMs + windowMs;
    const counted = (this.outcomes.get(unit) ?? []).filter(
      ({ atMs }) => atMs >= state.firstAtMs && atMs < untilMs,
    );
    const total = counted.reduce((sum, { value }) => sum + value, 0);
    return [numerator.aggregation === 'any' ? Math.min(1, counted.length) : total, 1];
  }
}

function freshUnit({ enrolment, atMs }: Visit): UnitState {
  const { variant, phase } = enrolment;
  return {
    ...{ variant, phase, firstAtMs: atMs, isCrossover: false },
    ...{ requests: 0, errors: 0, latencyMs: 0 },
  };
}

function orderOf({ variants }: FrozenDesign, variant: string): number {
  return variants.findIndex(({ name }) => name === variant);
}

/** Plain sums: the values are small, so that nothing is lost that a test could see. */
class Sums {
  pending = 0;
  private n = 0;
  private y = 0;
  private yy = 0;
  private yyy = 0;
  private d = 0;
  private dd = 0;
  private yd = 0;
  private events = 0;

  add(y: number, d: number): void {
    this.n += 1;
    this.y += y;
    this.yy += y * y;
    this.yyy += y * y * y;
    this.d += d;
    this.dd += d * d;
    this.yd += y * d;
    if (y > 0) this.events += 1;
  }

  cell(metric: string, phase: number, variant: string): MetricCell {
    const { n, pending, events } = this;
    const per = n === 0 ? 1 : n;
    const meanY = this.y / per;
    const meanD = this.d / per;
    return {
      ...{ metric, phase, variant, n, pending, meanY, meanD, events, capped: 0, covariate: null },
      m2Y: Math.max(0, this.yy - per * meanY * meanY),
      m3Y: this.yyy - 3 * meanY * this.yy + 2 * per * meanY ** 3,
      m2D: Math.max(0, this.dd - per * meanD * meanD),
      coMoment: this.yd - per * meanY * meanD,
    };
  }
}
