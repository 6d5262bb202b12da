import { type ReactNode, useState } from 'react';
import type { Decision, DecisionLog } from '../api/types.js';
import type { Cell } from '../charts/csv.js';
import { clock, moment } from '../format/time.js';
import { Chip, type Tone } from '../parts/chip.js';

const TONES: Readonly<Partial<Record<Decision['kind'], Tone>>> = {
  promote: 'good',
  rollback: 'bad',
  error: 'bad',
  abort: 'caution',
  inconclusive: 'caution',
  advance: 'accent',
};

export function toneOfKind(kind: Decision['kind']): Tone {
  return TONES[kind] ?? 'calm';
}

/** As many as one looks through; the rest on demand. */
const SHOWN = 12;

/** Every decision, the newest first; each opens its reasons. */
export function DecisionsLog({
  log,
  onWhy,
}: {
  readonly log: DecisionLog;
  readonly onWhy: (number: number) => void;
}): ReactNode {
  const [isWhole, setIsWhole] = useState(false);
  const newest = log.decisions.toReversed();
  const shown = isWhole ? newest : newest.slice(0, SHOWN);
  if (log.decisions.length === 0) return <p className="muted">Nothing has been decided yet.</p>;
  return (
    <>
      <ol className="log" reversed>
        {shown.map((decision) => (
          <li key={decision.number}>
            <time dateTime={new Date(decision.atMs).toISOString()} title={moment(decision.atMs)}>
              {clock(decision.atMs)}
            </time>
            <Chip tone={toneOfKind(decision.kind)}>{decision.kind}</Chip>
            <span className="log-text">
              {decision.summary}
              <span className="muted"> {decision.automatic ? '' : `by ${decision.actor}`}</span>
            </span>
            <button
              type="button"
              className="plain-button"
              onClick={() => onWhy(decision.number)}
              aria-label={`Why decision ${decision.number}, ${decision.kind}?`}
            >
              Why?
            </button>
          </li>
        ))}
      </ol>
      {shown.length < newest.length && (
        <button type="button" className="button log-more" onClick={() => setIsWhole(true)}>
          Show all {newest.length}
        </button>
      )}
      <p className="muted">
        {log.chain.intact
          ? `The hash chain of these ${log.decisions.length} decisions is intact: none was changed or left out since.`
          : `The hash chain is broken at decision ${log.chain.firstBroken ?? '?'}.`}
      </p>
    </>
  );
}

export function logRows({ decisions }: DecisionLog): readonly (readonly Cell[])[] {
  const head = [
    'number',
    'at',
    'kind',
    'automatic',
    'actor',
    'summary',
    'report',
    'config_version',
    'hash',
  ];
  return [
    head,
    ...decisions.map((decision): readonly Cell[] => [
      ...[decision.number, new Date(decision.atMs).toISOString(), decision.kind],
      ...[String(decision.automatic), decision.actor, decision.summary],
      ...[decision.reportNumber, decision.configVersion, decision.hash],
    ]),
  ];
}
