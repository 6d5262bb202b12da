import type { ReactNode } from 'react';
import type { Model } from '../api/types.js';
import { binderOf, emptyVariant, type Kind, type PartProps } from './draft.js';
import { ChoiceField, nameOptions, TextField } from './fields.js';

const KINDS = [
  ['canary', 'canary'],
  ['ab', 'A/B test'],
  ['shadow', 'shadow'],
  ['holdout', 'holdout'],
] as const;

/** What somebody has to know to choose. */
const MEANINGS: Readonly<Record<Kind, string>> = {
  canary: 'A growing share of the units gets the new version, step by step, while it does no harm.',
  ab: 'Fixed shares of the units get the versions until one is shown to be better.',
  shadow: 'The new version answers copies of requests. Nobody sees its answers.',
  holdout:
    'The units that the model holds out are compared with those who get what is shipped: did everything together help?',
};

interface WhatProps extends PartProps {
  readonly models: readonly Model[];
}

export function WhatFields({ models, ...part }: WhatProps): ReactNode {
  const { draft, onChange } = part;
  const to = binderOf(part);
  const choose = (model: string): void =>
    onChange({ model, control: '', variants: [emptyVariant()] });
  const chooseKind = (kind: Kind): void =>
    onChange({ kind, variants: kind === 'ab' ? draft.variants : draft.variants.slice(0, 1) });
  return (
    <fieldset>
      <legend>What is tried</legend>
      <div className="form-row">
        <TextField label="Name" at="/name" hint="a-z, 0-9, hyphen" {...to('name')} />
        <ChoiceField
          label="Model"
          at="/model"
          value={draft.model}
          options={nameOptions(models.map(({ name }) => name))}
          onChange={choose}
        />
        <ChoiceField
          label="Kind"
          at="/kind"
          value={draft.kind}
          options={KINDS}
          onChange={chooseKind}
        />
      </div>
      <p className="muted form-note">{MEANINGS[draft.kind]}</p>
      <TextField
        label="Hypothesis"
        at="/hypothesis"
        hint="What should be better, and why; people read it on the results page"
        {...to('hypothesis')}
      />
    </fieldset>
  );
}
