import type { MetricCell } from '../metrics/metric.js';

/** Control and treatment of one phase: compared inside the phase only, so that drift between phases cancels. */
export interface Stratum {
  readonly phase: number;
  readonly control: MetricCell;
  readonly treatment: MetricCell;
}
