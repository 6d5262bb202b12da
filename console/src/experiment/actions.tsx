import { type FocusEvent, type ReactNode, useState } from 'react';
import type { Experiment } from '../api/types.js';
import { useScope } from '../data/session.js';
import { VerbDialog } from './verb-dialog.js';
import { labelOf, type Verb, verbsOf } from './verbs.js';

/** What moves an experiment on as it was planned; everything else overrules the plan and does not ask for a click. */
const GOES_ON: readonly Verb[] = ['start', 'resume', 'approve'];

interface ActionsProps {
  readonly experiment: Experiment;
  /** What the policy would do and leaves to a person. */
  readonly recommended: Verb | null;
}

/** A menu closes when the focus goes elsewhere on the page; a dialog over the page gives it back. */
function closeBehind({ currentTarget, relatedTarget }: FocusEvent<HTMLDetailsElement>): void {
  if (relatedTarget === null || currentTarget.contains(relatedTarget)) return;
  if (relatedTarget.closest('dialog') === null) currentTarget.open = false;
}

/** What a person may do now. Each verb asks for a reason and says what it will do before it does it. */
export function Actions({ experiment, recommended }: ActionsProps): ReactNode {
  const [verb, setVerb] = useState<Verb | null>(null);
  const { allowed, reason } = useScope('experiments:write');
  const { usual, more } = verbsOf(experiment);
  if (usual.length + more.length === 0) return null;
  const button = (known: Verb): ReactNode => (
    <button
      key={known}
      type="button"
      className={`button ${GOES_ON.includes(known) || known === recommended ? 'button-first' : ''}`}
      disabled={!allowed}
      {...(reason === null ? {} : { title: reason, 'aria-describedby': 'no-scope' })}
      onClick={() => setVerb(known)}
    >
      {labelOf(known, experiment)}…
    </button>
  );
  return (
    <div className="actions" role="group" aria-label="Actions">
      {usual.map(button)}
      {more.length > 0 && (
        <details className="more" onBlur={closeBehind}>
          <summary className="button">More</summary>
          <div className="more-verbs">{more.map(button)}</div>
        </details>
      )}
      {reason !== null && (
        <small id="no-scope" className="muted">
          {reason}
        </small>
      )}
      {verb !== null && (
        <VerbDialog
          experiment={experiment}
          verb={verb}
          isRecommended={verb === recommended}
          onClose={() => setVerb(null)}
        />
      )}
    </div>
  );
}
