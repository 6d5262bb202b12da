import type { DesignMetric } from '../../experiments/experiment.js';
import type { PairCell } from '../../metrics/paired.js';

/** One metric of a shadow, ready to be tested. */
export interface PairComparison {
  readonly designMetric: DesignMetric;
  readonly variant: string;
  /** Every value is 0 or 1: something that happens to a request or not. */
  readonly isEventLike: boolean;
  /** Null while no request has a value on either side. */
  readonly cell: PairCell | null;
}

/** Which cell belongs to a metric of the design. */
export function comparePairs(
  cells: readonly PairCell[],
  designMetric: DesignMetric,
  variant: string,
): PairComparison {
  const cell = cells.find(({ metric }) => metric === designMetric.definition.name) ?? null;
  return { designMetric, variant, isEventLike: isOfEvents(designMetric), cell };
}

function isOfEvents({ definition }: DesignMetric): boolean {
  const { source } = definition.numerator;
  if (source.kind === 'label') return source.loss === 'zero_one';
  if (source.kind !== 'prediction') return false;
  return definition.threshold !== null || ['error', 'timeout'].includes(source.measure);
}

/** Mean per request of one side; null without a pair. */
export function valueOf(cell: PairCell | null, side: 'primary' | 'shadow'): number | null {
  if (cell === null || cell.meanM === 0) return null;
  return (side === 'primary' ? cell.meanP : cell.meanP + cell.meanD) / cell.meanM;
}

/** +1 where more is better, -1 where less is. */
export function goodSign({ designMetric }: PairComparison): 1 | -1 {
  return designMetric.definition.direction === 'increase' ? 1 : -1;
}
