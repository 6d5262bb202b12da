import type { AnalysisMethod, FrozenDesign } from '../../experiments/experiment.js';
import { sharesAt } from '../../experiments/shares.js';
import { lastRampStep } from '../policy/rule.js';

const DAY_MS = 86_400_000;

/** Looks of a simulated experiment: units grow by a constant factor between them. Real ones look far more often. */
const LOOKS: Readonly<Record<AnalysisMethod, number>> = {
  sequential: 48,
  // each costs half a millisecond of integration; beyond a few of them power hardly changes
  group_sequential: 20,
  fixed: 48,
};

/** Planned units are in by then, also when the last ones come a little late. */
const PLANNED_BY = 0.97;

/** Units at the first look, as a share of the minimum evidence per arm: harm may be acted on before it. */
const FIRST_LOOK_SHARE = 0.5;

/** Chance gives the smaller arm fewer units than expected: a step is left this many deviations later. */
const SLACK_DEVIATIONS = 3;

/** A stretch of constant coverage, as it would go without any decision but "advance". */
interface Stretch {
  readonly startMs: number;
  /** Units enrolled before it. */
  readonly before: number;
  /** Enrolled units per millisecond. */
  readonly rate: number;
}

/** How units come in over time, as expected. */
export interface Timeline {
  readonly stretches: readonly Stretch[];
}

/** Share of the model's units that a coverage enrols: a canary's control is as large as its variant up to one half. */
export function enrolledShare({ kind }: FrozenDesign, coverage: number): number {
  return kind === 'canary' ? Math.min(1, 2 * coverage) : coverage;
}

/** Coverage of a step (the whole of an `ab`). */
export function coverageOf(design: FrozenDesign, step: number): number {
  return design.kind === 'ab' ? design.coverage : (design.steps[step]?.coverage ?? 1);
}

/** Share of the enrolled units that are in the control or in the smallest treatment. */
export function comparedShare(design: FrozenDesign): number {
  const shares = sharesAt(design, 0.5);
  const control = design.variants.find((variant) => variant.control)?.name ?? '';
  const others = Object.entries(shares).filter(([name]) => name !== control);
  return (shares[control] ?? 0) + Math.min(...others.map(([, share]) => share));
}

/** The longest outcome window of a metric that decides, in milliseconds. */
export function longestWindowMs({ metrics }: FrozenDesign): number {
  const windows = metrics
    .filter(({ role }) => role !== 'diagnostic')
    .map(({ definition }) => definition.windowMs ?? 0);
  return Math.max(0, ...windows);
}

/** The expected course at a traffic of so many units per day; approvals are taken as given at once. */
export function timelineOf(design: FrozenDesign, unitsPerDay: number): Timeline {
  const stretches: Stretch[] = [];
  const last = design.kind === 'canary' ? Math.max(0, lastRampStep(design)) : 0;
  let startMs = 0;
  let before = 0;
  let smaller = 0;
  for (let step = 0; step <= last; step += 1) {
    const coverage = coverageOf(design, step);
    const rate = (unitsPerDay / DAY_MS) * enrolledShare(design, coverage);
    stretches.push({ startMs, before, rate });
    const smallerRate = rate * Math.min(...Object.values(sharesAt(design, coverage)));
    const hold = design.steps[step]?.hold ?? { durationMs: 0, minUnits: 0 };
    const evidenceMs = waitFor(design.analysis.minUnits - smaller, smallerRate);
    const unitsMs = waitFor(hold.minUnits - smaller, smallerRate);
    const mature = evidenceMs === 0 ? 0 : evidenceMs + longestWindowMs(design);
    const lengthMs = Math.max(hold.durationMs, mature, unitsMs);
    startMs += lengthMs;
    before += rate * lengthMs;
    smaller += smallerRate * lengthMs;
  }
  return { stretches };
}

function waitFor(units: number, rate: number): number {
  return units <= 0 ? 0 : (units + SLACK_DEVIATIONS * Math.sqrt(units)) / rate;
}

/** Units enrolled in all arms by a time after the start. */
export function unitsBy({ stretches }: Timeline, atMs: number): number {
  const stretch = stretches.findLast(({ startMs }) => startMs <= atMs);
  return stretch === undefined ? 0 : stretch.before + (atMs - stretch.startMs) * stretch.rate;
}

/** Time after the start at which so many units are enrolled in all arms. */
export function timeOf({ stretches }: Timeline, units: number): number {
  const stretch = stretches.findLast(({ before }) => before <= units);
  return stretch === undefined ? 0 : stretch.startMs + (units - stretch.before) / stretch.rate;
}

/** Traffic that enrols the planned units just within the maximum runtime: what is simulated when none is known. */
export function trafficForPlan(design: FrozenDesign): number {
  const { plannedUnits, maxRuntimeMs } = design.analysis;
  const wanted = plannedUnits / comparedShare(design);
  let low = Math.log(1e-9);
  let high = Math.log(1e18);
  for (let halving = 0; halving < 100; halving += 1) {
    const middle = (low + high) / 2;
    const units = unitsBy(timelineOf(design, Math.exp(middle)), PLANNED_BY * maxRuntimeMs);
    if (units < wanted) low = middle;
    else high = middle;
  }
  return Math.exp((low + high) / 2);
}

/**
 * When a simulated experiment is looked at, milliseconds after its start, growing: at units that grow by a constant
 * factor, when steps end, at the minimum runtime, and at the end.
 */
export function looksOf(design: FrozenDesign, unitsPerDay: number): readonly number[] {
  const { analysis } = design;
  const { intervalMs, maxRuntimeMs, minRuntimeMs, minUnits } = analysis;
  const timeline = timelineOf(design, unitsPerDay);
  const last = unitsBy(timeline, maxRuntimeMs);
  const first = Math.min(Math.max(10, FIRST_LOOK_SHARE * minUnits), last);
  const times = timeline.stretches.map(({ startMs }) => startMs);
  const looks = LOOKS[analysis.method];
  for (let look = 0; look < looks; look += 1) {
    times.push(timeOf(timeline, first * (last / first) ** (look / (looks - 1))));
  }
  // the methods that end at the planned units are looked at there
  times.push(timeOf(timeline, analysis.plannedUnits / comparedShare(design)));
  const rounded = [...times, minRuntimeMs, maxRuntimeMs].map((time) =>
    Math.min(maxRuntimeMs, Math.ceil(time / intervalMs) * intervalMs),
  );
  return [...new Set(rounded)].filter((time) => time > 0).sort((left, right) => left - right);
}

/** Days until so many units of two compared arms are in and their windows have passed. */
export function daysFor(design: FrozenDesign, unitsPerDay: number, comparedUnits: number): number {
  const timeline = timelineOf(design, unitsPerDay);
  const enrolledMs = timeOf(timeline, comparedUnits / comparedShare(design));
  const ms = Math.max(enrolledMs + longestWindowMs(design), design.analysis.minRuntimeMs);
  return ms / DAY_MS;
}
