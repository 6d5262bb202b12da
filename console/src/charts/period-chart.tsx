import { scaleLinear, scaleTime } from 'd3-scale';
import type { ReactNode, RefObject } from 'react';
import type { Assessment } from '../api/types.js';
import { lift, tick as tickText } from '../format/number.js';
import { clock } from '../format/time.js';
import { timeTicks } from './time-ticks.js';
import { useWidth } from './use-width.js';

type Holdout = NonNullable<Assessment['holdout']>;

interface PeriodChartProps {
  readonly holdout: Holdout;
  readonly metric: string;
  readonly svg: RefObject<SVGSVGElement | null>;
}

const HEIGHT = 240;
const TOP = 30;
const BOTTOM = 28;
const LEFT = 64;
const RIGHT = 14;
const DAY_MS = 86_400_000;

/** The lift of each period with its interval; promotions stand above them. */
export function PeriodChart({ holdout, metric, svg }: PeriodChartProps): ReactNode {
  const [frame, width] = useWidth<HTMLDivElement>();
  const periods = holdout.periods.flatMap(
    ({ period, startedAtMs, endedAtMs, isFinal, metrics }) => {
      const found = metrics.find((known) => known.metric === metric)?.lift ?? null;
      return found === null ? [] : [{ period, startedAtMs, endedAtMs, isFinal, lift: found }];
    },
  );
  const times = [...periods, ...holdout.periods].map(({ startedAtMs }) => startedAtMs);
  const first = Math.min(...times);
  const last = Math.max(...times);
  const x = scaleTime(
    [first, last + (last - first || DAY_MS) * 0.1],
    [LEFT + 14, width - RIGHT - 14],
  );
  const values = periods.flatMap(({ lift: { lower, upper } }) => [lower, upper]);
  const y = scaleLinear(
    [Math.min(0, ...values), Math.max(0, ...values) || 0.01],
    [HEIGHT - BOTTOM, TOP],
  ).nice(5);
  return (
    <div ref={frame} className="path series">
      <svg
        ref={svg}
        width={width}
        height={HEIGHT}
        viewBox={`0 0 ${width} ${HEIGHT}`}
        role="img"
        aria-label={`Lift of ${metric} per period`}
      >
        {y.ticks(5).map((tick) => (
          <g key={tick} transform={`translate(0,${y(tick)})`}>
            <line className={tick === 0 ? 'zero-line' : 'grid'} x1={LEFT} x2={width - RIGHT} />
            <text className="tick" x={LEFT - 8} dy="0.32em" textAnchor="end">
              {tickText(tick, 'share', false)}
            </text>
          </g>
        ))}
        <Promotions promotions={holdout.promotions} x={x} />
        {periods.map(({ period, startedAtMs, isFinal, lift: { estimate, lower, upper } }) => (
          <g
            key={period}
            className={isFinal ? 'period' : 'period period-open'}
            transform={`translate(${x(startedAtMs)},0)`}
          >
            <title>{`period ${period}: ${lift(estimate)} (${lift(lower)} to ${lift(upper)})`}</title>
            <line y1={y(lower)} y2={y(upper)} />
            <circle cy={y(estimate)} r={4.5} />
          </g>
        ))}
        {timeTicks(x, width).map((tick) => (
          <text
            key={tick.getTime()}
            className="tick"
            x={x(tick)}
            y={HEIGHT - 8}
            textAnchor="middle"
          >
            {last - first > 2 * DAY_MS ? tick.toLocaleDateString() : clock(tick.getTime())}
          </text>
        ))}
      </svg>
    </div>
  );
}

function Promotions({
  promotions,
  x,
}: {
  readonly promotions: Holdout['promotions'];
  readonly x: ReturnType<typeof scaleTime<number, number>>;
}): ReactNode {
  return promotions.map(({ atMs, version }) => (
    <g key={atMs} className="marker marker-promote" transform={`translate(${x(atMs)},16)`}>
      <title>{`${version} was promoted`}</title>
      <circle r={8} />
      <path d="M0,-4 L4,3 L-4,3 Z" />
    </g>
  ));
}
