import type { Experiment } from '../api/types.js';

export type Verb =
  'start' | 'pause' | 'resume' | 'advance' | 'approve' | 'promote' | 'rollback' | 'abort';

export const LABELS: Readonly<Record<Verb, string>> = {
  start: 'Start',
  pause: 'Pause',
  resume: 'Resume',
  advance: 'Advance',
  approve: 'Approve',
  promote: 'Promote',
  rollback: 'Roll back',
  abort: 'Abort',
};

/** The verbs that a status allows, the most likely one first. The server has the last word. */
export function verbsOf({ status, kind, design, rollout }: Experiment): readonly Verb[] {
  const hasRollout = kind === 'ab' || kind === 'canary';
  if (!hasRollout) return verbsWithoutRollout(status);
  const step = rollout === null ? undefined : design?.steps[rollout.step];
  const isAwaiting = step?.hold.approval === true && rollout?.approvedStep !== rollout?.step;
  const approve: readonly Verb[] = isAwaiting ? ['approve'] : [];
  const hasNext = (rollout?.step ?? 0) + 1 < (design?.steps.length ?? 0) - 1;
  switch (status) {
    case 'draft':
      return ['start'];
    case 'running':
      return [
        ...approve,
        'promote',
        'rollback',
        ...(hasNext ? (['advance'] as const) : []),
        'pause',
        'abort',
      ];
    case 'paused':
      return ['resume', ...approve, 'promote', 'rollback', 'abort'];
    default:
      return [];
  }
}

/** A shadow or a holdout gives nobody another version, so there is nothing to promote or to roll back. */
function verbsWithoutRollout(status: Experiment['status']): readonly Verb[] {
  switch (status) {
    case 'draft':
      return ['start'];
    case 'running':
      return ['pause', 'abort'];
    case 'paused':
      return ['resume', 'abort'];
    default:
      return [];
  }
}

/** What a verb will do, before it is done. */
export function consequenceOf(verb: Verb, { design, model }: Experiment, variant: string): string {
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
      return 'The next step begins at once, whatever the present one was still waiting for. More units get the variant.';
    case 'approve':
      return 'The present step may be left as soon as its other conditions are met.';
    case 'promote':
      return `${version} becomes champion of ${model} and serves everybody, whatever the evidence says. The log will say that a person did it.`;
    case 'rollback':
      return `${control} serves everybody and the experiment ends. Nobody gets ${version} any more.`;
    case 'abort':
      return `The experiment ends without a verdict and ${control} serves everybody.`;
  }
}
