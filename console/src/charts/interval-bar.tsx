import { scaleLinear } from 'd3-scale';
import { type ReactNode, useId } from 'react';
import type { Interval } from '../api/types.js';
import { Hatch } from './hatch.js';

interface IntervalBarProps {
  readonly effect: number | null;
  readonly interval: Interval | null;
  /** Value on the harmful side that a guardrail must stay clear of, signed; null where there is none. */
  readonly margin: number | null;
  /** Which sign is good. */
  readonly better: 'up' | 'down';
  readonly tone: 'good' | 'bad' | 'calm';
  /** The figures in words: the picture adds nothing to them. */
  readonly label: string;
}

const WIDTH = 240;
const HEIGHT = 38;
const MIDDLE = 17;
const PAD = 10;

/** One confidence interval against zero and, for a guardrail, against its margin. Harm is hatched. */
export function IntervalBar({
  effect,
  interval,
  margin,
  better,
  tone,
  label,
}: IntervalBarProps): ReactNode {
  const hatch = useId();
  if (interval === null || effect === null) {
    return <span className="muted">not estimable yet</span>;
  }
  const { scale, limit, isHarmRight } = geometryOf(interval, margin, better);
  const edge = scale(limit);
  const zero = scale(0);
  const [left, right] = [scale(interval.lower), scale(interval.upper)];
  return (
    <svg
      className={`interval interval-${tone}`}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={label}
    >
      <Hatch id={hatch} />
      <rect
        fill={`url(#${hatch})`}
        x={isHarmRight ? edge : 0}
        width={isHarmRight ? WIDTH - edge : edge}
        y={3}
        height={28}
      />
      <line className="interval-axis" x1={0} x2={WIDTH} y1={MIDDLE} y2={MIDDLE} />
      <line className="interval-zero" x1={zero} x2={zero} y1={3} y2={31} />
      {margin !== null && <line className="interval-margin" x1={edge} x2={edge} y1={1} y2={33} />}
      <rect
        className="interval-band"
        x={left}
        width={Math.max(2, right - left)}
        y={MIDDLE - 6}
        height={12}
        rx={3}
      />
      <line className="interval-cap" x1={left} x2={left} y1={MIDDLE - 9} y2={MIDDLE + 9} />
      <line className="interval-cap" x1={right} x2={right} y1={MIDDLE - 9} y2={MIDDLE + 9} />
      <circle className="interval-estimate" cx={scale(effect)} cy={MIDDLE} r={4.5} />
    </svg>
  );
}

/** The zero line, the margin and the whole interval are always in view. */
function geometryOf(interval: Interval, margin: number | null, better: 'up' | 'down') {
  const limit = margin ?? 0;
  const low = Math.min(interval.lower, 0, limit);
  const high = Math.max(interval.upper, 0, limit);
  const air = (high - low) * 0.12 || 1;
  const scale = scaleLinear([low - air, high + air], [PAD, WIDTH - PAD]);
  return { scale, limit, isHarmRight: better === 'down' };
}
