import { AggregatorRegistry } from 'prom-client';
import type { MetricJson, MetricValue } from './gateway-messages.js';

/** How values of several processes become one where their sum says nothing. */
const NOT_ADDED: Readonly<Record<string, 'min' | 'max'>> = {
  sluice_gateway_plan_version: 'min',
  sluice_spool_lag_seconds: 'max',
  sluice_mirror_breaker_open: 'max',
  sluice_replica_ejected: 'max',
  sluice_load: 'max',
  sluice_queue_seconds: 'max',
  sluice_admitted_share: 'min',
  sluice_ready: 'min',
  sluice_database_ready: 'min',
};
/** Ours are added up; those of Node and the operating system say something about one process only. */
const OURS = 'sluice_';
/** What names a process in the numbers of that process. */
const LABEL = 'gateway';

/** What is shown of a process even when it does not answer. */
export interface ProcessLife {
  readonly index: number;
  readonly isListening: boolean;
  readonly restarts: number;
}

/**
 * The numbers of several gateway processes as those of one gateway. What a process had counted when it was last
 * asked stays in the sums after its death: a counter that fell would look to Prometheus like a start from zero, and
 * everything that the living ones have ever counted like news.
 */
export class GatewayMetrics {
  readonly #last = new Map<
    number,
    { readonly pid: number; readonly metrics: readonly MetricJson[] }
  >();
  #retired: readonly MetricJson[] = [];

  /** Takes what a process counts now. */
  heard(index: number, pid: number, metrics: readonly MetricJson[]): void {
    const before = this.#last.get(index);
    if (before !== undefined && before.pid !== pid) {
      const counts = before.metrics.filter(isCount).map((metric) => toAdd(metric, index));
      this.#retired = added([this.#retired, counts]);
    }
    this.#last.set(index, { pid, metrics });
  }

  /** Everything in Prometheus format, together with the metrics of the main process. */
  render(own: readonly MetricJson[], lives: readonly ProcessLife[]): Promise<string> {
    const named = new Map(lives.map((life) => [life.index, life]));
    const children = [...this.#last].map(([index, { metrics }]) => {
      // the gauges of a process that is not there would be shown as if it were
      const alive = named.get(index)?.isListening === true;
      return metrics.filter((metric) => alive || isCount(metric)).map((m) => toAdd(m, index));
    });
    const all = [own.map(plain), ...children, this.#retired, lifeMetrics(lives)];
    return AggregatorRegistry.aggregate(all.map((metrics) => [...metrics])).metrics();
  }
}

function isCount({ name, type }: MetricJson): boolean {
  return name.startsWith(OURS) && (type === 'counter' || type === 'histogram');
}

function toAdd(metric: MetricJson, index: number): MetricJson {
  const isOurs = metric.name.startsWith(OURS);
  const values = metric.values.map((value) => {
    const rest = Object.entries(value.labels).filter(([name]) => name !== LABEL);
    const labels = Object.fromEntries(isOurs ? rest : [...rest, [LABEL, index]]);
    return { ...value, labels };
  });
  return plain({ ...metric, values });
}

/** Numbers of Node are kept apart by their label, so there is nothing to add. */
function plain(metric: MetricJson): MetricJson {
  const isOurs = metric.name.startsWith(OURS);
  return { ...metric, aggregator: isOurs ? (NOT_ADDED[metric.name] ?? 'sum') : 'first' };
}

function added(sets: readonly (readonly MetricJson[])[]): readonly MetricJson[] {
  const byName = new Map<string, { metric: MetricJson; values: Map<string, MetricValue> }>();
  for (const metric of sets.flat()) {
    const kept = byName.get(metric.name) ?? { metric, values: new Map<string, MetricValue>() };
    byName.set(metric.name, kept);
    for (const value of metric.values) {
      const key = `${value.metricName ?? ''} ${JSON.stringify(Object.entries(value.labels).sort())}`;
      const sum = (kept.values.get(key)?.value ?? 0) + value.value;
      kept.values.set(key, { ...value, value: sum });
    }
  }
  return [...byName.values()].map(({ metric, values }) => ({
    ...metric,
    values: [...values.values()],
  }));
}

function lifeMetrics(lives: readonly ProcessLife[]): readonly MetricJson[] {
  const metric = (
    name: string,
    type: 'counter' | 'gauge',
    help: string,
    value: (life: ProcessLife) => number,
  ): MetricJson => ({
    name,
    help,
    type,
    aggregator: 'sum',
    values: lives.map((life) => ({ value: value(life), labels: { [LABEL]: life.index } })),
  });
  return [
    metric('sluice_gateway_process_up', 'gauge', '1 while it takes connections.', (life) =>
      Number(life.isListening),
    ),
    metric(
      'sluice_gateway_process_restarts_total',
      'counter',
      'Times that a gateway process was started again.',
      (life) => life.restarts,
    ),
  ];
}
