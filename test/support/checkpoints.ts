import { assess } from '../../src/analysis/assess.js';
import type { DesignMetric, FrozenDesign } from '../../src/experiments/experiment.js';
import type { MetricCell, MetricDefinition } from '../../src/metrics/metric.js';
import type { MetricAssessment, TestResult } from '../../src/statistics/assessment.js';
import { designOf, evidenceOf, revenue, success } from './evidence.js';
import { numberIn } from './real-data.js';

/** One look at one stream: cumulative counts, means and variances of control and treatment. */
export type Checkpoint = Readonly<Record<string, string>>;

/** How somebody would have set up these experiments before they began. */
export interface SetUp {
  /** Units in both arms that the test is tuned for, from all looks of a stream in time order. */
  readonly plannedUnits: (looks: readonly Checkpoint[]) => number;
  /** Whether the metrics and arms of an experiment share its alpha, as they do; otherwise each stream is alone. */
  readonly sharesAlpha: boolean;
}

/** Streams on which the engine would have stopped at some look. */
export interface Stops {
  /** The two-sided confidence sequence of the report left out "no effect". */
  readonly sequence: ReadonlySet<string>;
  /** The test that promotes passed. */
  readonly better: ReadonlySet<string>;
  /** The test that rolls back passed; it has an alpha of its own. */
  readonly worse: ReadonlySet<string>;
}

export function streamKey(row: Checkpoint): string {
  return [row['experiment_id'], row['variant_id'], row['metric_id']].join('/');
}

export function inTime(rows: readonly Checkpoint[]): readonly Checkpoint[] {
  const at = (row: Checkpoint): number => numberIn(row, 'time_since_start');
  return [...rows].sort((a, b) => at(a) - at(b));
}

export function unitsAt(row: Checkpoint | undefined): number {
  return row === undefined ? 0 : numberIn(row, 'count_c') + numberIn(row, 'count_t');
}

/** As many units as the traffic up to the first look would bring in these days. */
export function unitsInDays(looks: readonly Checkpoint[], days: number): number {
  const [first] = looks;
  if (first === undefined) return 0;
  return (unitsAt(first) / numberIn(first, 'time_since_start')) * days;
}

/** Runs every look of every experiment through the engine; all metrics are success metrics. */
export function stopsOf(rows: readonly Checkpoint[], setUp: SetUp): Stops {
  const stops = {
    sequence: new Set<string>(),
    better: new Set<string>(),
    worse: new Set<string>(),
  };
  const experiments = Map.groupBy(rows, (row) =>
    setUp.sharesAlpha ? (row['experiment_id'] ?? '') : streamKey(row),
  );
  for (const experiment of experiments.values()) {
    const variants = [...new Set(experiment.map(variantOf))];
    const metrics = [...new Set(experiment.map(metricOf))].map((name) => success(metric(name)));
    for (const variant of variants) {
      const own = inTime(experiment.filter((row) => variantOf(row) === variant));
      const design = designFor(variants, metrics, setUp.plannedUnits(own));
      const looks = Map.groupBy(own, (row) => numberIn(row, 'time_since_start'));
      for (const look of looks.values()) note(stops, look, assessed(design, look, variant));
    }
  }
  return stops;
}

function variantOf(row: Checkpoint): string {
  return `v${row['variant_id'] ?? ''}`;
}

function metricOf(row: Checkpoint): string {
  return `m${row['metric_id'] ?? ''}`;
}

/** Metric 1 is binary, the others are counts or sums per user. */
function metric(name: string): MetricDefinition {
  const { source } = revenue.numerator;
  const isBinary = name === 'm1';
  return {
    ...revenue,
    name,
    kind: isBinary ? 'proportion' : 'mean',
    numerator: { source, aggregation: isBinary ? 'any' : 'sum' },
  };
}

function designFor(
  variants: readonly string[],
  metrics: readonly DesignMetric[],
  plannedUnits: number,
): FrozenDesign {
  const plain = designOf();
  const arms = ['control', ...variants].map((name) => {
    return { name, version: name, control: name === 'control', weight: 1 };
  });
  const analysis = { ...plain.analysis, plannedUnits };
  return { ...plain, kind: 'ab', variants: arms, metrics, analysis, steps: [] };
}

/** What the engine says of one look; metrics that were published without a variance are left out. */
function assessed(
  design: FrozenDesign,
  look: readonly Checkpoint[],
  variant: string,
): readonly MetricAssessment[] {
  const cells = look.flatMap((row) =>
    row['variance_c'] === '' || row['variance_t'] === ''
      ? []
      : [cell(row, 'c', 'control'), cell(row, 't', variant)],
  );
  const share = 1 / design.variants.length;
  const shares = Object.fromEntries(design.variants.map(({ name }) => [name, share]));
  const phases = [{ phase: 1, coverage: 1, startedAtMs: 0, shares }];
  const { metrics } = assess(evidenceOf(cells, { design, phases }));
  return metrics.filter((assessment) => assessment.variant === variant);
}

function cell(row: Checkpoint, side: 'c' | 't', variant: string): MetricCell {
  const n = numberIn(row, `count_${side}`);
  const meanY = numberIn(row, `mean_${side}`);
  const name = metricOf(row);
  return {
    ...{ metric: name, phase: 1, variant, n, pending: 0, meanY },
    m2Y: numberIn(row, `variance_${side}`) * (n - 1),
    ...{ meanD: 1, m2D: 0, coMoment: 0, capped: 0, covariate: null },
    events: name === 'm1' ? Math.round(n * meanY) : n,
  };
}

interface Noted {
  readonly sequence: Set<string>;
  readonly better: Set<string>;
  readonly worse: Set<string>;
}

function note(
  stops: Noted,
  look: readonly Checkpoint[],
  assessments: readonly MetricAssessment[],
): void {
  for (const row of look) {
    const assessment = assessments.find(({ metric: name }) => name === metricOf(row));
    if (assessment === undefined) continue;
    const { interval, superiority, deterioration } = assessment;
    const key = streamKey(row);
    if (interval !== null && (interval.lower > 0 || interval.upper < 0)) stops.sequence.add(key);
    if (hasPassed(superiority)) stops.better.add(key);
    if (hasPassed(deterioration)) stops.worse.add(key);
  }
}

function hasPassed(result: TestResult | null): boolean {
  return result?.kind === 'tested' && result.passed;
}
