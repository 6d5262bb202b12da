import { NO_OPTIONS } from './metric.js';
import type { MetricDefinition, PredictionMeasure } from './metric.js';

/** A number of the requests themselves: ratio of unit totals, better when lower, over requests that happened. */
function ofPredictions(
  name: string,
  kind: 'proportion' | 'mean',
  measure: PredictionMeasure,
): MetricDefinition {
  return {
    name,
    kind,
    numerator: { source: { kind: 'prediction', measure }, aggregation: 'mean' },
    denominator: null,
    direction: 'decrease',
    windowMs: null,
    missing: 'exclude',
    ...NO_OPTIONS,
  };
}

/** Metrics that exist for every model without being defined. */
export const BUILT_IN_METRICS: readonly MetricDefinition[] = [
  ofPredictions('error_rate', 'proportion', 'error'),
  ofPredictions('fallback_rate', 'proportion', 'fallback'),
  ofPredictions('latency_ms', 'mean', 'latency_ms'),
  ofPredictions('timeout_rate', 'proportion', 'timeout'),
];
