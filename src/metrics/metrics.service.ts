import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.service.js';
import { SluiceError } from '../kernel/errors.js';
import type { Defect } from '../kernel/errors.js';
import { BUILT_IN_METRICS } from './built-in.js';
import { defineMetric } from './define-metric.js';
import { freezeCaps } from './freeze-caps.js';
import type { MetricBody } from './metric.contract.js';
import type { MetricDefinition } from './metric.js';
import { MetricsStore } from './metrics.store.js';
import { nearestName } from '../kernel/nearest-name.js';

const BUILT_IN = new Map(BUILT_IN_METRICS.map((metric) => [metric.name, metric]));

@Injectable()
export class MetricsService {
  constructor(
    private readonly database: Database,
    private readonly store: MetricsStore,
  ) {}

  /**
   * Defines a metric or replaces its definition. Experiments that run hold a frozen copy and do not change.
   *
   * @throws SluiceError `conflict` for a built-in name, `invalid_input` or `not_yet` naming the field
   */
  async define(name: string, body: MetricBody): Promise<MetricDefinition> {
    if (BUILT_IN.has(name)) {
      throw new SluiceError('conflict', `${name} is built in and cannot be redefined`, [
        { field: 'metric', given: name, advice: 'choose another name' },
      ]);
    }
    const metric = defineMetric(name, body);
    await this.store.put(this.database.manager, metric);
    return metric;
  }

  /** Built-in metrics first, then the defined ones by name. */
  async list(): Promise<MetricDefinition[]> {
    return [...BUILT_IN_METRICS, ...(await this.store.list(this.database.manager))];
  }

  async get(name: string): Promise<MetricDefinition> {
    const [metric] = await this.resolve([name]);
    if (metric === undefined) throw new SluiceError('internal', 'resolve answers every name');
    return metric;
  }

  /**
   * The definitions of some metrics, in the order of the names.
   *
   * @throws SluiceError `not_found` with one defect per unknown name and the name it probably meant
   */
  async resolve(names: readonly string[]): Promise<MetricDefinition[]> {
    const stored = await this.store.find(this.database.manager, names);
    const found = new Map([...BUILT_IN, ...stored.map((metric) => [metric.name, metric] as const)]);
    const unknown = names.filter((name) => !found.has(name));
    if (unknown.length > 0) throw await this.unknownMetrics(unknown);
    return names.flatMap((name) => found.get(name) ?? []);
  }

  /**
   * The definitions with every cap a number, as an experiment keeps them from its start on. Caps asked for as
   * percentiles are taken from the units of the model in the look-back before `nowMs`; at most 25 s.
   *
   * @throws SluiceError `invalid_input` when the past says too little; naming `winsorize.at` as the way out
   */
  async freezeCaps(
    metrics: readonly MetricDefinition[],
    model: string,
    nowMs: number,
  ): Promise<MetricDefinition[]> {
    return this.database.transaction((tx) => freezeCaps(tx, metrics, { model, nowMs }));
  }

  private async unknownMetrics(names: readonly string[]): Promise<SluiceError> {
    const known = (await this.list()).map((metric) => metric.name);
    const defects = names.map((name): Defect => {
      const nearest = nearestName(name, known);
      return {
        field: 'metric',
        given: name,
        expected: 'the name of a metric',
        advice:
          nearest === null
            ? 'define it with PUT /api/v1/metrics/{metric}'
            : `did you mean "${nearest}"?`,
      };
    });
    const what = names.length === 1 ? 'there is no metric' : 'there are no metrics';
    return new SluiceError('not_found', `${what} ${names.join(', ')}`, defects);
  }
}
