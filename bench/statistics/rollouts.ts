import type { Evidence } from '../../src/analysis/evidence.js';
import { compare } from '../../src/analysis/strata.js';
import type { TestSetting } from '../../src/analysis/hypothesis.js';
import { deterioration } from '../../src/analysis/tests.js';
import type { FrozenDesign } from '../../src/experiments/experiment.js';
import { binomial, randomOf } from '../../src/rollouts/planning/random.js';
import { normalUpperQuantile } from '../../src/statistics/numerics.js';
import {
  designOf,
  errorRate,
  guards,
  latency,
  phaseOf,
  rateCell,
  success,
} from '../../test/support/evidence.js';
import { type Check, median, type Row, share } from './bar.js';
import {
  abDesign,
  converted,
  DAY_MS,
  type Ending,
  everyHour,
  HOUR_MS,
  rampDesign,
  rate,
  run,
  timeoutRate,
  values,
  type World,
} from './world.js';

const PLANNED = 400_000;
const CRUDE_CRITICAL = normalUpperQuantile(0.05);
const RAMP_HOURS = 24 * 7;
const BASE: Readonly<Record<string, number>> = {
  converted: 0.1,
  error_rate: 0.01,
  timeout_rate: 0.005,
};

function endings(world: World, replications: number, seed: number): readonly Ending[] {
  return Array.from({ length: replications }, (_, index) => run(world, randomOf(seed, index)));
}

function shareOf(kind: Ending['kind'], ends: readonly Ending[]): Omit<Row, 'property' | 'bar'> {
  return share(ends.filter((end) => end.kind === kind).length, ends.length);
}

const rampMetrics = [
  success(converted),
  guards(errorRate, { absolute: 0.005 }),
  guards(timeoutRate, { absolute: 0.005 }),
];

/** +12 % a day and a daily cycle of +- 30 %, in both arms alike. */
function drifting(metric: string, atMs: number): number {
  const days = atMs / DAY_MS;
  return (BASE[metric] ?? 0) * (1 + 0.12 * days) * (1 + 0.3 * Math.sin(2 * Math.PI * days));
}

const ramp: Check = {
  name: 'full ramp, nothing differs',
  replications: { quick: 250, full: 4_000 },
  run: (replications, seed) =>
    [false, true].flatMap((drifts): readonly Row[] => {
      const world: World = {
        design: rampDesign(rampMetrics, { plannedUnits: PLANNED }),
        ...{ unitsPerHour: 10_000, looks: everyHour(RAMP_HOURS), split: 'hashed' },
        arm: (metric, _variant, atMs) =>
          rate(drifts ? drifting(metric, atMs) : (BASE[metric] ?? 0)),
      };
      const ends = endings(world, replications, seed);
      const setting = `ramp 1-50 %, 2 guardrails, 168 hourly looks${drifts ? ', drift' : ''}`;
      return [
        {
          property: `${setting}: false rollback`,
          bar: { atMost: 0.05 },
          ...shareOf('rollback', ends),
        },
        {
          property: `${setting}: false promotion`,
          bar: { atMost: 0.05 },
          ...shareOf('promote', ends),
        },
      ];
    }),
};

/** The success metric improves for certain, so that only the gate of the guardrail is between it and promotion. */
const margin: Check = {
  name: 'harm at the margin',
  replications: { quick: 600, full: 4_000 },
  run: (replications, seed) => {
    const plan = { plannedUnits: 20_000 };
    const common = { unitsPerHour: 400, looks: everyHour(50), split: 'hashed' } as const;
    const gain = (variant: string) => rate(variant === 'v2' ? 0.15 : 0.1);
    const events: World = {
      ...common,
      design: abDesign([success(converted), guards(errorRate, { absolute: 0.005 })], plan),
      arm: (metric, variant) =>
        metric === 'converted' ? gain(variant) : rate(variant === 'v2' ? 0.015 : 0.01),
    };
    const means: World = {
      ...common,
      design: abDesign([success(converted), guards(latency, { relative: 0.05 })], plan),
      arm: (metric, variant) =>
        metric === 'converted' ? gain(variant) : values(variant === 'v2' ? 105 : 100, 50),
    };
    const bar = { atMost: 0.05 };
    return [
      {
        property: 'errors worse by exactly the margin: promoted',
        ...{ bar, ...shareOf('promote', endings(events, replications, seed)) },
      },
      {
        property: 'latency worse by exactly the margin: promoted',
        ...{ bar, ...shareOf('promote', endings(means, replications, seed + 1)) },
      },
    ];
  },
};

const doubled: Check = {
  name: 'errors x2',
  replications: { quick: 400, full: 4_000 },
  run: (replications, seed) => {
    const world: World = {
      design: abDesign([success(converted), guards(errorRate, { absolute: 0.005 })], {
        plannedUnits: 50_000,
      }),
      unitsPerHour: 10_000,
      // every three minutes, 250 treated units each
      looks: Array.from({ length: 200 }, (_, look) => ((look + 1) * HOUR_MS) / 20),
      split: 'hashed',
      arm: (metric, variant) =>
        metric === 'converted' ? rate(0.1) : rate(variant === 'v2' ? 0.02 : 0.01),
    };
    const ends = endings(world, replications, seed);
    const treated = ends.map((end) => (end.kind === 'rollback' ? end.treated : Infinity));
    return [
      {
        property: 'errors 1 % -> 2 %, 10,000 units/h: rolled back',
        ...{ bar: { atLeast: 0.999 }, ...shareOf('rollback', ends) },
      },
      {
        property: 'errors 1 % -> 2 %: median treated units at rollback',
        ...{ bar: { atMost: 4_000 }, ...median(treated) },
      },
    ];
  },
};

const BROKEN = { base: 0.001, times: 5, share: 0.01 };

/** Treatment events until the harm test fires, looked at after every event; the arms have their expected units. */
export function eventsUntilStop(design: FrozenDesign, seed: number, times = BROKEN.times): number {
  const random = randomOf(seed, times);
  const shares = { control: 1 - BROKEN.share, v2: BROKEN.share };
  const setting: TestSetting = { design, phases: [{ ...phaseOf(1), shares }], control: 'control' };
  const guardrail = design.metrics.find(({ role }) => role === 'guardrail');
  if (guardrail === undefined) throw new Error('the design has a guardrail');
  const ofTreatment = BROKEN.share * times;
  const chance = ofTreatment / (ofTreatment + 1 - BROKEN.share);
  const counts = { control: 0, v2: 0 };
  for (let event = 1; event <= 100_000; event += 1) {
    counts[random() < chance ? 'v2' : 'control'] += 1;
    const units = event / BROKEN.base;
    const cells = (['control', 'v2'] as const).map((variant) => {
      const n = Math.max(counts[variant], Math.round(units * shares[variant]));
      return rateCell({ metric: 'error_rate', variant }, counts[variant], n);
    });
    const test = deterioration(
      compare(cells, guardrail, { control: 'control', variant: 'v2' }),
      setting,
    );
    if (test.kind === 'tested' && test.passed) return counts.v2;
  }
  return Number.POSITIVE_INFINITY;
}

const catastrophe: Check = {
  name: 'catastrophe',
  replications: { quick: 300, full: 4_000 },
  run: (replications, seed) => {
    const metrics = [success(converted), guards(errorRate, { absolute: 0.005 })];
    const design = abDesign(metrics, { plannedUnits: PLANNED }, [99, 1]);
    const events = Array.from({ length: replications }, (_, index) =>
      eventsUntilStop(design, seed + index),
    );
    return [
      {
        property: 'errors 0.1 % -> 0.5 %, 1 % share: median treatment events at rollback',
        ...{ bar: { atMost: 10 }, ...median(events) },
      },
    ];
  },
};

/** The error that the strata avoid: totals over all phases, compared by a one-sided z. */
function crudeZ({ metricCells }: Evidence, metric: string): number {
  const total = (arm: string): { readonly n: number; readonly events: number } => {
    const cells = metricCells.filter((cell) => cell.metric === metric && cell.variant === arm);
    return cells.reduce((sum, { n, events }) => ({ n: sum.n + n, events: sum.events + events }), {
      n: 0,
      events: 0,
    });
  };
  const [control, treatment] = [total('control'), total('v2')];
  const pooled = (control.events + treatment.events) / (control.n + treatment.n);
  const error = Math.sqrt(pooled * (1 - pooled) * (1 / control.n + 1 / treatment.n));
  return (treatment.events / treatment.n - control.events / control.n) / error;
}

function crudeAlarms(world: World, replications: number, seed: number): number {
  let alarms = 0;
  for (let index = 0; index < replications; index += 1) {
    const { kind } = run(
      world,
      randomOf(seed, index),
      (_assessment, evidence) => crudeZ(evidence, 'error_rate') > CRUDE_CRITICAL,
    );
    if (kind === 'stopped') alarms += 1;
  }
  return alarms;
}

/** Seven days in which the baseline rises (or falls) while the share of the variant rises. */
const simpson: Check = {
  name: 'Simpson',
  replications: { quick: 250, full: 4_000 },
  run: (replications, seed) => {
    const common = {
      unitsPerHour: 10_000,
      looks: everyHour(RAMP_HOURS),
      split: 'hashed',
      isRestControl: true,
    } as const;
    const rising: World = {
      ...common,
      design: rampDesign(rampMetrics, { plannedUnits: PLANNED }),
      arm: (metric, _variant, atMs) =>
        rate((BASE[metric] ?? 0) * (metric === 'converted' ? 1 : 1.12 ** (atMs / DAY_MS))),
    };
    const better = { ...converted, name: 'mistakes', direction: 'decrease' } as const;
    const falling: World = {
      ...common,
      design: rampDesign([success(better)], { plannedUnits: PLANNED }),
      arm: (_metric, variant, atMs) =>
        rate(0.02 * 0.7 ** (atMs / DAY_MS) * (variant === 'v2' ? 1.25 : 1)),
    };
    return [
      {
        property: 'ramp, control = rest of the traffic, baseline +12 %/day: false rollback',
        ...{ bar: { atMost: 0.05 }, ...shareOf('rollback', endings(rising, replications, seed)) },
      },
      {
        property: 'the same: harm by a z test of crude totals, at any look',
        ...{ bar: null, ...share(crudeAlarms(rising, replications, seed), replications) },
      },
      {
        property: 'ramp, control = rest, harm x1.25, baseline -30 %/day: promoted',
        ...{
          bar: { atMost: 0.01 },
          ...shareOf('promote', endings(falling, replications, seed + 1)),
        },
      },
    ];
  },
};

const ARMS = ['control', 'a', 'b', 'c', 'd'];
const GUARDRAILS = Array.from({ length: 10 }, (_, index) => `guardrail-${String(index)}`);

/** Does any of the 40 harm tests fire? The policy rolls back only when every variant is harmed, which is rarer. */
function anyHarm(design: FrozenDesign, replication: number, seed: number): boolean {
  const random = randomOf(seed, replication);
  const shares = Object.fromEntries(ARMS.map((arm) => [arm, 1 / ARMS.length]));
  const setting: TestSetting = { design, phases: [{ ...phaseOf(1), shares }], control: 'control' };
  const events = new Map<string, number>();
  let n = 0;
  for (let look = 1; look <= 40; look += 1) {
    const more = Math.round(100 * 1.12 ** look);
    n += more;
    for (const designMetric of design.metrics.filter(({ role }) => role === 'guardrail')) {
      const metric = designMetric.definition.name;
      const cells = ARMS.map((variant) => {
        const key = `${metric} ${variant}`;
        events.set(key, (events.get(key) ?? 0) + binomial(random, more, 0.02));
        return rateCell({ metric, variant }, events.get(key) ?? 0, n);
      });
      const isHarmed = ARMS.slice(1).some((variant) => {
        const comparison = compare(cells, designMetric, { control: 'control', variant });
        const test = deterioration(comparison, setting);
        return test.kind === 'tested' && test.passed;
      });
      if (isHarmed) return true;
    }
  }
  return false;
}

const many: Check = {
  name: '10 guardrails x 4 arms',
  replications: { quick: 300, full: 4_000 },
  run: (replications, seed) => {
    const guardrails = GUARDRAILS.map((name) => guards({ ...errorRate, name }, { absolute: 0.01 }));
    const design = designOf({
      ...abDesign([success(converted), ...guardrails], { plannedUnits: 50_000 }),
      variants: ARMS.map((name) => ({
        name,
        version: name,
        control: name === 'control',
        weight: 1,
      })),
    });
    let hits = 0;
    for (let index = 0; index < replications; index += 1)
      if (anyHarm(design, index, seed)) hits += 1;
    return [
      {
        property: '10 guardrails x 4 arms, 40 looks: any false harm alarm',
        ...{ bar: { atMost: 0.05 }, ...share(hits, replications) },
      },
    ];
  },
};

export const rolloutChecks: readonly Check[] = [ramp, margin, doubled, catastrophe, simpson, many];
