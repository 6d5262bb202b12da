import type { Interval, PathPoint } from '../api/types.js';

/** One look at one metric of one variant, where there was anything to estimate. */
export interface PathDot {
  readonly report: number;
  readonly atMs: number;
  readonly coverage: number | null;
  readonly effect: number;
  readonly interval: Interval;
  readonly runningInterval: Interval | null;
  readonly controlN: number;
  readonly treatmentN: number;
  /** Of the epoch that the newest look belongs to; earlier ones had another design. */
  readonly isPresent: boolean;
}

export function dotsOf(
  points: readonly PathPoint[],
  which: { readonly metric: string; readonly variant: string },
): readonly PathDot[] {
  const epoch = points.at(-1)?.epoch;
  return points.flatMap((point): readonly PathDot[] => {
    const found = point.metrics.find(
      ({ metric, variant }) => metric === which.metric && variant === which.variant,
    );
    if (found === undefined || found.effect === null || found.interval === null) return [];
    const { effect, interval, runningInterval, controlN, treatmentN } = found;
    const { report, atMs, coverage } = point;
    const isPresent = point.epoch === epoch;
    return [
      {
        report,
        atMs,
        coverage,
        effect,
        interval,
        runningInterval,
        controlN,
        treatmentN,
        isPresent,
      },
    ];
  });
}

/** Of the half widths of all looks this share is in full view; the first ones are so wide that they hide the rest. */
const IN_VIEW = 0.8;

/**
 * The range of effects to draw: zero, the margin and all estimates of the later looks are in view, and as much of the
 * first, wide intervals as leaves the end readable.
 */
export function effectRange(
  dots: readonly PathDot[],
  margin: number | null,
): readonly [number, number] {
  const widths = dots
    .flatMap(({ interval, effect }) => [interval.upper - effect, effect - interval.lower])
    .sort((left, right) => left - right);
  const reach = widths[Math.floor((widths.length - 1) * IN_VIEW)] ?? 0;
  const last = dots.at(-1);
  const effects = dots.slice(Math.floor(dots.length / 3)).map(({ effect }) => effect);
  const lows = [
    0,
    margin ?? 0,
    last?.interval.lower ?? 0,
    ...effects.map((effect) => effect - reach),
  ];
  const highs = [
    0,
    margin ?? 0,
    last?.interval.upper ?? 0,
    ...effects.map((effect) => effect + reach),
  ];
  const low = Math.min(...lows);
  const high = Math.max(...highs);
  const air = (high - low) * 0.06 || 1;
  return [low - air, high + air];
}

/** The dot nearest in time. */
export function nearest(dots: readonly PathDot[], atMs: number): PathDot | null {
  return dots.reduce<PathDot | null>(
    (best, dot) =>
      best === null || Math.abs(dot.atMs - atMs) < Math.abs(best.atMs - atMs) ? dot : best,
    null,
  );
}
