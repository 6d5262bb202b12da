import { scaleLinear, scaleTime } from 'd3-scale';
import { area, curveLinear, line } from 'd3-shape';
import {
  type KeyboardEvent,
  type PointerEvent,
  type ReactNode,
  type RefObject,
  useId,
  useState,
} from 'react';
import type { Decision } from '../api/types.js';
import { difference, roundPercent, tick as tickText, type Unit } from '../format/number.js';
import { clock } from '../format/time.js';
import { Hatch } from './hatch.js';
import { effectRange, nearest, type PathDot } from './path-model.js';
import { timeTicks } from './time-ticks.js';
import { useWidth } from './use-width.js';

export interface PathChartProps {
  readonly dots: readonly PathDot[];
  readonly steps: readonly { readonly atMs: number; readonly coverage: number }[];
  readonly decisions: readonly Decision[];
  /** Signed, on the harmful side; null where there is none. */
  readonly margin: number | null;
  readonly better: 'up' | 'down';
  readonly unit: Unit;
  readonly label: string;
  readonly svg: RefObject<SVGSVGElement | null>;
  readonly onDecision: (number: number) => void;
}

const HEIGHT = 340;
const TOP = 46;
const BOTTOM = 30;
const LEFT = 72;
const RIGHT = 14;

/** How the evidence came in: the interval of every look, against zero and margin, with steps and decisions. */
export function PathChart(props: PathChartProps): ReactNode {
  const { dots, label, svg } = props;
  const [frame, width] = useWidth<HTMLDivElement>();
  const [shown, setShown] = useState<number | null>(null);
  const scales = scalesOf(props, width);
  const current = dots.find(({ report }) => report === shown) ?? dots.at(-1) ?? null;
  const point = (event: PointerEvent<SVGSVGElement>): void => {
    const x = event.clientX - event.currentTarget.getBoundingClientRect().left;
    setShown(nearest(dots, scales.x.invert(x).getTime())?.report ?? null);
  };
  const walk = (event: KeyboardEvent): void => {
    const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (by === 0 || current === null) return;
    event.preventDefault();
    setShown(dots[dots.indexOf(current) + by]?.report ?? current.report);
  };
  return (
    <div className="path" ref={frame}>
      <Readout dot={current} unit={props.unit} isNewest={current === dots.at(-1)} />
      <div
        className="path-stage"
        tabIndex={0}
        role="group"
        aria-label={`${label}. Arrow keys walk through the looks.`}
        onKeyDown={walk}
      >
        <svg
          ref={svg}
          width={width}
          height={HEIGHT}
          viewBox={`0 0 ${width} ${HEIGHT}`}
          aria-hidden="true"
          onPointerMove={point}
          onPointerLeave={() => setShown(null)}
        >
          <Ground {...props} scales={scales} />
          <Bands dots={dots} scales={scales} />
          {current !== null && <Cursor dot={current} scales={scales} />}
        </svg>
        <Markers {...props} scales={scales} />
      </div>
    </div>
  );
}

interface Scales {
  readonly x: ReturnType<typeof scaleTime<number, number>>;
  readonly y: ReturnType<typeof scaleLinear<number, number>>;
  readonly width: number;
}

function scalesOf({ dots, margin, steps, decisions }: PathChartProps, width: number): Scales {
  const times = [...dots, ...steps, ...decisions].map(({ atMs }) => atMs);
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const x = scaleTime([first, last === first ? first + 1_000 : last], [LEFT, width - RIGHT]);
  const y = scaleLinear(effectRange(dots, margin), [HEIGHT - BOTTOM, TOP]);
  return { x, y, width };
}

function Ground({
  margin,
  better,
  unit,
  steps,
  scales: { x, y, width },
}: PathChartProps & { readonly scales: Scales }): ReactNode {
  const hatch = useId();
  const limit = y(margin ?? 0);
  const isHarmUp = better === 'down';
  const [top, bottom] = [TOP, HEIGHT - BOTTOM];
  return (
    <g>
      <Hatch id={hatch} />
      <rect
        fill={`url(#${hatch})`}
        x={LEFT}
        width={Math.max(0, width - LEFT - RIGHT)}
        y={isHarmUp ? top : limit}
        height={Math.max(0, isHarmUp ? limit - top : bottom - limit)}
      />
      {y.ticks(5).map((tick) => (
        <g key={tick} transform={`translate(0,${y(tick)})`}>
          <line className="grid" x1={LEFT} x2={width - RIGHT} />
          <text className="tick" x={LEFT - 8} dy="0.32em" textAnchor="end">
            {tickText(tick, unit, true)}
          </text>
        </g>
      ))}
      {timeTicks(x, width).map((tick) => (
        <text key={tick.getTime()} className="tick" x={x(tick)} y={HEIGHT - 8} textAnchor="middle">
          {clock(tick.getTime())}
        </text>
      ))}
      {steps.map(({ atMs, coverage }) => (
        <g key={atMs} transform={`translate(${x(atMs)},0)`}>
          <line className="step-line" y1={TOP - 6} y2={bottom} />
          <text className="step-label" y={TOP - 12} {...stepAnchor(x(atMs), width)}>
            {roundPercent(coverage)}
          </text>
        </g>
      ))}
      <line className="zero-line" x1={LEFT} x2={width - RIGHT} y1={y(0)} y2={y(0)} />
      <text className="zero-label" x={width - RIGHT} y={y(0) - 6} textAnchor="end">
        no difference
      </text>
      {margin !== null && (
        <>
          <line className="margin-line" x1={LEFT} x2={width - RIGHT} y1={limit} y2={limit} />
          <text className="margin-label" x={width - RIGHT} y={limit - 6} textAnchor="end">
            margin
          </text>
        </>
      )}
      <text className="better-label" x={LEFT + 6} y={isHarmUp ? bottom - 8 : TOP + 16}>
        {isHarmUp ? '↓ better' : '↑ better'}
      </text>
    </g>
  );
}

/** Beside its line, on the side that has room. */
function stepAnchor(
  at: number,
  width: number,
): { readonly x: number; readonly textAnchor: 'start' | 'end' } {
  return at > width - 60 ? { x: -4, textAnchor: 'end' } : { x: 4, textAnchor: 'start' };
}

function Bands({
  dots,
  scales: { x, y },
}: {
  readonly dots: readonly PathDot[];
  readonly scales: Scales;
}): ReactNode {
  const [low, high] = y.domain() as [number, number];
  const clamp = (value: number): number => y(Math.min(high, Math.max(low, value)));
  const band = (of: (dot: PathDot) => PathDot['interval'] | null) =>
    area<PathDot>()
      .defined((dot) => of(dot) !== null)
      .x(({ atMs }) => x(atMs))
      .y0((dot) => clamp(of(dot)?.lower ?? 0))
      .y1((dot) => clamp(of(dot)?.upper ?? 0))
      .curve(curveLinear);
  const estimate = line<PathDot>(
    ({ atMs }) => x(atMs),
    ({ effect }) => clamp(effect),
  );
  const present = dots.filter(({ isPresent }) => isPresent);
  const past = dots.filter(({ isPresent }) => !isPresent);
  return (
    <g>
      <path className="band" d={band(({ interval }) => interval)(present) ?? ''} />
      <path
        className="band-running"
        d={band(({ runningInterval }) => runningInterval)(present) ?? ''}
      />
      <path className="band-past" d={band(({ interval }) => interval)(past) ?? ''} />
      <path className="estimate estimate-past" d={estimate(past) ?? ''} />
      <path className="estimate" d={estimate(present) ?? ''} />
    </g>
  );
}

function Cursor({
  dot,
  scales: { x, y },
}: {
  readonly dot: PathDot;
  readonly scales: Scales;
}): ReactNode {
  const [low, high] = y.domain() as [number, number];
  const clamp = (value: number): number => y(Math.min(high, Math.max(low, value)));
  return (
    <g className="cursor" transform={`translate(${x(dot.atMs)},0)`}>
      <line y1={clamp(dot.interval.lower)} y2={clamp(dot.interval.upper)} />
      <circle cy={clamp(dot.effect)} r={4.5} />
    </g>
  );
}

/** Drawn, not written: fonts disagree about the size of triangles. */
const MARKS: Readonly<Record<string, string>> = {
  promote: 'M0,-4.5 L4.5,3.5 L-4.5,3.5 Z',
  rollback: 'M0,4.5 L4.5,-3.5 L-4.5,-3.5 Z',
  inconclusive: 'M-3.5,-3.5 h7 v7 h-7 Z',
  advance: 'M-3,-4.5 L4.5,0 L-3,4.5 Z',
  error: 'M-4,-4 L4,4 M4,-4 L-4,4',
};

/** Decisions as buttons above the picture: holds are in the log, what changed traffic is here. */
function Markers({
  decisions,
  scales: { x, width },
  onDecision,
}: PathChartProps & { readonly scales: Scales }): ReactNode {
  const shown = decisions.filter(({ kind }) => MARKS[kind] !== undefined);
  return (
    <svg className="markers" width={width} height={20} viewBox={`0 0 ${width} 20`}>
      {shown.map(({ number, kind, atMs, summary }) => (
        <g
          key={number}
          className={`marker marker-${kind}`}
          transform={`translate(${x(atMs)},10)`}
          tabIndex={0}
          role="button"
          aria-label={`Decision ${number}: ${kind}. ${summary}`}
          onClick={() => onDecision(number)}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' && event.key !== ' ') return;
            // or the same key would go on to press the first button of what it opens
            event.preventDefault();
            onDecision(number);
          }}
        >
          <title>{`${kind}: ${summary}`}</title>
          <circle r={9} />
          <path d={MARKS[kind]} />
        </g>
      ))}
    </svg>
  );
}

function Readout({
  dot,
  unit,
  isNewest,
}: {
  readonly dot: PathDot | null;
  readonly unit: Unit;
  readonly isNewest: boolean;
}): ReactNode {
  if (dot === null) return <p className="readout muted">No look could estimate it yet.</p>;
  const { report, atMs, effect, interval, controlN, treatmentN, coverage } = dot;
  return (
    <p className="readout" aria-live="polite">
      <span className="readout-name">
        Look {report}
        {isNewest ? ' (newest)' : ''}, {clock(atMs)}
      </span>
      <strong>{difference(effect, unit)}</strong>
      <span>
        [{difference(interval.lower, unit)}, {difference(interval.upper, unit)}]
      </span>
      <span className="muted">
        n {controlN} and {treatmentN}
        {coverage === null ? '' : ` at ${roundPercent(coverage)}`}
      </span>
    </p>
  );
}
