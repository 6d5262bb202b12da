import type { ReactNode } from 'react';
import { binderOf, type PartProps } from './draft.js';
import { CheckField, TextField } from './fields.js';
import { StepFields } from './step-fields.js';

/** What only one kind has: steps, copies, periods. */
export function KindFields(part: PartProps): ReactNode {
  switch (part.draft.kind) {
    case 'ab':
      return null;
    case 'canary':
      return (
        <fieldset>
          <legend>Steps</legend>
          <StepFields at="/rollout" {...part} />
        </fieldset>
      );
    case 'shadow':
      return <ShadowFields {...part} />;
    case 'holdout':
      return (
        <fieldset>
          <legend>Periods</legend>
          <div className="form-row">
            <TextField
              label="Length of a period"
              at="/period"
              hint="each is compared by itself, so that a lift that wears off is seen"
              {...binderOf(part)('period')}
            />
          </div>
        </fieldset>
      );
  }
}

function ShadowFields(part: PartProps): ReactNode {
  const to = binderOf(part);
  const { hasNext } = part.draft;
  return (
    <>
      <fieldset>
        <legend>Copies</legend>
        <div className="form-row">
          <TextField
            label="Percent of the units"
            at="/mirror/percent"
            isNumber
            {...to('mirrorPercent')}
          />
          <TextField
            label="Time-out, ms"
            at="/mirror/timeoutMs"
            hint="a later answer is an error of the shadow"
            isNumber
            {...to('mirrorTimeoutMs')}
          />
          <CheckField label="copy POST, PUT, … too" {...to('mirrorUnsafe')} />
        </div>
        <p className="muted form-note">
          Only methods that change nothing are copied, unless the model is declared idempotent.
        </p>
      </fieldset>
      <fieldset>
        <legend>When it is ready</legend>
        <CheckField label="A canary with the same arms begins by itself" {...to('hasNext')} />
        {hasNext && (
          <>
            <div className="form-row">
              <TextField label="Name of the canary" at="/next/canary/name" {...to('nextName')} />
            </div>
            <StepFields at="/next/canary/rollout" {...part} />
          </>
        )}
      </fieldset>
    </>
  );
}
