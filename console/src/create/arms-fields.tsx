import type { ReactNode } from 'react';
import type { Model } from '../api/types.js';
import { binderOf, emptyVariant, type PartProps } from './draft.js';
import { ChoiceField, ListProblem, nameOptions, Rows, TextField } from './fields.js';

interface ArmsProps extends PartProps {
  readonly model: Model | null;
}

/** Which versions are compared; a holdout has the cohorts of its model. */
export function ArmFields({ model, ...part }: ArmsProps): ReactNode {
  const { draft, onChange } = part;
  const to = binderOf(part);
  const options = nameOptions((model?.versions ?? []).map(({ name }) => name));
  const isAb = draft.kind === 'ab';
  if (draft.kind === 'holdout') return <Cohorts model={model} />;
  const weight = (at: string, value: string, change: (weight: string) => void) =>
    isAb && <TextField label="Weight" at={at} value={value} isNumber onChange={change} />;
  return (
    <fieldset>
      <legend>Arms</legend>
      <div className={isAb ? '' : 'side-by-side'}>
        <div className="form-row">
          <ChoiceField
            label="Control"
            at="/variants/0/version"
            hint="what the others are compared with"
            options={options}
            {...to('control')}
          />
          {weight('/variants/0/weight', draft.controlWeight, to('controlWeight').onChange)}
          {isAb && (
            <TextField
              label="Coverage"
              at="/coverage"
              hint="share of units enrolled"
              isNumber
              {...to('coverage')}
            />
          )}
        </div>
        <Rows
          rows={draft.variants}
          at="/variants"
          what="variant"
          make={emptyVariant}
          least={1}
          canGrow={isAb}
          onChange={(variants) => onChange({ variants })}
        >
          {(row, index, change) => (
            <>
              <ChoiceField
                label={draft.variants.length > 1 ? `Variant ${index + 1}` : 'Variant'}
                at={`/variants/${index + 1}`}
                value={row.version}
                options={options}
                onChange={(version) => change({ version, name: version })}
              />
              {weight(`/variants/${index + 1}/weight`, row.weight, (next) =>
                change({ weight: next }),
              )}
            </>
          )}
        </Rows>
      </div>
    </fieldset>
  );
}

function Cohorts({ model }: { readonly model: Model | null }): ReactNode {
  const holdout = model?.holdout;
  return (
    <fieldset>
      <legend>Arms</legend>
      <p className={model !== null && holdout === undefined ? 'field-problem' : 'muted'}>
        {model === null && 'The cohorts of the model: choose one that has a holdout.'}
        {model !== null &&
          (holdout === undefined
            ? `${model.name} holds nobody out: PUT /api/v1/models/${model.name} with "holdout" first.`
            : `${(holdout.share * 100).toString()} % of the units stay on ${holdout.version}; as many others are compared with them.`)}
      </p>
      <ListProblem at="/variants" />
    </fieldset>
  );
}
