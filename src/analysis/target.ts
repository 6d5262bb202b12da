import type { Experiment, FrozenDesign } from '../experiments/experiment.js';
import { SluiceError } from '../kernel/errors.js';
import type { RollupTarget } from '../metrics/rollup.js';

/** What the rollup of an experiment is computed for. */
export function targetOf(experiment: Experiment, design: FrozenDesign): RollupTarget {
  return {
    experimentId: experiment.id,
    epoch: experiment.epoch,
    model: experiment.model,
    metrics: design.metrics.map((metric) => metric.definition),
  };
}

export function notStarted({ name, status }: Experiment): SluiceError {
  return new SluiceError('conflict', `${name} has not started`, [
    { field: 'status', given: status, expected: 'a started experiment' },
  ]);
}
