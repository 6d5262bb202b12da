import type { ReactNode } from 'react';
import type { Model } from '../api/types.js';
import { binderOf, type Condition, emptyPredicate, type PartProps } from './draft.js';
import { CheckField, ChoiceField, nameOptions, Rows, TextField } from './fields.js';

const CONDITIONS: readonly (readonly [Condition, string])[] = [
  ['equals', 'is'],
  ['in', 'is one of'],
  ['prefix', 'begins with'],
  ['range', 'is a number in'],
  ['semver', 'is a version in'],
];

const HINTS: Readonly<Record<Condition, string>> = {
  equals: 'a text, 7 or true',
  in: 'between commas',
  prefix: 'a text',
  range: 'from',
  semver: 'from, as 2.10.0',
};

interface AudienceProps extends PartProps {
  readonly model: Model | null;
}

/** Who takes part, and with which other experiments no unit is shared. */
export function AudienceFields({ model, ...part }: AudienceProps): ReactNode {
  const { draft, onChange } = part;
  const attributes = Object.keys(model?.attributes ?? {});
  return (
    <fieldset>
      <legend>Who takes part</legend>
      <p className="muted form-note">
        {draft.audience.length === 0
          ? 'Everybody. Conditions narrow it to requests with these attributes.'
          : 'Requests for which all of these hold; all others get the champion.'}
        {model !== null && attributes.length === 0 && ' This model has no attributes yet.'}
      </p>
      <Rows
        rows={draft.audience}
        at="/audience"
        what="condition"
        make={emptyPredicate}
        onChange={(audience) => onChange({ audience })}
      >
        {({ attribute, condition, not, value, end }, index, change) => (
          <>
            <ChoiceField
              label="Attribute"
              at={`/audience/${index}/attribute`}
              value={attribute}
              options={nameOptions(attributes)}
              onChange={(next) => change({ attribute: next })}
            />
            <ChoiceField
              label="Condition"
              at={`/audience/${index}/condition`}
              value={condition}
              options={CONDITIONS}
              onChange={(next) => change({ condition: next })}
            />
            <TextField
              label="Value"
              at={`/audience/${index}/${condition}`}
              hint={HINTS[condition]}
              value={value}
              onChange={(next) => change({ value: next })}
            />
            {(condition === 'range' || condition === 'semver') && (
              <TextField
                label="Below"
                at={`/audience/${index}/${condition}/below`}
                value={end}
                onChange={(next) => change({ end: next })}
              />
            )}
            <CheckField label="not" value={not} onChange={(next) => change({ not: next })} />
          </>
        )}
      </Rows>
      <LayerFields {...part} />
    </fieldset>
  );
}

/** Only what takes units of its own has a layer. */
function LayerFields(part: PartProps): ReactNode {
  const to = binderOf(part);
  const { kind } = part.draft;
  if (kind !== 'ab' && kind !== 'canary') return null;
  return (
    <div className="form-row form-gap">
      <TextField
        label="Layer"
        at="/layer"
        hint="experiments of one layer share no unit; empty: none"
        {...to('layer')}
      />
      <TextField
        label="Share of the layer"
        at="/layer/share"
        hint="empty: all that is free"
        isNumber
        {...to('layerShare')}
      />
    </div>
  );
}
