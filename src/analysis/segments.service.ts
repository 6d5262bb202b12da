import { Injectable } from '@nestjs/common';
import type { DesignMetric, Experiment, FrozenDesign } from '../experiments/experiment.js';
import { ExperimentsService } from '../experiments/experiments.service.js';
import { type Defect, SluiceError } from '../kernel/errors.js';
import { RollupService } from '../metrics/rollup.service.js';
import type { SegmentsQuery } from './analysis.contract.js';
import { assessSegments, type SegmentsView } from './segments.js';
import { notStarted, targetOf } from './target.js';

/** A metric by segments, for people who look. The module keeps it to itself, so that no decision can ask for it. */
@Injectable()
export class SegmentsService {
  constructor(
    private readonly experiments: ExperimentsService,
    private readonly rollup: RollupService,
  ) {}

  /** Throws `conflict` before the start, `invalid_input` for a field or a metric that is not there, `too_large`. */
  async show(idOrName: string, query: SegmentsQuery): Promise<SegmentsView> {
    const experiment = await this.experiments.get(idOrName);
    const { design, epoch, rollout } = experiment;
    if (design === null || rollout === null) throw notStarted(experiment);
    await this.refuseUnknownAttribute(experiment, query.attribute);
    const { attribute } = query;
    const metric = metricOf(design, query.metric);
    const target = targetOf(experiment, design);
    const cells = await this.rollup.segments(target, { attribute, metric: metric.definition });
    return {
      ...{ display: 'diagnostic', attribute, metric: metric.definition.name, epoch },
      segments: assessSegments({ design, phases: rollout.phases, metric }, cells),
    };
  }

  private async refuseUnknownAttribute(experiment: Experiment, attribute: string): Promise<void> {
    const known = await this.experiments.capturedInputs(experiment);
    if (known.includes(attribute)) return;
    const { model } = experiment;
    throw unknown(known, {
      field: 'attribute',
      given: attribute,
      advice: `PUT /api/v1/models/${model} says with capture.input what is captured of requests to come`,
    });
  }
}

function metricOf({ metrics }: FrozenDesign, name: string): DesignMetric {
  // a quantile has no number per unit that could be compared
  const known = metrics.filter(({ definition }) => definition.kind !== 'quantile');
  const found = known.find(({ definition }) => definition.name === name);
  if (found !== undefined) return found;
  const names = known.map(({ definition }) => definition.name);
  throw unknown(names, { field: 'metric', given: name });
}

function unknown(names: readonly string[], defect: Defect & { readonly field: string }): Error {
  const expected = names.length === 0 ? 'there is none yet' : `one of ${names.join(', ')}`;
  const message = `there is no such ${defect.field} to show segments of`;
  return new SluiceError('invalid_input', message, [{ ...defect, expected }]);
}
