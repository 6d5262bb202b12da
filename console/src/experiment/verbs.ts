import type { Design, Experiment, Standing } from '../api/types.js';

/** Verbs that need nothing but a reason, and for some a variant. */
export type PlainVerb =
  'start' | 'pause' | 'resume' | 'advance' | 'approve' | 'promote' | 'rollback' | 'abort';

export type Verb = PlainVerb | 'close' | 'weights' | 'redesign';

const LABELS: Readonly<Record<Verb, string>> = {
  start: 'Start',
  pause: 'Pause',
  resume: 'Resume',
  advance: 'Advance',
  approve: 'Approve',
  promote: 'Promote',
  rollback: 'Roll back',
  abort: 'Abort',
  close: 'Close an arm',
  weights: 'Change weights',
  redesign: 'Redesign',
};

/** To advance a shadow, which has no steps, is to say that it is ready. */
export function labelOf(verb: Verb, { kind }: Pick<Experiment, 'kind'>): string {
  return verb === 'advance' && kind === 'shadow' ? 'Declare ready' : LABELS[verb];
}

export interface Verbs {
  /** What one looks for first, the most likely one leading. */
  readonly usual: readonly Verb[];
  /** What is rare, or cannot be taken back. */
  readonly more: readonly Verb[];
}

const NONE: Verbs = { usual: [], more: [] };

/** The verbs that a status and a kind allow. The server has the last word. */
export function verbsOf(experiment: Experiment): Verbs {
  const { status, kind, design } = experiment;
  if (status === 'draft') return { usual: ['start'], more: [] };
  if ((status !== 'running' && status !== 'paused') || design === null) return NONE;
  const isRunning = status === 'running';
  const hasRollout = kind === 'ab' || kind === 'canary';
  const isAb = kind === 'ab';
  return {
    usual: [
      ...(isRunning ? [] : (['resume'] as const)),
      ...(isAwaiting(experiment) ? (['approve'] as const) : []),
      ...(hasRollout ? (['promote', 'rollback'] as const) : []),
      ...(isRunning && canAdvance(experiment, design) ? (['advance'] as const) : []),
      ...(isRunning ? (['pause'] as const) : []),
    ],
    more: [
      ...(isAb && openVariants(experiment).length > 1 ? (['close'] as const) : []),
      ...(isAb && isRunning && coverageOf(experiment) < 1 ? (['weights'] as const) : []),
      'redesign',
      'abort',
    ],
  };
}

/** A step that asks for an approval and has none. */
export function isAwaiting({ design, rollout }: Experiment): boolean {
  const step = rollout === null ? undefined : design?.steps[rollout.step];
  return step?.hold.approval === true && rollout?.approvedStep !== rollout?.step;
}

function canAdvance({ kind, rollout }: Experiment, { steps }: Design): boolean {
  if (kind === 'shadow') return true;
  return kind === 'canary' && (rollout?.step ?? 0) + 1 < steps.length - 1;
}

/** Variants that still take units. */
export function openVariants({ design, rollout }: Experiment): readonly string[] {
  const closed = rollout?.closed ?? [];
  return (design?.variants ?? [])
    .filter(({ control, name }) => !control && !closed.includes(name))
    .map(({ name }) => name);
}

/** Share of the units enrolled now. */
export function coverageOf({ rollout }: Experiment): number {
  return rollout?.phases.at(-1)?.coverage ?? 0;
}

/** What the policy would do and leaves to a person. */
export function recommendedVerb(standing: Standing | null): Verb | null {
  switch (standing?.decision?.code) {
    case 'promotion_recommended':
      return 'promote';
    case 'rollback_recommended':
      return 'rollback';
    case 'awaiting_approval':
      return 'approve';
    default:
      return null;
  }
}

/** What a verb will do, before it is done. */
export function consequenceOf(
  verb: Verb,
  { design, model, kind }: Experiment,
  variant: string,
): string {
  const control = design?.variants.find((known) => known.control)?.version ?? 'the control';
  const version = design?.variants.find(({ name }) => name === variant)?.version ?? variant;
  switch (verb) {
    case 'start':
      return 'The design is frozen and hashed, and the first units are enrolled. Its meaning cannot be changed afterwards.';
    case 'pause':
      return 'Nothing moves on until it is resumed. Units keep their variants, and harm still rolls back.';
    case 'resume':
      return 'The rollout goes on from where it was paused.';
    case 'advance':
      return kind === 'shadow'
        ? 'The shadow ends as ready, whatever the evidence says. The canary that its definition names, if any, begins.'
        : 'The next step begins at once, whatever the present one was still waiting for. More units get the variant.';
    case 'approve':
      return 'The present step may be left as soon as its other conditions are met.';
    case 'promote':
      return `${version} becomes champion of ${model} and serves everybody, whatever the evidence says. The log will say that a person did it.`;
    case 'rollback':
      return `${control} serves everybody and the experiment ends. Nobody gets ${version} any more.`;
    case 'abort':
      return kind === 'holdout'
        ? 'The comparison ends without a verdict. The holdout of the model stays until it is released.'
        : `The experiment ends without a verdict and ${control} serves everybody.`;
    case 'close':
      return `${variant} takes no unit any more, and its units get the control. The other arms go on, nobody else moves. It cannot be opened again.`;
    case 'weights':
      return 'Units that are not enrolled yet are dealt out by these weights. Nobody who is enrolled moves, and each stretch of time is compared within itself.';
    case 'redesign':
      return 'A new epoch begins: nothing of the evidence so far counts any more, and error rates begin anew. Units are dealt out anew where arms or steps change.';
  }
}
