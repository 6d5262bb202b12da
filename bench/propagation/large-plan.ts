import type { ExperimentPlan, ModelPlan, TrafficPlan } from '../../src/routing/plan.js';

const EXPERIMENTS_PER_MODEL = 5;

/** A plan of `models` models with three versions and five running experiments each, as large houses would have. */
export function largePlan(version: number, models: number, url: string): TrafficPlan {
  const names = Array.from({ length: models }, (_, at) => `model-${at}`);
  return {
    version,
    models: Object.fromEntries(names.map((name, at) => [name, modelOf(name, at, url)])),
    keys: Array.from({ length: 50 }, (_, at) => ({
      id: `key-${at}`,
      hash: at.toString(16).padStart(64, '0'),
      scopes: ['predict', 'outcomes:write'],
    })),
  };
}

function modelOf(name: string, at: number, url: string): ModelPlan {
  const version = (one: string) => ({ name: one, url, sealedHeaders: null, timeoutMs: null });
  return {
    name,
    unit: { header: 'x-sluice-unit' },
    fallback: 'v1',
    timeoutMs: 1_000,
    idempotent: true,
    capture: { output: { score: '/score', label: '/label' }, input: { country: '/country' } },
    disclose: false,
    champion: 'v1',
    versions: { v1: version('v1'), v2: version('v2'), v3: version('v3') },
    attributes: { country: { header: 'x-country' }, age: { pointer: '/age' } },
    experiments: Array.from({ length: EXPERIMENTS_PER_MODEL }, (_, number) =>
      experimentOf(name, at * EXPERIMENTS_PER_MODEL + number),
    ),
  };
}

/** Audience and layer of its own, so that the experiments of a model do not compete for all of its units. */
function experimentOf(model: string, number: number): ExperimentPlan {
  const slot = number % EXPERIMENTS_PER_MODEL;
  return {
    id: `0197f1a0-0000-7000-8000-${number.toString(16).padStart(12, '0')}`,
    name: `${model}-experiment-${number}`,
    kind: 'ab',
    epoch: 1,
    salt: `salt-${number}`,
    coverage: 0.5,
    phase: 2,
    variants: [
      { name: 'control', version: 'v1', control: true },
      { name: 'candidate', version: 'v2', control: false },
      { name: 'other', version: 'v3', control: false },
    ],
    segments: [
      { upTo: 0.1, weights: [1, 1, 1], phase: 1 },
      { upTo: 0.5, weights: [2, 1, 1], phase: 2 },
    ],
    layer: {
      name: `${model}-layer`,
      salt: `layer-of-${model}`,
      ranges: [{ from: slot * 2_000, to: slot * 2_000 + 2_000 }],
    },
    audience: [
      { attribute: 'country', kind: 'in', values: ['DE', 'FR', 'GB', 'US'] },
      { attribute: 'age', kind: 'range', from: 18, to: 99 },
    ],
  };
}
