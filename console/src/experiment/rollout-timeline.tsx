import type { ReactNode } from 'react';
import type { Decision, Design, Experiment } from '../api/types.js';
import { count, roundPercent } from '../format/number.js';
import { clock, moment, span } from '../format/time.js';

interface RolloutTimelineProps {
  readonly experiment: Experiment;
  readonly design: Design;
  readonly decisions: readonly Decision[];
}

/** The steps of a canary: what was, what is, what would come. */
export function RolloutTimeline({
  experiment,
  design,
  decisions,
}: RolloutTimelineProps): ReactNode {
  const { rollout, status } = experiment;
  if (design.steps.length === 0 || rollout === null) {
    return <p className="muted">One stretch at constant coverage: an A/B test has no steps.</p>;
  }
  const wasPromoted = decisions.some(({ kind }) => kind === 'promote');
  const isGoing = status === 'running' || status === 'paused';
  return (
    <ol className="timeline">
      {design.steps.map((step, index) => {
        const isLast = index === design.steps.length - 1;
        const isReached = index <= rollout.step || (isLast && wasPromoted);
        const phase = rollout.phases.findLast(({ coverage }) => coverage === step.coverage);
        const state = stateOf({ index, at: rollout.step, isGoing, isReached, wasPromoted });
        return (
          <li key={step.coverage} className={`step step-${state}`}>
            <span className="step-bar" aria-hidden="true" />
            <strong>{roundPercent(step.coverage)}</strong>
            <span className="step-state">{WORDS[state]}</span>
            <small>{holdWords(step.hold)}</small>
            {phase !== undefined && index <= rollout.step && (
              <small title={moment(phase.startedAtMs)}>since {clock(phase.startedAtMs)}</small>
            )}
            {rollout.approvedStep === index && <small>approved</small>}
          </li>
        );
      })}
    </ol>
  );
}

const WORDS = {
  done: 'done',
  now: 'now',
  ended: 'ended here',
  skipped: 'passed by promotion',
  ahead: 'ahead',
  never: 'not reached',
} as const;

function stateOf({
  index,
  at,
  isGoing,
  isReached,
  wasPromoted,
}: {
  readonly index: number;
  readonly at: number;
  readonly isGoing: boolean;
  readonly isReached: boolean;
  readonly wasPromoted: boolean;
}): keyof typeof WORDS {
  if (index < at) return 'done';
  if (index === at && isGoing) return 'now';
  if (isReached && wasPromoted) return 'done';
  if (index === at) return 'ended';
  if (isGoing) return 'ahead';
  return wasPromoted ? 'skipped' : 'never';
}

function holdWords({ durationMs, minUnits, approval }: Design['steps'][number]['hold']): string {
  const parts = [
    ...(durationMs > 0 ? [`holds ${span(durationMs)}`] : []),
    ...(minUnits > 0 ? [`${count(minUnits)} units per arm`] : []),
    ...(approval ? ['needs approval'] : []),
  ];
  return parts.length === 0 ? 'no hold' : parts.join(', ');
}
