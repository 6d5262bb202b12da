import type { scaleTime } from 'd3-scale';

/** What a tick needs to be read. */
const TICK_PX = 150;

/** Closer to the end of the picture half of a tick would be cut off. */
const EDGE_PX = 32;

/** Times that are written in seconds: never two of the same second. */
export function timeTicks(
  x: ReturnType<typeof scaleTime<number, number>>,
  width: number,
): readonly Date[] {
  const ticks = x.ticks(Math.max(2, Math.floor(width / TICK_PX)));
  return ticks.filter((tick) => tick.getTime() % 1_000 === 0 && x(tick) < width - EDGE_PX);
}
