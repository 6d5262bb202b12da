import { type ReactNode, useState } from 'react';
import { api, unwrap } from '../api/client.js';
import type { Model } from '../api/types.js';
import { refresh } from '../data/resource.js';
import { useScope } from '../data/session.js';
import { roundPercent } from '../format/number.js';
import { ReasonedDialog } from '../parts/reasoned-dialog.js';

/** Who is held out of a model, and the end of it. */
export function HoldoutOf({ model }: { readonly model: Model }): ReactNode {
  const [isAsking, setIsAsking] = useState(false);
  const { allowed, reason } = useScope('models:write');
  const { holdout, name } = model;
  if (holdout === undefined) return null;
  const { share, version } = holdout;
  const release = async (why: string): Promise<void> => {
    await unwrap(
      api.POST('/api/v1/models/{model}/holdout/release', {
        params: { path: { model: name } },
        body: { reason: why },
      }),
    );
    refresh(
      (topic) => topic === 'plan' || topic === 'decisions' || topic.startsWith('experiment:'),
    );
  };
  return (
    <div className="holdout-of">
      <span>
        <strong>{roundPercent(share)}</strong> of the units are held out and stay on{' '}
        <strong>{version}</strong>, whatever is promoted.
      </span>
      <button
        type="button"
        className="button"
        disabled={!allowed}
        {...(reason === null ? {} : { title: reason })}
        onClick={() => setIsAsking(true)}
      >
        Release…
      </button>
      {reason !== null && <small className="muted">{reason}</small>}
      {isAsking && (
        <ReasonedDialog
          title={`Release the holdout of ${name}`}
          label="Release"
          consequence="The held-out units get what everybody gets, and the experiment that compares them ends. The same units can never be held out again."
          onSend={release}
          onClose={() => setIsAsking(false)}
        />
      )}
    </div>
  );
}
