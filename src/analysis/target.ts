import type { Experiment, FrozenDesign } from '../experiments/experiment.js';
import { SluiceError } from '../kernel/errors.js';
import { BUILT_IN_METRICS } from '../metrics/built-in.js';
import type { MetricDefinition } from '../metrics/metric.js';
import type { RollupTarget } from '../metrics/rollup.js';
import { limitedMetrics } from './limits.js';

/** What the rollup of an experiment is computed for. */
export function targetOf(experiment: Experiment, design: FrozenDesign): RollupTarget {
  return {
    experimentId: experiment.id,
    epoch: experiment.epoch,
    model: experiment.model,
    metrics: [...design.metrics.map((metric) => metric.definition), ...operational(design)],
  };
}

/** What limits are held against, where the design does not measure it anyway. */
function operational(design: FrozenDesign): readonly MetricDefinition[] {
  const own = design.metrics.map(({ definition }) => definition.name);
  const missing = limitedMetrics(design).filter((name) => !own.includes(name));
  return BUILT_IN_METRICS.filter(({ name }) => missing.includes(name));
}

export function notStarted({ name, status }: Experiment): SluiceError {
  return new SluiceError('conflict', `${name} has not started`, [
    { field: 'status', given: status, expected: 'a started experiment' },
  ]);
}
