import type {
  ExperimentPlan,
  ModelPlan,
  VersionPlan,
  WeightSegment,
} from '../../../src/routing/plan.js';

export function version(name: string): VersionPlan {
  return { name, url: `http://upstream.test/${name}`, sealedHeaders: null, timeoutMs: null };
}

export function model(change: Partial<ModelPlan> = {}): ModelPlan {
  return {
    name: 'spam',
    unit: { header: 'x-sluice-unit' },
    fallback: null,
    timeoutMs: 1000,
    idempotent: false,
    capture: { output: {}, input: {} },
    disclose: false,
    champion: 'v1',
    versions: { v1: version('v1'), v2: version('v2'), v3: version('v3') },
    experiments: [],
    ...change,
  };
}

export function canary(coverage: number, change: Partial<ExperimentPlan> = {}): ExperimentPlan {
  return {
    id: '0197f1a0-0000-7000-8000-000000000001',
    name: 'spam-v2',
    kind: 'canary',
    epoch: 1,
    salt: '5f0c2b',
    coverage,
    phase: 1,
    variants: [
      { name: 'control', version: 'v1', control: true },
      { name: 'v2', version: 'v2', control: false },
    ],
    segments: [],
    ...change,
  };
}

export function ab(
  coverage: number,
  segments: readonly WeightSegment[],
  change: Partial<ExperimentPlan> = {},
): ExperimentPlan {
  return {
    id: '0197f1a0-0000-7000-8000-000000000002',
    name: 'spam-abc',
    kind: 'ab',
    epoch: 1,
    salt: '9d41aa',
    coverage,
    phase: 1,
    variants: [
      { name: 'control', version: 'v1', control: true },
      { name: 'b', version: 'v2', control: false },
      { name: 'c', version: 'v3', control: false },
    ],
    segments,
    ...change,
  };
}

/** `version/variant`, or the version alone outside an experiment. */
export function label(
  assignment: { version: string; enrolment: { variant: string } | null } | null,
): string {
  if (assignment === null) return 'none';
  const { version: served, enrolment } = assignment;
  return enrolment === null ? served : `${served}/${enrolment.variant}`;
}

/** Sequential ids and ids that look like UUIDs (a fixed multiplicative generator: the same every run). */
export function unitIds(count: number, style: 'sequential' | 'uuid'): string[] {
  if (style === 'sequential') return Array.from({ length: count }, (_, i) => `user-${i}`);
  let state = 88172645463325252n;
  const next = (): string => {
    state = (state ^ (state << 13n)) & 0xffffffffffffffffn;
    state ^= state >> 7n;
    state = (state ^ (state << 17n)) & 0xffffffffffffffffn;
    return state.toString(16).padStart(16, '0');
  };
  return Array.from({ length: count }, () => {
    const hex = next() + next();
    return [
      hex.slice(0, 8),
      hex.slice(8, 12),
      hex.slice(12, 16),
      hex.slice(16, 20),
      hex.slice(20),
    ].join('-');
  });
}

/** Pearson's chi-square of counts against equal expectations. */
export function chiSquareUniform(counts: readonly number[]): number {
  const expected = counts.reduce((sum, n) => sum + n, 0) / counts.length;
  return counts.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
}

/** Upper bound of a chi-square with `df` degrees at z standard deviations (Wilson-Hilferty). */
export function chiSquareBound(df: number, z: number): number {
  return df * (1 - 2 / (9 * df) + z * Math.sqrt(2 / (9 * df))) ** 3;
}
