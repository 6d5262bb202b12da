// What one assignment costs with everything on: a holdout, 20 experiments of one layer on the model, and an audience of
// three conditions on each. The goal is at most 1 µs per request. Run: npm run bench:assign
import { mkdirSync, writeFileSync } from 'node:fs';
import { assign } from '../src/routing/assign.js';
import type { AttributeReader } from '../src/routing/audience.js';
import { layerSalt } from '../src/routing/layers.js';
import { mirrorsOf } from '../src/routing/mirrors.js';
import type { ExperimentPlan, ModelPlan, Predicate } from '../src/routing/plan.js';

const EXPERIMENTS = 20;
const UNITS = 10_000;
const ROUNDS = 41;
const GOAL_NS = 1_000;

const AUDIENCE: readonly Predicate[] = [
  { attribute: 'country', kind: 'in', values: ['DE', 'FR', 'BR', 'IN'] },
  { attribute: 'age', kind: 'range', from: 18, to: 65 },
  { attribute: 'app', kind: 'semver', from: '1.2.0', below: '3.0.0' },
];
const REQUEST: Readonly<Record<string, string | number>> = {
  country: 'IN',
  age: 42,
  app: '2.10.3',
};
const read: AttributeReader = (name) => REQUEST[name];
const units = Array.from(
  { length: UNITS },
  (_, i) => `7b1f0c1e-2f7e-4e65-9d5a-${String(i).padStart(12, '0')}`,
);

function experiment(index: number): ExperimentPlan {
  const width = 10_000 / EXPERIMENTS;
  const ranges = [{ from: index * width, to: (index + 1) * width }];
  return {
    id: `e${index}`,
    name: `e${index}`,
    kind: 'ab',
    epoch: 1,
    salt: `5f0c2b${index}`,
    coverage: 0.9,
    phase: 1,
    variants: [
      { name: 'control', version: 'v1', control: true },
      { name: 'b', version: 'v2', control: false },
    ],
    segments: [{ upTo: 0.9, weights: [1, 1] }],
    layer: { name: 'ranking', salt: layerSalt('ranking'), ranges },
    audience: AUDIENCE,
  };
}

const bare: ModelPlan = {
  name: 'spam',
  unit: { header: 'x-sluice-unit' },
  fallback: null,
  timeoutMs: 1_000,
  idempotent: false,
  capture: { output: {}, input: {} },
  disclose: false,
  champion: 'v1',
  versions: {},
  experiments: [],
};
const experiments = Array.from({ length: EXPERIMENTS }, (_, i) => experiment(i));
const held: ModelPlan = { ...bare, holdout: { share: 0.05, version: 'v1', salt: '77aa01' } };
const full: ModelPlan = { ...held, experiments };
const shadow: ExperimentPlan = {
  ...experiment(0),
  id: 's',
  kind: 'shadow',
  mirror: { share: 0.5, timeoutMs: 1_000, unsafeMethods: false, maxInFlight: 1, maxBodyBytes: 1 },
};
const mirrored: ModelPlan = { ...held, experiments: [...experiments, shadow] };

const cases: readonly (readonly [string, (unit: string) => unknown])[] = [
  ['champion only', (unit) => assign(bare, unit, null, read)],
  ['holdout', (unit) => assign(held, unit, null, read)],
  [
    'one experiment',
    (unit) => assign({ ...bare, experiments: experiments.slice(0, 1) }, unit, null, read),
  ],
  ['holdout + layer + audience of 3 + 20 experiments', (unit) => assign(full, unit, null, read)],
  ['mirrors of the same, one of them a shadow', (unit) => mirrorsOf(mirrored, unit, read)],
];

let kept: unknown;
const figures = cases.map(([name, run]) => {
  const samples: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const started = process.hrtime.bigint();
    for (const unit of units) kept = run(unit);
    samples.push(Number(process.hrtime.bigint() - started) / UNITS);
  }
  const sorted = samples.slice(1).sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? NaN;
  return { name, ns: Math.round(median) };
});
if (kept === undefined) throw new Error('nothing was assigned');
for (const { name, ns } of figures) console.log(`${String(ns).padStart(6)} ns  ${name}`);
const worst = figures[3]?.ns ?? NaN;
console.log(`goal <= ${GOAL_NS} ns: ${worst <= GOAL_NS ? 'met' : 'missed'}`);
mkdirSync(new URL('results/', import.meta.url), { recursive: true });
writeFileSync(
  new URL('results/assign.json', import.meta.url),
  `${JSON.stringify(figures, null, 2)}\n`,
);
if (!(worst <= GOAL_NS)) process.exitCode = 1;
