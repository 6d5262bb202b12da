import type { Edit, Mutant } from './mutants.js';

const SIMULATION = ['test/simulation/simulation.test.ts'];
const DECIDE = 'src/rollouts/policy/decide.ts';
const RULES = 'src/rollouts/policy/rules.ts';
const PROMOTION = 'src/rollouts/policy/promotion-rules.ts';
const CHANGE = 'src/rollouts/change.ts';

function one(name: string, ...edits: readonly Edit[]): Mutant {
  return { name, edits, tests: SIMULATION };
}

/** The list of rules without one of them. */
function without(before: string, rule: string, after: string): Mutant {
  return one(`the rule ${rule} is gone`, {
    file: DECIDE,
    from: `  ${before},\n  ${rule},\n  ${after},\n`,
    to: `  ${before},\n  ${after},\n`,
  });
}

/** What keeps a rollout from going further than its evidence; the simulated worlds have to notice each of them. */
export const POLICY_MUTANTS: readonly Mutant[] = [
  without('finalVerdict', 'step', 'minimumRuntime'),
  without('controlHealth', 'sampleRatio', 'crossover'),
  without('sampleRatio', 'crossover', 'completeness'),
  without('crossover', 'completeness', 'noData'),
  without('noData', 'paused', 'champion'),
  without('champion', 'minimumEvidence', 'finalVerdict'),
  without('paused', 'champion', 'minimumEvidence'),
  without('step', 'minimumRuntime', 'nonInferiority'),
  one('harm is looked at after everything that holds', {
    file: DECIDE,
    from: '  deterioration,\n  controlHealth,\n  sampleRatio,\n  crossover,\n  completeness,\n  noData,\n  paused,\n',
    to: '  controlHealth,\n  sampleRatio,\n  crossover,\n  completeness,\n  noData,\n  paused,\n  deterioration,\n',
  }),
  one('a bad control excuses a bad variant', {
    file: DECIDE,
    from: '  limits,\n  deterioration,\n  controlHealth,\n',
    to: '  controlHealth,\n  limits,\n  deterioration,\n',
  }),
  one('limits are not looked at', {
    file: DECIDE,
    from: '  limits,\n  deterioration,\n',
    to: '  deterioration,\n',
  }),
  one('a variant above a limit can win', {
    file: 'src/rollouts/policy/rule.ts',
    from: 'limit.variant === variant && limit.exceeded',
    to: 'limit.variant === variant && limit.pValue < 0',
  }),
  one('a success that is not superior wins', {
    file: PROMOTION,
    from: '  const winners = successes\n    .filter((metric) => passed(metric.superiority))',
    to: "  const winners = successes\n    .filter((metric) => metric.superiority?.kind === 'tested')",
  }),
  one('a guardrail without a verdict passes', {
    file: PROMOTION,
    from: "metric.role === 'guardrail' && !passed(metric.nonInferiority),",
    to: "metric.role === 'guardrail' && metric.nonInferiority?.kind === 'tested' && !passed(metric.nonInferiority),",
  }),
  one('a promotion does not bake', {
    file: PROMOTION,
    from: '    bakedMs < bakeMs\n',
    to: '    bakedMs < 0 * bakeMs\n',
  }),
  one('a bake goes on while a promotion could not happen', {
    file: CHANGE,
    from: 'return sinceMs === undefined ? notBaking(rollout) : {',
    to: 'return sinceMs === undefined ? rollout : {',
  }),
  one('a step is not held for its time', {
    file: RULES,
    from: '  if (elapsedMs < durationMs) {',
    to: '  if (elapsedMs < 0 * durationMs) {',
  }),
  one('a step is left without its units', {
    file: RULES,
    from: '  if (have < minUnits) {',
    to: '  if (have < 0 * minUnits) {',
  }),
  one('a step is left without approval', {
    file: RULES,
    from: '  if (approval && state.approvedStep !== state.step) {',
    to: '  if (approval && state.approvedStep === -1) {',
  }),
  one('a step is skipped', {
    file: RULES,
    from: '    toStep: state.step + 1,\n',
    to: '    toStep: Math.min(state.step + 2, design.steps.length - 1),\n',
  }),
  one('a dry run acts', {
    file: DECIDE,
    from: "  if (design.decision.dryRun && verdict !== 'hold') {",
    to: "  if (design.decision.dryRun && verdict === 'inconclusive') {",
  }),
  one('a gate that cannot be asked opens', {
    file: 'src/rollouts/policy/gates.ts',
    from: '  if (stopping === undefined) {',
    to: "  if (stopping === undefined || stopping.answer === 'unreachable') {",
  }),
  one('an arm that was closed can win', {
    file: 'src/rollouts/policy/rule.ts',
    from: '!variant.control && !closed.includes(variant.name)',
    to: '!variant.control && closed.length >= 0',
  }),
  one('an experiment that ended keeps its traffic', {
    file: CHANGE,
    from: "hasEnded: true, traffic: { kind: 'withdraw', champion } }",
    to: "hasEnded: true, traffic: champion === null ? stays.traffic : { kind: 'withdraw', champion } }",
  }),
  one('an experiment that ended is resumed', {
    file: 'src/experiments/life-cycle.ts',
    from: "    abort: 'aborted',\n  },\n  completed: {},",
    to: "    abort: 'aborted',\n  },\n  completed: { resume: 'running' },",
  }),
  one('the variant of a canary moves when it grows', {
    file: 'src/routing/assign.ts',
    from: 'const isTreatment = place < experiment.coverage;',
    to: 'const isTreatment = place < experiment.coverage && place >= experiment.coverage / 4;',
  }),
  one('a snapshot of two states of an experiment is analysed', {
    file: 'src/analysis/evidence.ts',
    from: '.some(({ phase }) => !known.has(phase))',
    to: '.some(({ phase }) => phase < 0 && !known.has(phase))',
  }),
  one('a hold for the same reason is not told from another', {
    file: 'src/rollouts/replay.ts',
    from: "  if (decision.kind !== 'hold' && decision.kind !== 'error') return false;",
    to: "  if (decision.kind === 'promote') return false;",
  }),
];
