import type { Experiment } from './experiment.js';

type Times = 'createdAtMs' | 'startedAtMs' | 'endedAtMs';

/** An experiment as the API shows it: times as RFC 3339, everything else as it is. */
export interface ExperimentView extends Omit<Experiment, Times> {
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
}

export function viewOf(experiment: Experiment): ExperimentView {
  const { createdAtMs, startedAtMs, endedAtMs, ...rest } = experiment;
  return {
    ...rest,
    createdAt: new Date(createdAtMs).toISOString(),
    startedAt: startedAtMs === null ? null : new Date(startedAtMs).toISOString(),
    endedAt: endedAtMs === null ? null : new Date(endedAtMs).toISOString(),
  };
}
