import type { AnalysisMethod } from '../../src/experiments/experiment.js';
import { randomOf } from '../../src/rollouts/planning/random.js';
import { normalUpperQuantile } from '../../src/statistics/numerics.js';
import { revenue, success } from '../../test/support/evidence.js';
import { type Bar, type Check, mean, type Row, share } from './bar.js';
import { abDesign, converted, everyHour, rate, run, values, type World } from './world.js';

const ALPHA = 0.05;
const POWER = 0.8;

/** Nothing differs, 1,000 looks: neither promoted nor rolled back, whatever the looks. */
const balanced: Check = {
  name: 'A/A, 1,000 looks',
  replications: { quick: 400, full: 4_000 },
  run: (replications, seed) => {
    const world: World = {
      design: abDesign([success(converted)], { plannedUnits: 50_000 }),
      ...{ unitsPerHour: 200, looks: everyHour(1_000), split: 'hashed', arm: () => rate(0.05) },
    };
    const endings = Array.from({ length: replications }, (_, index) =>
      run(world, randomOf(seed, index)),
    );
    const count = (kind: string): number => endings.filter((end) => end.kind === kind).length;
    const setting = 'A/A, 1,000 looks, Bernoulli 5 %, 1:1';
    const all = count('promote') + count('rollback');
    return [
      { property: `${setting}: any decision`, bar: { atMost: 0.05 }, ...share(all, replications) },
      {
        property: `${setting}: promoted`,
        ...{ bar: null, ...share(count('promote'), replications) },
      },
    ];
  },
};

/** Looks at units that grow by a constant factor: as many early as late. */
const GEOMETRIC = Array.from({ length: 150 }, (_, look) => Math.round(2_000 * 500 ** (look / 149)));

const unbalanced: Check = {
  name: 'A/A, 1:99',
  replications: { quick: 400, full: 4_000 },
  run: (replications, seed) =>
    [0.001, 0.01, 0.05, 0.2].map((p, at): Row => {
      const world: World = {
        design: abDesign([success(converted)], { plannedUnits: 200_000 }, [99, 1]),
        unitsPerHour: 1,
        looks: GEOMETRIC.map((units) => units * 3_600_000),
        ...{ split: 'hashed', arm: () => rate(p) },
      };
      let decided = 0;
      for (let index = 0; index < replications; index += 1) {
        const { kind } = run(world, randomOf(seed + at, index));
        if (kind === 'promote' || kind === 'rollback') decided += 1;
      }
      return {
        property: `A/A, 1:99, rate ${String(p * 100)} %, 150 looks: any decision`,
        ...{ bar: { atMost: 0.05 }, ...share(decided, replications) },
      };
    }),
};

/** Planned for a fixed-horizon test of the effect 0.1 sd at 5 %, two-sided, with 80 % power. */
export const EFFECT = 0.1;
export const PLANNED =
  2 *
  Math.ceil(
    (2 * (normalUpperQuantile(ALPHA / 2) + normalUpperQuantile(1 - POWER)) ** 2) / EFFECT ** 2,
  );

/** A mean with standard deviation 1, looked at so many times until the planned units are there. */
export function effectWorld(method: AnalysisMethod, effect: number, looks: number): World {
  return {
    design: abDesign([success(revenue)], { method, plannedUnits: PLANNED }),
    // whole and even numbers of units a look, the last of them at the planned units
    unitsPerHour: 1,
    looks: Array.from(
      { length: looks },
      (_, look) => 2 * Math.ceil(((look + 1) * PLANNED) / 2 / looks) * 3_600_000,
    ),
    split: 'even',
    arm: (_metric, variant) => values(variant === 'v2' ? 1 + effect : 1, 1),
  };
}

/** Whether the boundary of a group-sequential test is crossed on either side at any look. */
export function falseAlarmOfGroups(looks: number, replications: number, seed: number): number {
  const world = effectWorld('group_sequential', 0, looks);
  let alarms = 0;
  for (let index = 0; index < replications; index += 1) {
    const { kind } = run(world, randomOf(seed, index), ({ metrics }) =>
      metrics.some((metric) =>
        metric.looks.some(
          ({ statistic, criticalValue }) =>
            criticalValue !== null && Math.abs(statistic) >= criticalValue,
        ),
      ),
    );
    if (kind === 'stopped') alarms += 1;
  }
  return alarms;
}

const groups: Check = {
  name: 'group-sequential A/A, 20 looks',
  replications: { quick: 3_000, full: 10_000 },
  run: (replications, seed) => [
    {
      property: "A/A, O'Brien-Fleming spending, 20 looks: crossed on either side",
      bar: { from: 0.045, to: 0.055 },
      ...share(falseAlarmOfGroups(20, replications, seed), replications),
    },
  ],
};

/** Share promoted and mean units at the end over the planned ones. */
export function powerOf(
  { method, effect, looks }: { method: AnalysisMethod; effect: number; looks: number },
  replications: number,
  seed: number,
): { readonly promoted: number; readonly times: readonly number[] } {
  const world = effectWorld(method, effect, looks);
  let promoted = 0;
  const times: number[] = [];
  for (let index = 0; index < replications; index += 1) {
    const { kind, units } = run(world, randomOf(seed, index));
    if (kind === 'promote') promoted += 1;
    times.push(units / PLANNED);
  }
  return { promoted, times };
}

const LOOKS = 50;

function powerCheck(method: AnalysisMethod, words: string, bars: readonly [Bar, Bar]): Check {
  const [atOnce, ofTime] = bars;
  return {
    name: `power, ${words}`,
    replications: { quick: 1_000, full: 4_000 },
    run: (replications, seed) => {
      const once = powerOf({ method, effect: EFFECT, looks: LOOKS }, replications, seed);
      const twice = powerOf({ method, effect: 2 * EFFECT, looks: LOOKS }, replications, seed);
      return [
        {
          property: `${words}: promoted by N at 1 x MDE`,
          ...{ bar: atOnce, ...share(once.promoted, replications) },
        },
        {
          property: `${words}: promoted by N at 2 x MDE`,
          ...{ bar: { atLeast: 0.995 }, ...share(twice.promoted, replications) },
        },
        {
          property: `${words}: mean units at 2 x MDE, of N`,
          ...{ bar: ofTime, ...mean(twice.times) },
        },
      ];
    },
  };
}

export const sequentialChecks: readonly Check[] = [
  balanced,
  unbalanced,
  groups,
  powerCheck('group_sequential', 'group-sequential', [{ atLeast: 0.77 }, { atMost: 0.43 }]),
  powerCheck('sequential', 'confidence sequence', [{ atLeast: 0.51 }, { atMost: 0.34 }]),
];
