import { scaleLinear, scaleLog } from 'd3-scale';
import type { ReactNode, RefObject } from 'react';
import type { Scatter } from '../api/types.js';
import { count, plain, tick as tickText, type Unit } from '../format/number.js';
import type { Cell } from './csv.js';
import { useWidth } from './use-width.js';

interface ScatterChartProps {
  readonly of: Scatter;
  readonly unit: Unit;
  readonly axes: readonly [string, string];
  readonly label: string;
  readonly svg: RefObject<SVGSVGElement | null>;
}

/** Square, and no larger than what an eye takes in at once. */
const MAX_SIDE = 360;
const TOP = 12;
const BOTTOM = 44;
const LEFT = 66;
const RIGHT = 12;

/** Pairs on a grid, darker where there are more; on the diagonal both versions say the same. */
export function ScatterChart({ of, unit, axes, label, svg }: ScatterChartProps): ReactNode {
  const [frame, full] = useWidth<HTMLDivElement>();
  const side = Math.max(120, Math.min(MAX_SIDE, full - LEFT - RIGHT));
  const [width, height] = [LEFT + side + RIGHT, TOP + side + BOTTOM];
  const { from, to, size, cells, scale } = of;
  const make = (range: [number, number]) =>
    scale === 'log' ? scaleLog([from, to], range) : scaleLinear([from, to], range);
  const x = make([LEFT, LEFT + side]);
  const y = make([TOP + side, TOP]);
  const largest = Math.max(...cells.map(({ pairs }) => pairs));
  const cell = side / size;
  const ticks = ticksOf(of, x.ticks(5));
  return (
    <div ref={frame} className="plot">
      <svg
        ref={svg}
        width={width}
        height={height}
        viewBox={`0 0 ${width} ${height}`}
        role="img"
        aria-label={label}
      >
        <rect className="plot-ground" x={LEFT} y={TOP} width={side} height={side} />
        {ticks.map((tick) => (
          <g key={tick}>
            <line className="grid" x1={LEFT} x2={LEFT + side} y1={y(tick)} y2={y(tick)} />
            <line className="grid" x1={x(tick)} x2={x(tick)} y1={TOP} y2={TOP + side} />
            <text className="tick" x={LEFT - 7} y={y(tick)} dy="0.32em" textAnchor="end">
              {tickText(tick, unit, false)}
            </text>
            <text className="tick" x={x(tick)} y={TOP + side + 17} textAnchor="middle">
              {tickText(tick, unit, false)}
            </text>
          </g>
        ))}
        {cells.map(({ column, row, pairs: n }) => (
          <rect
            key={`${column} ${row}`}
            className="bin"
            x={LEFT + column * cell}
            y={TOP + side - (row + 1) * cell}
            width={cell}
            height={cell}
            fillOpacity={0.18 + (0.82 * Math.log1p(n)) / Math.log1p(largest)}
          >
            <title>{`${count(n)} pairs near ${plain(middleOf(of, column))} and ${plain(middleOf(of, row))}`}</title>
          </rect>
        ))}
        <line className="diagonal" x1={LEFT} y1={TOP + side} x2={LEFT + side} y2={TOP} />
        <text className="axis-label" x={LEFT + side} y={height - 6} textAnchor="end">
          {axes[0]} →
        </text>
        <text
          className="axis-label"
          transform={`translate(13,${TOP}) rotate(-90)`}
          textAnchor="end"
        >
          {axes[1]} →
        </text>
      </svg>
    </div>
  );
}

/** Of a logarithmic axis only as many as are far enough apart to be read. */
function ticksOf({ scale }: Scatter, ticks: readonly number[]): readonly number[] {
  if (scale === 'linear' || ticks.length <= 6) return ticks;
  const sparse = ticks.filter((tick) => /^[125]/.test(tick.toExponential()));
  if (sparse.length <= 6) return sparse;
  return ticks.filter((tick) => tick.toExponential().startsWith('1'));
}

/** The value in the middle of a cell. */
function middleOf({ from, to, size, scale }: Scatter, index: number): number {
  const share = (index + 0.5) / size;
  return scale === 'log' ? from * (to / from) ** share : from + share * (to - from);
}

/** Cells for a spreadsheet, with the middle of each. */
export function scatterRows(of: Scatter): readonly (readonly Cell[])[] {
  return [
    ['control', 'shadow', 'pairs'],
    ...of.cells.map(({ column, row, pairs }): readonly Cell[] => [
      middleOf(of, column),
      middleOf(of, row),
      pairs,
    ]),
  ];
}
