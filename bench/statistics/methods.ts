import { fileURLToPath } from 'node:url';
import { assess } from '../../src/analysis/assess.js';
import { assessQuality } from '../../src/analysis/quality.js';
import {
  binomial,
  chiSquare,
  normal,
  type Random,
  randomOf,
} from '../../src/rollouts/planning/random.js';
import { normalUpperQuantile } from '../../src/statistics/numerics.js';
import { armEstimate, liftFieller } from '../../src/statistics/relative-lift.js';
import {
  momentsOf,
  pairedMomentsOf,
  type SampleSummary,
  summaryOf,
} from '../../src/statistics/moments.js';
import { welchTTest } from '../../src/statistics/welch.js';
import type { MetricCell } from '../../src/metrics/metric.js';
import { evidenceOf, phaseOf, revenue, success } from '../../test/support/evidence.js';
import { check } from '../../test/vectors/compare.js';
import { readFamilies } from '../../test/vectors/families.js';
import { operations } from '../../test/vectors/operations.js';
import { type Check, type Row, share } from './bar.js';
import { abDesign } from './world.js';

const LIFT = 0.1;

function lognormals(random: Random, n: number, scale: number): SampleSummary {
  const values = Array.from({ length: n }, () => scale * Math.exp(normal(random)));
  const summary = summaryOf(momentsOf(values));
  if (summary.kind === 'undefined') throw new Error('two values have a variance');
  return summary.value;
}

/** Lognormal with sigma 1 (skewness 6.2), 1,000 units an arm, treatment 10 % higher. */
const coverage: Check = {
  name: 'coverage',
  replications: { quick: 4_000, full: 20_000 },
  run: (replications, seed) => {
    const alpha = 0.05;
    const criticalValue = normalUpperQuantile(alpha / 2);
    const difference = LIFT * Math.exp(0.5);
    const hits = { welch: 0, fieller: 0 };
    for (let index = 0; index < replications; index += 1) {
      const random = randomOf(seed, index);
      const control = lognormals(random, 1_000, 1);
      const treatment = lognormals(random, 1_000, 1 + LIFT);
      const welch = welchTTest({ control, treatment, alpha, alternative: 'two-sided' });
      if (
        welch.kind === 'value' &&
        welch.value.lower <= difference &&
        difference <= welch.value.upper
      )
        hits.welch += 1;
      const [ofControl, ofTreatment] = [armEstimate(control), armEstimate(treatment)];
      if (ofControl.kind === 'undefined' || ofTreatment.kind === 'undefined') continue;
      const arms = { control: ofControl.value, treatment: ofTreatment.value };
      const lift = liftFieller({ ...arms, criticalValue });
      if (lift.kind === 'value' && lift.value.lower <= LIFT && LIFT <= lift.value.upper)
        hits.fieller += 1;
    }
    const bar = { from: 0.94, to: 0.96 };
    const setting = 'lognormal, sigma 1, 2 x 1,000 units';
    return [
      {
        property: `95 % interval of Welch, ${setting}: covers`,
        bar,
        ...share(hits.welch, replications),
      },
      {
        property: `95 % interval of Fieller, ${setting}: covers`,
        bar,
        ...share(hits.fieller, replications),
      },
    ];
  },
};

const RATE = 0.2;
const ICC = 0.2;
const USERS = 500;

/** A user's 5 to 15 requests succeed with the user's own Beta-distributed probability. */
function user(random: Random): readonly [number, number] {
  const requests = 5 + Math.floor(11 * random());
  const left = chiSquare(random, (2 * RATE * (1 - ICC)) / ICC);
  const right = chiSquare(random, (2 * (1 - RATE) * (1 - ICC)) / ICC);
  return [binomial(random, requests, left / (left + right)), requests];
}

function requestCell(random: Random, variant: string): MetricCell {
  const users = Array.from({ length: USERS }, () => user(random));
  return {
    ...{ metric: 'success_rate', phase: 1, variant, pending: 0, capped: 0, covariate: null },
    ...pairedMomentsOf(users),
    events: users.filter(([successes]) => successes > 0).length,
  };
}

/** The fixed test in both directions, so that it is two-sided; a rate per request with users as units. */
const clustered: Check = {
  name: 'clustered requests',
  replications: { quick: 3_000, full: 10_000 },
  run: (replications, seed) => {
    const numerator = { source: revenue.numerator.source, aggregation: 'mean' } as const;
    const designs = (['increase', 'decrease'] as const).map((direction) =>
      abDesign([success({ ...revenue, name: 'success_rate', numerator, direction })], {
        ...{ method: 'fixed', plannedUnits: 2 * USERS },
      }),
    );
    const critical = normalUpperQuantile(0.025);
    const hits = { delta: 0, naive: 0 };
    for (let index = 0; index < replications; index += 1) {
      const random = randomOf(seed, index);
      const cells = ['control', 'v2'].map((variant) => requestCell(random, variant));
      const rejects = designs.some((design) => {
        const { metrics } = assess(evidenceOf(cells, { design, watermarkMs: 1 }));
        const test = metrics[0]?.superiority;
        return test?.kind === 'tested' && test.passed;
      });
      if (rejects) hits.delta += 1;
      if (Math.abs(requestLevelZ(cells)) > critical) hits.naive += 1;
    }
    const setting = '5-15 requests a user, ICC 0.2, A/A';
    return [
      {
        property: `${setting}: fixed test rejects, two-sided`,
        ...{ bar: { from: 0.04, to: 0.06 }, ...share(hits.delta, replications) },
      },
      {
        property: `${setting}: a z test of requests as units rejects`,
        ...{ bar: null, ...share(hits.naive, replications) },
      },
    ];
  },
};

function requestLevelZ(cells: readonly MetricCell[]): number {
  const [control, treatment] = cells.map(({ n, meanY, meanD }) => ({ y: n * meanY, d: n * meanD }));
  if (control === undefined || treatment === undefined) return 0;
  const pooled = (control.y + treatment.y) / (control.d + treatment.d);
  const error = Math.sqrt(pooled * (1 - pooled) * (1 / control.d + 1 / treatment.d));
  return (treatment.y / treatment.d - control.y / control.d) / error;
}

const LOOKS = 500;
const UNITS = 100_000;

/** Share of experiments with 1e5 units in which 500 looks find a mismatch, when a unit is treated with this chance. */
function mismatches(chance: number, replications: number, seed: number): number {
  const design = abDesign([]);
  const phases = [phaseOf(1)];
  let found = 0;
  for (let index = 0; index < replications; index += 1) {
    const random = randomOf(seed, index);
    let treated = 0;
    let previousSampleRatioPValue = 1;
    for (let look = 1; look <= LOOKS; look += 1) {
      treated += binomial(random, UNITS / LOOKS, chance);
      const all = (look * UNITS) / LOOKS;
      const unitCells = [
        { phase: 1, variant: 'control', units: all - treated, crossovers: 0 },
        { phase: 1, variant: 'v2', units: treated, crossovers: 0 },
      ];
      const { sampleRatio } = assessQuality(
        evidenceOf([], { design, phases, unitCells, previousSampleRatioPValue }),
      );
      previousSampleRatioPValue = sampleRatio.runningPValue;
      if (sampleRatio.mismatch) {
        found += 1;
        break;
      }
    }
  }
  return found;
}

const sampleRatio: Check = {
  name: 'sample ratio',
  replications: { quick: 500, full: 4_000 },
  run: (replications, seed): readonly Row[] => [
    {
      property: 'sample ratio, A/A, 500 looks: false alarm',
      ...{ bar: { atMost: 0.01 }, ...share(mismatches(0.5, replications, seed), replications) },
    },
    {
      property: 'sample ratio, 2 % of all units lost from one arm (50:48), 1e5 units: found',
      bar: { atLeast: 0.99 },
      ...share(mismatches(0.48 / 0.98, replications, seed + 1), replications),
    },
    {
      property: "sample ratio, 2 % of one arm's own units lost (50:49), 1e5 units: found",
      bar: null,
      ...share(mismatches(0.49 / 0.99, replications, seed + 2), replications),
    },
  ],
};

const REFERENCE = fileURLToPath(new URL('../../test/vectors/reference', import.meta.url));

const vectors: Check = {
  name: 'reference vectors',
  replications: { quick: 1, full: 1 },
  run: () => {
    const cases = readFamilies(REFERENCE).flatMap((family) => family.cases);
    const agreed = cases.filter((vector) => check(vector, operations[vector.op]) === null).length;
    return [
      {
        property: `reference vectors: ${String(cases.length)} cases agree, refuse or decline`,
        bar: { atLeast: 1 },
        ...{ value: agreed / cases.length, standardError: 0, replications: cases.length },
      },
    ];
  },
};

export const methodChecks: readonly Check[] = [coverage, clustered, sampleRatio, vectors];
