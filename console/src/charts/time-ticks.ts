import type { scaleTime } from 'd3-scale';

/** What a tick needs to be read. */
const TICK_PX = 150;

/** Times that are written in seconds: never two of the same second. */
export function timeTicks(
  x: ReturnType<typeof scaleTime<number, number>>,
  width: number,
): readonly Date[] {
  const ticks = x.ticks(Math.max(2, Math.floor(width / TICK_PX)));
  return ticks.filter((tick) => tick.getTime() % 1_000 === 0);
}
