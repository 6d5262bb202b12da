import type { PolicyDesign, PolicyInput, PolicyState } from '../../src/rollouts/policy/policy.js';
import type { Assessment, MetricAssessment, TestResult } from '../../src/statistics/assessment.js';

/** 2026-01-01T00:00:00Z; every policy test counts from here. */
export const START_MS = 1_767_225_600_000;
export const HOUR_MS = 3_600_000;

export const canaryDesign: PolicyDesign = {
  kind: 'canary',
  variants: [
    { name: 'control', control: true },
    { name: 'v2', control: false },
  ],
  steps: [
    { coverage: 0.05, hold: { durationMs: HOUR_MS, minUnits: 200, approval: false } },
    { coverage: 0.5, hold: { durationMs: 0, minUnits: 0, approval: true } },
    { coverage: 1, hold: { durationMs: 0, minUnits: 0, approval: false } },
  ],
  analysis: { minUnits: 100, minRuntimeMs: 24 * HOUR_MS, maxRuntimeMs: 14 * 24 * HOUR_MS },
  decision: {
    onSuccess: 'promote',
    onDeterioration: 'rollback',
    onSampleRatioMismatch: 'hold',
    onNoData: 'hold',
    noDataGraceMs: 24 * HOUR_MS,
    dryRun: false,
  },
};

export const abDesign: PolicyDesign = {
  ...canaryDesign,
  kind: 'ab',
  variants: [...canaryDesign.variants, { name: 'v3', control: false }],
  steps: [],
};

/** The last ramp step, approved, two days in: everything but the evidence allows promotion. */
export const readyState: PolicyState = {
  status: 'running',
  startedAtMs: START_MS,
  step: 1,
  stepStartedAtMs: START_MS + 2 * HOUR_MS,
  approvedStep: 1,
  failedAnalyses: 0,
};

export function tested(passed: boolean, overrides: Partial<TestResult> = {}): TestResult {
  return {
    kind: 'tested',
    passed,
    pValue: passed ? 0.001 : 0.4,
    alpha: 0.05,
    bound: passed ? 0.01 : -0.01,
    threshold: 0,
    engine: 'confidence_sequence',
    ...overrides,
  } as TestResult;
}

export function metric(overrides: Partial<MetricAssessment> = {}): MetricAssessment {
  return {
    metric: 'correct',
    variant: 'v2',
    role: 'success',
    direction: 'increase',
    control: { n: 1000, pending: 0, value: 0.88, events: 880, capped: 0 },
    treatment: { n: 1000, pending: 0, value: 0.97, events: 970, capped: 0 },
    effect: 0.09,
    standardError: 0.012,
    interval: { lower: 0.05, upper: 0.13 },
    runningInterval: { lower: 0.05, upper: 0.13 },
    pValue: 0.001,
    runningPValue: 0.001,
    level: 0.95,
    lift: null,
    adjustment: { kind: 'none', reason: 'no_covariate' },
    looks: [],
    margin: null,
    superiority: tested(true),
    nonInferiority: null,
    deterioration: tested(false),
    ...overrides,
  };
}

export function guardrail(overrides: Partial<MetricAssessment> = {}): MetricAssessment {
  return metric({
    metric: 'latency_ms',
    role: 'guardrail',
    direction: 'decrease',
    control: { n: 1000, pending: 0, value: 40, events: 1000, capped: 0 },
    treatment: { n: 1000, pending: 0, value: 41, events: 1000, capped: 0 },
    margin: 10,
    superiority: null,
    nonInferiority: tested(true),
    ...overrides,
  });
}

/** Sound data, a superior success metric and a guardrail within its margin. */
export function goodAssessment(overrides: Partial<Assessment> = {}): Assessment {
  return {
    units: [
      { variant: 'control', units: 1000 },
      { variant: 'v2', units: 1000 },
    ],
    metrics: [metric(), guardrail()],
    quality: {
      sampleRatio: {
        runningPValue: 1,
        chiSquarePValue: 0.8,
        alpha: 0.01,
        mismatch: false,
        arms: [],
      },
      crossoverUnits: 0,
      crossoverShare: 0,
      crossoverAlarm: false,
      droppedEvents: 0,
      caughtUp: true,
    },
    reading: 'test',
    horizon: null,
    ...overrides,
  };
}

/** Evidence good enough to promote; every test changes one thing. */
export function readyInput(overrides: Partial<PolicyInput> = {}): PolicyInput {
  return {
    design: canaryDesign,
    state: readyState,
    assessment: goodAssessment(),
    nowMs: START_MS + 48 * HOUR_MS,
    ...overrides,
  };
}
