// Draws docs/plots/*.svg through the statistics and the policy themselves, from a seed: the same code draws the same
// lines. Run: npm run plots
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { boundaryOf } from '../src/analysis/spending.js';
import { ANALYSIS_METHODS, type AnalysisMethod } from '../src/experiments/experiment.js';
import { normal, randomOf } from '../src/rollouts/planning/random.js';
import { asymptoticSequenceInformationTime } from '../src/statistics/confidence-sequence.js';
import { normalUpperQuantile } from '../src/statistics/numerics.js';
import { errorRate, guards, success } from '../test/support/evidence.js';
import { type Chart, COLOURS, type Point, type Series, svgOf } from './plots/chart.js';
import { eventsUntilStop } from './statistics/rollouts.js';
import { effectWorld, EFFECT, PLANNED, powerOf } from './statistics/sequential.js';
import { abDesign, converted, run } from './statistics/world.js';

const FOLDER = 'docs/plots';
const SEED = 20_260_101;
const ALPHA = 0.05;
const CRITICAL = normalUpperQuantile(ALPHA / 2);
const REPLICATIONS = 2_000;

const percent = (value: number): string => `${String(Math.round(value * 1_000) / 10)} %`;

/** One experiment with a true effect, at a hundred looks until the planned units. */
function narrowing(): Chart {
  const effect = 1.5 * EFFECT;
  const world = effectWorld('sequential', effect, 100);
  const first = 500;
  const edges: Record<'fixedUp' | 'fixedLow' | 'up' | 'low', Point[]> = {
    fixedUp: [],
    fixedLow: [],
    up: [],
    low: [],
  };
  // the test ends at its decision; the picture goes on
  const watched = { ...world, design: { ...world.design, decision: recommending(world.design) } };
  run(watched, randomOf(SEED, 3), ({ metrics, units }) => {
    const n = units.reduce((sum, arm) => sum + arm.units, 0);
    const metric = metrics[0];
    if (n < first || !metric?.interval || metric.effect === null || metric.standardError === null)
      return false;
    const half = CRITICAL * metric.standardError;
    edges.fixedUp.push([n, metric.effect + half]);
    edges.fixedLow.push([n, metric.effect - half]);
    edges.up.push([n, metric.interval.upper]);
    edges.low.push([n, metric.interval.lower]);
    return false;
  });
  const sequence = { colour: COLOURS.blue, points: edges.up, lowerEdge: edges.low };
  const fixed = { colour: COLOURS.orange, points: edges.fixedUp, lowerEdge: edges.fixedLow };
  return {
    title: 'A confidence sequence is wider: the price of looking at any time',
    subtitle: `One simulated experiment, true difference ${effect.toFixed(2)} sd, looked at 100 times until the planned units`,
    x: {
      label: 'units in both arms',
      ticks: [500, 1_000, 1_500, 2_000, 2_500, 3_000, 3_500],
    },
    y: {
      label: 'difference of means (standard deviations)',
      ticks: [-0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.3, 0.4],
    },
    series: [
      { name: 'confidence sequence: holds at all looks together', ...sequence },
      { name: '95 % interval: holds at one look', isDashed: true, ...fixed },
    ],
    reference: { y: 0, label: 'no difference', isBelow: true },
  };
}

function recommending(design: ReturnType<typeof effectWorld>['design']) {
  return { ...design.decision, onSuccess: 'recommend', onDeterioration: 'recommend' } as const;
}

const LOOKS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000];
/** A group-sequential test looks at most this often. */
const MOST_GROUPS = 100;

/** Critical values at equally spaced looks until the planned information. */
function boundaries(looks: number): readonly number[] {
  const information = Array.from({ length: looks }, (_, look) => (look + 1) / looks);
  return information.map(
    (_, look) => boundaryOf(information.slice(0, look + 1), ALPHA).criticalValue ?? Infinity,
  );
}

function sequenceCritical(information: number): number {
  const look = asymptoticSequenceInformationTime({
    ...{ estimate: 0, standardError: 1, plannedStandardError: Math.sqrt(information) },
    ...{ alpha: ALPHA, alternative: 'two-sided' },
  });
  return look.kind === 'value' ? look.value.distance : Infinity;
}

/** Share of paths without an effect that cross at any of so many looks, for each method. */
function peeking(): Chart {
  const most = LOOKS.at(-1) ?? 1;
  const paths = Array.from({ length: REPLICATIONS }, (_, path) => {
    const random = randomOf(SEED, path);
    let sum = 0;
    return Float64Array.from({ length: most }, (_, look) => {
      sum += normal(random);
      return Math.abs(sum) / Math.sqrt(look + 1);
    });
  });
  const crossed = (looks: number, critical: (look: number) => number): number => {
    const values = Array.from({ length: looks }, (_, look) => critical(look));
    const step = most / looks;
    const hits = paths.filter((path) =>
      values.some((value, look) => (path[(look + 1) * step - 1] ?? 0) >= value),
    );
    return hits.length / REPLICATIONS;
  };
  const line = (looks: readonly number[], at: (k: number) => (look: number) => number): Point[] =>
    looks.map((k) => [k, crossed(k, at(k))]);
  const groups = LOOKS.filter((looks) => looks <= MOST_GROUPS);
  const ofGroups = new Map(groups.map((looks) => [looks, boundaries(looks)]));
  return {
    title: 'Peeking breaks a fixed test; the other two are made for it',
    subtitle: `No difference between the arms, ${REPLICATIONS.toLocaleString('en-US')} simulated experiments a point, level 5 %`,
    x: { label: 'number of looks (logarithmic)', ticks: LOOKS, isLogarithmic: true },
    y: {
      label: 'share that finds a difference',
      ticks: [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
      format: percent,
    },
    series: [
      {
        ...{ name: 'fixed test, peeked at', colour: COLOURS.orange, hasMarks: true },
        points: line(LOOKS, () => () => CRITICAL),
      },
      {
        ...{ name: 'group-sequential', colour: COLOURS.green, hasMarks: true },
        points: line(groups, (k) => (look) => ofGroups.get(k)?.[look] ?? Infinity),
      },
      {
        ...{ name: 'confidence sequence', colour: COLOURS.blue, hasMarks: true },
        points: line(LOOKS, (k) => (look) => sequenceCritical((look + 1) / k)),
      },
    ],
    reference: { y: ALPHA, label: 'promised: 5 %' },
  };
}

const STYLE: Readonly<Record<AnalysisMethod, { name: string; colour: string }>> = {
  fixed: { name: 'fixed (one look at N)', colour: COLOURS.orange },
  group_sequential: { name: 'group-sequential, 20 looks', colour: COLOURS.green },
  sequential: { name: 'confidence sequence, 20 looks', colour: COLOURS.blue },
};

function power(): Chart {
  const multiples = [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2];
  const replications = 600;
  const series = ANALYSIS_METHODS.map((method): Series => ({
    ...STYLE[method],
    hasMarks: true,
    points: multiples.map((multiple): Point => {
      const { promoted } = powerOf(
        { method, effect: multiple * EFFECT, looks: 20 },
        replications,
        SEED,
      );
      return [multiple, promoted / replications];
    }),
  }));
  return {
    title: 'What looking costs: power at the planned units N',
    subtitle: `N = ${PLANNED.toLocaleString('en-US')} gives the fixed test 80 % at the planned effect; ${String(replications)} simulated experiments a point`,
    x: { label: 'true effect (multiples of the minimum detectable effect)', ticks: multiples },
    y: { label: 'share promoted by N', ticks: [0, 0.2, 0.4, 0.6, 0.8, 1], format: percent },
    series,
    reference: { y: 0.8, label: '80 %' },
  };
}

const FACTORS = [
  { times: 10, colour: COLOURS.orange },
  { times: 5, colour: COLOURS.green },
  { times: 3, colour: COLOURS.blue },
];

/** Share of experiments that have rolled back by so many errors of the variant. */
function stopping(): Chart {
  const design = abDesign(
    [success(converted), guards(errorRate, { absolute: 0.005 })],
    { plannedUnits: 400_000 },
    [99, 1],
  );
  const most = 40;
  const series = FACTORS.map(({ times, colour }): Series => {
    const stops = Array.from({ length: REPLICATIONS }, (_, replication) =>
      eventsUntilStop(design, SEED + replication, times),
    );
    const points = Array.from({ length: most + 1 }, (_, events): Point => [
      events,
      stops.filter((stop) => stop <= events).length / REPLICATIONS,
    ]);
    return { name: `errors x ${String(times)}`, colour, points, isStepped: true };
  });
  return {
    title: 'A broken version is stopped after a handful of its errors',
    subtitle:
      'Control fails 0.1 % of its units, the variant has 1 % of the traffic; a look after every error (from 10 events an arm the sequence helps)',
    x: { label: 'errors of the variant so far', ticks: [0, 5, 10, 15, 20, 25, 30, 35, most] },
    y: { label: 'share rolled back', ticks: [0, 0.25, 0.5, 0.75, 1], format: percent },
    series,
    reference: { y: 0.5, label: 'median' },
  };
}

const CHARTS = {
  'confidence-sequence': narrowing,
  peeking,
  power,
  'events-until-stop': stopping,
};

mkdirSync(FOLDER, { recursive: true });
for (const [name, chart] of Object.entries(CHARTS)) {
  const file = join(FOLDER, `${name}.svg`);
  writeFileSync(file, svgOf(chart()));
  process.stdout.write(`${file}\n`);
}
