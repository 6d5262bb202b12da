import { scaleLinear, scaleTime } from 'd3-scale';
import { line } from 'd3-shape';
import type { ReactNode, RefObject } from 'react';
import { tick as tickText, type Unit } from '../format/number.js';
import { clock } from '../format/time.js';
import { useWidth } from './use-width.js';

export interface SeriesLine {
  readonly name: string;
  readonly points: readonly { readonly atMs: number; readonly value: number }[];
}

interface SeriesChartProps {
  readonly lines: readonly SeriesLine[];
  readonly fromMs: number;
  readonly toMs: number;
  readonly unit: Unit;
  /** The axis reaches at least this far: a flat line of small numbers must look flat. */
  readonly least: number;
  readonly label: string;
  readonly svg: RefObject<SVGSVGElement | null>;
  /** Points further apart than this are not joined: nothing was measured between them. */
  readonly gapMs: number;
}

const HEIGHT = 190;
const TOP = 12;
const BOTTOM = 26;
const LEFT = 64;
const RIGHT = 12;

/** A number per version over time, from zero. */
export function SeriesChart({
  lines,
  fromMs,
  toMs,
  unit,
  least,
  label,
  svg,
  gapMs,
}: SeriesChartProps): ReactNode {
  const [frame, width] = useWidth<HTMLDivElement>();
  const largest = Math.max(
    ...lines.flatMap(({ points }) => points.map(({ value }) => value)),
    least,
  );
  const x = scaleTime([fromMs, toMs], [LEFT, width - RIGHT]);
  const y = scaleLinear([0, largest], [HEIGHT - BOTTOM, TOP]).nice(4);
  const path = line<SeriesLine['points'][number]>(
    ({ atMs }) => x(atMs),
    ({ value }) => y(value),
  );
  return (
    <div ref={frame} className="series">
      <svg
        ref={svg}
        width={width}
        height={HEIGHT}
        viewBox={`0 0 ${width} ${HEIGHT}`}
        role="img"
        aria-label={label}
      >
        {y.ticks(4).map((tick) => (
          <g key={tick} transform={`translate(0,${y(tick)})`}>
            <line className="grid" x1={LEFT} x2={width - RIGHT} />
            <text className="tick" x={LEFT - 8} dy="0.32em" textAnchor="end">
              {tickText(tick, unit, false)}
            </text>
          </g>
        ))}
        {x.ticks(Math.max(2, Math.floor(width / 130))).map((tick) => (
          <text
            key={tick.getTime()}
            className="tick"
            x={x(tick)}
            y={HEIGHT - 6}
            textAnchor="middle"
          >
            {clock(tick.getTime()).slice(0, 5)}
          </text>
        ))}
        {lines.map(({ name, points }, index) =>
          runsOf(points, gapMs).map((run) => (
            <g key={`${name} ${run[0]?.atMs ?? 0}`}>
              <path className={`series-line series-stroke-${index % 5}`} d={path(run) ?? ''} />
              {run.length === 1 && run[0] !== undefined && (
                <circle
                  className={`series-fill-${index % 5}`}
                  cx={x(run[0].atMs)}
                  cy={y(run[0].value)}
                  r={2.5}
                />
              )}
            </g>
          )),
        )}
      </svg>
    </div>
  );
}

function runsOf(points: SeriesLine['points'], gapMs: number): readonly SeriesLine['points'][] {
  const runs: (typeof points)[number][][] = [];
  for (const point of points) {
    const last = runs.at(-1);
    const before = last?.at(-1);
    if (last === undefined || before === undefined || point.atMs - before.atMs > gapMs)
      runs.push([point]);
    else last.push(point);
  }
  return runs;
}
