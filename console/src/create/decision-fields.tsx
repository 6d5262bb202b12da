import type { ReactNode } from 'react';
import { binderOf, type PartProps } from './draft.js';
import { CheckField, ChoiceField, TextField } from './fields.js';

const ON_SUCCESS = [
  ['promote', 'promote by itself'],
  ['recommend', 'recommend only'],
] as const;

const ON_HARM = [
  ['rollback', 'roll back by itself'],
  ['recommend', 'recommend only'],
] as const;

const HOLD_OR_ROLLBACK = [
  ['hold', 'hold'],
  ['rollback', 'roll back'],
] as const;

/** What the policy may do by itself, and what it does when the data are in doubt. */
export function DecisionFields(part: PartProps): ReactNode {
  const to = binderOf(part);
  const { kind } = part.draft;
  return (
    <fieldset>
      <legend>Decisions</legend>
      <div className="form-row">
        <ChoiceField
          label="On success"
          at="/decision/onSuccess"
          options={ON_SUCCESS}
          {...to('onSuccess')}
        />
        <ChoiceField
          label="On harm"
          at="/decision/onDeterioration"
          options={ON_HARM}
          {...to('onDeterioration')}
        />
        <CheckField label="Dry run: say what would be decided, change nothing" {...to('dryRun')} />
      </div>
      <div className="form-row">
        <ChoiceField
          label="Split not as intended"
          at="/decision/onSampleRatioMismatch"
          options={HOLD_OR_ROLLBACK}
          {...to('onSampleRatioMismatch')}
        />
        <ChoiceField
          label="No data"
          at="/decision/onNoData"
          options={HOLD_OR_ROLLBACK}
          {...to('onNoData')}
        />
        <TextField label="… for longer than" at="/decision/noDataGrace" {...to('noDataGrace')} />
      </div>
      {kind !== 'holdout' && (
        <div className="form-row">
          <TextField
            label="Error rate at most"
            at="/decision/limits/errorRate"
            placeholder="0.25"
            hint="of a variant, whatever the control does; “none” switches it off"
            {...to('errorLimit')}
          />
          {kind !== 'shadow' && (
            <TextField
              label="Time-out rate at most"
              at="/decision/limits/timeoutRate"
              placeholder="0.25"
              hint="beyond it the variant is rolled back at once"
              {...to('timeoutLimit')}
            />
          )}
        </div>
      )}
    </fieldset>
  );
}
