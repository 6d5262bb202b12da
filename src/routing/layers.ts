import { SluiceError } from '../kernel/errors.js';
import { bucket } from './murmur3.js';
import { LAYER_SEGMENTS, type LayerPlan, type TrafficPlan } from './plan.js';

export type SegmentRange = LayerPlan['ranges'][number];

/** The salt of a layer: the same for all its experiments, whatever their models, and independent of theirs. */
export function layerSalt(name: string): string {
  return `layer.${name}`;
}

/** The segment of a layer that a unit is in: a whole number in [0, {@link LAYER_SEGMENTS}). */
export function layerSegment(salt: string, unit: string): number {
  return Math.floor(bucket(salt, unit) * LAYER_SEGMENTS);
}

/** Whether a segment belongs to the experiment that has these ranges. */
export function liesIn(ranges: readonly SegmentRange[], segment: number): boolean {
  for (const range of ranges) {
    if (segment < range.from) return false;
    if (segment < range.to) return true;
  }
  return false;
}

/** Segments of a layer that an experiment of any model in the plan holds, and who that is; ascending. */
export function takenSegments(
  plan: TrafficPlan,
  layer: string,
): readonly (SegmentRange & { readonly experiment: string })[] {
  return Object.values(plan.models)
    .flatMap(({ experiments }) => experiments)
    .flatMap(({ id, layer: own }) =>
      own?.name === layer ? own.ranges.map((range) => ({ ...range, experiment: id })) : [],
    )
    .sort((a, b) => a.from - b.from);
}

/**
 * Free segments of a layer for one more experiment: the lowest ones, so that the same plan always gives the same
 * ranges. A layer may span models; it exists as soon as one experiment names it.
 *
 * @param share of the layer's segments, in (0, 1]; rounded to whole segments, at least one
 * @returns null when fewer segments are free
 * @throws SluiceError `internal` for another share
 */
export function allocateSegments(
  plan: TrafficPlan,
  layer: string,
  share: number,
): readonly SegmentRange[] | null {
  if (!(share > 0 && share <= 1)) {
    throw new SluiceError('internal', `a share of a layer is in (0, 1], not ${share}`);
  }
  let missing = Math.max(1, Math.round(share * LAYER_SEGMENTS));
  const ranges: SegmentRange[] = [];
  for (const { from, to } of freeSegments(plan, layer)) {
    if (missing === 0) break;
    const end = Math.min(to, from + missing);
    ranges.push({ from, to: end });
    missing -= end - from;
  }
  return missing === 0 ? ranges : null;
}

/** How many segments of a layer no experiment holds. */
export function freeSegmentCount(plan: TrafficPlan, layer: string): number {
  return freeSegments(plan, layer).reduce((sum, { from, to }) => sum + to - from, 0);
}

function freeSegments(plan: TrafficPlan, layer: string): readonly SegmentRange[] {
  const free: SegmentRange[] = [];
  let next = 0;
  for (const { from, to } of takenSegments(plan, layer)) {
    if (from > next) free.push({ from: next, to: from });
    next = Math.max(next, to);
  }
  if (next < LAYER_SEGMENTS) free.push({ from: next, to: LAYER_SEGMENTS });
  return free;
}
