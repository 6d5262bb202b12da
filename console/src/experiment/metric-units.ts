import type { Design, MetricAssessment, MetricDefinition } from '../api/types.js';
import type { Unit } from '../format/number.js';

/** How the values of a metric are read: shares as percentages, latencies in milliseconds, the rest as they are. */
export function unitOf(metric: MetricDefinition): Unit {
  const { source, aggregation } = metric.numerator;
  if (metric.denominator !== null) return 'plain';
  if (metric.kind === 'proportion' || metric.threshold !== null) return 'share';
  if (aggregation === 'sum' || aggregation === 'count') return 'plain';
  if (source.kind === 'label') return source.loss === 'zero_one' ? 'share' : 'plain';
  if (source.kind === 'outcome') return 'plain';
  if (source.measure === 'latency_ms') return 'milliseconds';
  return ['error', 'timeout', 'fallback'].includes(source.measure) ? 'share' : 'plain';
}

export function unitIn(design: Design, metric: string): Unit {
  const found = design.metrics.find(({ definition }) => definition.name === metric);
  return found === undefined ? 'plain' : unitOf(found.definition);
}

/** The margin as an effect: on the side that is worse. Null for metrics without one. */
export function signedMargin({
  margin,
  direction,
}: Pick<MetricAssessment, 'margin' | 'direction'>): number | null {
  if (margin === null) return null;
  return direction === 'decrease' ? margin : -margin;
}

/** What one value of a metric is made of, in words. */
export function describe(metric: MetricDefinition): string {
  const { source } = metric.numerator;
  const better = metric.direction === 'increase' ? 'higher is better' : 'lower is better';
  switch (source.kind) {
    case 'outcome':
      return `outcome ${source.outcome}, ${better}`;
    case 'label':
      return `${source.loss.replace('_', '-')} loss of ${source.output} against ${source.outcome}, ${better}`;
    case 'prediction':
      return `${source.measure.replace('captured:', 'captured ').replace('_', ' ')} per request, ${better}`;
  }
}
