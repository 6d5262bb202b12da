import { parseDuration } from '../kernel/duration.js';

/** What the rules between fields look at: a posted experiment whose fields are each valid. */
interface PostedExperiment {
  readonly kind: string;
  readonly variants: readonly {
    readonly name: string;
    readonly control: boolean;
    readonly weight: number;
  }[];
  readonly coverage: number;
  readonly metrics: readonly {
    readonly metric: string;
    readonly role: 'success' | 'guardrail' | 'diagnostic';
    readonly nonInferiorityMargin?: object | undefined;
  }[];
  readonly analysis: {
    readonly minRuntime: string;
    readonly maxRuntime: string;
    readonly interval: string;
    readonly minUnits: number;
    readonly plannedUnits: number;
  };
  readonly rollout?: { readonly steps: readonly PostedStep[] } | undefined;
}

interface PostedStep {
  readonly coverage: number;
  readonly hold: { readonly duration: string };
}

/** A rule between fields that does not hold; `path` leads to the field to change. */
export interface CrossFieldDefect {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** Every rule between fields that a posted experiment breaks; empty when it fits together. Pure. */
export function crossFieldDefects(given: PostedExperiment): readonly CrossFieldDefect[] {
  const common = [...variantDefects(given), ...metricDefects(given), ...analysisDefects(given)];
  if (given.kind === 'canary') return [...common, ...canaryDefects(given)];
  if (given.kind === 'ab' && given.rollout !== undefined) {
    return [...common, { path: ['rollout'], message: 'nothing: steps belong to a canary' }];
  }
  return common;
}

function variantDefects({ variants }: PostedExperiment): CrossFieldDefect[] {
  const defects: CrossFieldDefect[] = duplicates(variants.map(({ name }) => name)).map((index) => ({
    path: ['variants', index, 'name'],
    message: 'a name that no other variant has',
  }));
  const controls = variants.filter(({ control }) => control).length;
  if (controls !== 1) {
    defects.push({ path: ['variants'], message: `exactly one control, given ${controls}` });
  }
  return defects;
}

function metricDefects({ metrics }: PostedExperiment): CrossFieldDefect[] {
  const defects: CrossFieldDefect[] = duplicates(metrics.map(({ metric }) => metric)).map(
    (index) => ({ path: ['metrics', index, 'metric'], message: 'a metric not named before' }),
  );
  metrics.forEach(({ role, nonInferiorityMargin }, index) => {
    const path = ['metrics', index, 'nonInferiorityMargin'];
    if (role === 'guardrail' && nonInferiorityMargin === undefined) {
      defects.push({ path, message: 'a guardrail needs {absolute} or {relative}' });
    }
    if (role !== 'guardrail' && nonInferiorityMargin !== undefined) {
      defects.push({ path, message: `nothing: a ${role} metric has no margin` });
    }
  });
  if (!metrics.some(({ role }) => role === 'success')) {
    defects.push({
      path: ['metrics'],
      message: 'at least one success metric: absence of harm alone never promotes',
    });
  }
  return defects;
}

function analysisDefects({ analysis }: PostedExperiment): CrossFieldDefect[] {
  const maxMs = parseDuration(analysis.maxRuntime);
  const defects: CrossFieldDefect[] = [];
  if (parseDuration(analysis.minRuntime) >= maxMs) {
    defects.push({ path: ['analysis', 'minRuntime'], message: 'shorter than maxRuntime' });
  }
  if (parseDuration(analysis.interval) > maxMs) {
    defects.push({ path: ['analysis', 'interval'], message: 'not longer than maxRuntime' });
  }
  if (2 * analysis.minUnits > analysis.plannedUnits) {
    defects.push({
      path: ['analysis', 'minUnits'],
      message: 'at most half of plannedUnits, which counts both arms',
    });
  }
  return defects;
}

function canaryDefects(given: PostedExperiment): CrossFieldDefect[] {
  const { variants, coverage, analysis, rollout } = given;
  const defects: CrossFieldDefect[] = [];
  if (variants.length !== 2) {
    defects.push({ path: ['variants'], message: 'a canary has a control and one variant' });
  }
  variants.forEach(({ weight }, index) => {
    if (weight === 1) return;
    const path = ['variants', index, 'weight'];
    defects.push({ path, message: '1: control and variant of a canary get equal shares' });
  });
  if (coverage !== 1) {
    defects.push({ path: ['coverage'], message: '1: the steps of a canary say its coverage' });
  }
  if (rollout === undefined) {
    return [...defects, { path: ['rollout', 'steps'], message: 'a canary needs steps' }];
  }
  return [...defects, ...stepDefects(rollout.steps, parseDuration(analysis.maxRuntime))];
}

function stepDefects(steps: readonly PostedStep[], maxRuntimeMs: number): CrossFieldDefect[] {
  const path = ['rollout', 'steps'];
  const defects: CrossFieldDefect[] = [];
  steps.forEach(({ coverage }, index) => {
    const before = steps[index - 1]?.coverage ?? 0;
    if (coverage > before) return;
    defects.push({
      path: [...path, index, 'coverage'],
      message: `more than the step before (${before}): coverage only grows`,
    });
  });
  if (steps.at(-1)?.coverage !== 1) {
    defects.push({ path: [...path, steps.length - 1, 'coverage'], message: '1 in the last step' });
  }
  if (steps.length < 2) {
    defects.push({
      path,
      message: 'at least one step before coverage 1, where no control is left to compare with',
    });
  }
  const holdMs = steps.reduce((sum, { hold }) => sum + parseDuration(hold.duration), 0);
  if (holdMs > maxRuntimeMs) {
    defects.push({ path, message: 'holds that together fit into analysis.maxRuntime' });
  }
  return defects;
}

/** Indexes of the values that occurred before. */
function duplicates(values: readonly string[]): number[] {
  return values.flatMap((value, index) => (values.indexOf(value) < index ? [index] : []));
}
