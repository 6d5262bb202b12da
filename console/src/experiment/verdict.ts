import type { Decision, Experiment, Standing } from '../api/types.js';
import type { Tone } from '../parts/chip.js';

export interface Verdict {
  readonly tone: Tone;
  readonly headline: string;
  /** The reason in the words of the decision itself. */
  readonly reason: string;
  /** The log entry that it comes from; null for a present state. */
  readonly decision: number | null;
  readonly next: string;
}

/** What the policy's codes mean for somebody who looks at a running experiment. */
const RUNNING: Readonly<Record<string, readonly [Tone, string]>> = {
  too_few_units: ['calm', 'Too early to say'],
  no_data: ['caution', 'Nobody has been enrolled yet'],
  step_time: ['calm', 'On the way: this step is not over yet'],
  step_units: ['calm', 'On the way: this step needs more units'],
  awaiting_approval: ['accent', 'Waiting for approval'],
  minimum_runtime: ['calm', 'On the way: minimum runtime not reached'],
  guardrail_not_shown: ['calm', 'Not promotable yet: a guardrail is not shown'],
  not_yet_superior: ['calm', 'Not shown to be better yet'],
  promotion_recommended: ['good', 'Promotion recommended'],
  rollback_recommended: ['bad', 'Rollback recommended'],
  sample_ratio_mismatch: ['bad', 'Held: the split is not as intended'],
  multiple_exposure: ['bad', 'Held: units met two variants'],
  events_dropped: ['bad', 'Held: events were lost'],
  backlog: ['caution', 'Held: events are still coming in'],
  analysis_failed: ['bad', 'The analysis fails'],
  paused: ['caution', 'Paused by a person'],
  champion_changed: ['caution', 'Held: another champion took over'],
  baking: ['good', 'Good enough to promote: it must stay so for a while'],
  control_unhealthy: ['bad', 'Held: the control is not well'],
  copies_dropped: ['caution', 'Held: too many requests were not copied'],
  copies_failed: ['caution', 'Held: too many copies failed'],
  values_missing: ['caution', 'Held: values are missing on one side'],
  no_pairs: ['caution', 'No request has been answered by both yet'],
  stale: ['caution', 'Held: no new copies'],
  period_over: ['calm', 'Watching what was shipped'],
  observing: ['calm', 'Watching what was shipped'],
  shipped_is_worse: ['bad', 'What was shipped is worse than the status quo'],
  cumulative_lift_fell: ['caution', 'The lift fell after a promotion'],
};

/** Where an experiment stands, in one headline and one reason. */
export function verdictOf(
  experiment: Experiment,
  decisions: readonly Decision[],
  standing: Standing | null,
): Verdict {
  const last = decisions.at(-1) ?? null;
  switch (experiment.status) {
    case 'draft':
      return {
        ...{ tone: 'calm', headline: 'Not started', decision: null },
        reason: 'It is a draft: no unit is enrolled and everything can still be changed.',
        next: 'Starting it freezes its design and enrols the first units.',
      };
    case 'running':
    case 'paused':
      return running(experiment, last, standing);
    case 'completed':
    case 'rolled_back':
    case 'aborted':
      return ended(experiment, last);
  }
}

/** What a look may lead to. */
const NEXT: Readonly<Record<Experiment['kind'], string>> = {
  ab: 'It decides again at every look: harm rolls back at once, evidence promotes.',
  canary: 'It decides again at every look: harm rolls back at once, evidence moves it on.',
  shadow:
    'It decides again at every look: harm ends it, evidence makes the version ready for a canary.',
  holdout:
    'It looks on for as long as it runs, and says when what was shipped is no longer better.',
};

function running(
  experiment: Experiment,
  last: Decision | null,
  standing: Standing | null,
): Verdict {
  const now = standing?.decision ?? null;
  const isPaused = experiment.status === 'paused';
  const next = isPaused
    ? 'Only harm is acted on until somebody resumes it.'
    : NEXT[experiment.kind];
  if (now === null) {
    return {
      ...{ tone: isPaused ? 'caution' : 'calm', decision: last?.number ?? null, next },
      headline: isPaused ? 'Paused by a person' : 'Waiting for the first report',
      reason: last?.summary ?? '',
    };
  }
  const known = RUNNING[now.code];
  const [tone, headline] = known ?? ['calm', `Next: ${now.kind}`];
  return { tone, headline, reason: now.summary, decision: last?.number ?? null, next };
}

function ended(experiment: Experiment, last: Decision | null): Verdict {
  const reason = last?.summary ?? '';
  const decision = last?.number ?? null;
  const variant = variantOf(experiment, last);
  const control = experiment.design?.variants.find((known) => known.control);
  const incumbent = control?.version ?? 'the control';
  if (last?.kind === 'promote') {
    const next = `${variant} became champion of ${experiment.model}: everybody got it from then on.`;
    return { tone: 'good', headline: `${variant} was promoted`, reason, decision, next };
  }
  if (experiment.kind === 'shadow') return endedShadow(experiment, last, { reason, decision });
  if (experiment.status === 'rolled_back') {
    const next = `Everybody got ${incumbent} again, and nobody ${variant}.`;
    return { tone: 'bad', headline: `${variant} was rolled back`, reason, decision, next };
  }
  if (experiment.status === 'completed') {
    const next = `${incumbent} stays champion: absence of evidence never promotes.`;
    return { tone: 'caution', headline: 'No verdict', reason, decision, next };
  }
  const next = `Everybody got ${incumbent} again.`;
  return { tone: 'caution', headline: 'Stopped by a person', reason, decision, next };
}

/** The best that a shadow can say is that its version may meet people. */
function endedShadow(
  experiment: Experiment,
  last: Decision | null,
  said: Pick<Verdict, 'reason' | 'decision'>,
): Verdict {
  const variant = variantOf(experiment, last);
  if (last?.reasons.code === 'ready_for_canary') {
    const next = 'A canary shows what a shadow cannot: how people react to its answers.';
    return { ...said, tone: 'good', headline: `${variant} is ready for a canary`, next };
  }
  const next = `Nobody ever got an answer of ${variant}.`;
  if (experiment.status === 'rolled_back') {
    return { ...said, tone: 'bad', headline: `${variant} is not ready`, next };
  }
  const headline =
    experiment.status === 'aborted' ? 'Stopped by a person' : 'Not shown to be ready';
  return { ...said, tone: 'caution', headline, next };
}

/** The version behind the variant that a decision names, or all that were tried. */
function variantOf({ design }: Experiment, last: Decision | null): string {
  const tried = design?.variants.filter(({ control }) => !control) ?? [];
  const named = tried.find(({ name }) => name === last?.reasons.variant);
  return named?.version ?? tried.map(({ version }) => version).join(' and ');
}
