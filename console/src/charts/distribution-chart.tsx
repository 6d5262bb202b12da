import { scaleLinear } from 'd3-scale';
import type { ReactNode, RefObject } from 'react';
import type { Distribution } from '../api/types.js';
import { count, tick as tickText, type Unit } from '../format/number.js';
import type { Cell } from './csv.js';
import { useWidth } from './use-width.js';

interface DistributionChartProps {
  readonly of: Distribution;
  readonly unit: Unit;
  readonly label: string;
  readonly svg: RefObject<SVGSVGElement | null>;
}

const HEIGHT = 210;
const TOP = 26;
const BOTTOM = 28;
const LEFT = 46;
const RIGHT = 12;

/** How large the differences are. Exactly the same stands apart, as a bar of its own on the zero line. */
export function DistributionChart({ of, unit, label, svg }: DistributionChartProps): ReactNode {
  const [frame, width] = useWidth<HTMLDivElement>();
  const { from, width: step, bins, zero } = of;
  const end = from + step * bins.length;
  const x = scaleLinear(bins.length === 0 ? [-1, 1] : [from, end], [LEFT, width - RIGHT]);
  const y = scaleLinear([0, Math.max(1, zero, ...bins)], [HEIGHT - BOTTOM, TOP]);
  const at = x(0);
  return (
    <div ref={frame} className="plot">
      <svg
        ref={svg}
        width={width}
        height={HEIGHT}
        viewBox={`0 0 ${width} ${HEIGHT}`}
        role="img"
        aria-label={label}
      >
        {y.ticks(3).map((tick) => (
          <g key={tick} transform={`translate(0,${y(tick)})`}>
            <line className="grid" x1={LEFT} x2={width - RIGHT} />
            <text className="tick" x={LEFT - 7} dy="0.32em" textAnchor="end">
              {count(tick)}
            </text>
          </g>
        ))}
        {bins.map((n, index) => (
          <rect
            key={from + index * step}
            className="bar"
            x={x(from + index * step) + 0.5}
            width={Math.max(1, x(from + (index + 1) * step) - x(from + index * step) - 1)}
            y={y(n)}
            height={y(0) - y(n)}
          >
            <title>{`${edge(from + index * step, unit)} to ${edge(from + (index + 1) * step, unit)}: ${count(n)}`}</title>
          </rect>
        ))}
        <line className="zero-line" x1={at} x2={at} y1={TOP - 4} y2={HEIGHT - BOTTOM} />
        {zero > 0 && (
          <rect className="bar-same" x={at - 3} width={6} y={y(zero)} height={y(0) - y(zero)}>
            <title>{`exactly the same: ${count(zero)}`}</title>
          </rect>
        )}
        <text className="zero-label" x={at} y={TOP - 10} textAnchor="middle">
          same
        </text>
        {x.ticks(Math.max(2, Math.floor(width / 110))).map((tick) => (
          <text key={tick} className="tick" x={x(tick)} y={HEIGHT - 9} textAnchor="middle">
            {bins.length === 0 && tick !== 0 ? '' : tickText(tick, unit, true)}
          </text>
        ))}
      </svg>
    </div>
  );
}

function edge(value: number, unit: Unit): string {
  return tickText(value, unit, true);
}

/** Bins for a spreadsheet; what lies outside of them is in rows of its own. */
export function distributionRows({
  from,
  width,
  bins,
  zero,
  below,
  above,
}: Distribution): readonly (readonly Cell[])[] {
  return [
    ['from', 'to', 'count'],
    ['below', from, below],
    [0, 0, zero],
    ...bins.map((n, index): readonly Cell[] => [
      from + index * width,
      from + (index + 1) * width,
      n,
    ]),
    [from + bins.length * width, 'above', above],
  ];
}
