import type { ReactNode } from 'react';
import type { Model } from '../api/types.js';
import { type Draft, type DraftStep, type DraftVariant, emptyStep, emptyVariant } from './draft.js';
import { CheckField, ChoiceField, TextField } from './fields.js';

interface ArmsProps {
  readonly draft: Draft;
  readonly models: readonly Model[];
  readonly onChange: (change: Partial<Draft>) => void;
}

const KINDS = [
  ['canary', 'canary'],
  ['ab', 'A/B test'],
] as const;

export function WhatFields({ draft, models, onChange }: ArmsProps): ReactNode {
  const choose = (name: string): void => {
    const model = models.find((known) => known.name === name);
    onChange({ model: name, control: model?.champion ?? '', variants: [emptyVariant()] });
  };
  return (
    <fieldset>
      <legend>What is tried</legend>
      <div className="form-row">
        <TextField
          label="Name"
          at="/name"
          hint="a-z, 0-9, hyphen"
          value={draft.name}
          onChange={(name) => onChange({ name })}
        />
        <ChoiceField
          label="Model"
          at="/model"
          value={draft.model}
          options={[['', 'choose'], ...models.map(({ name }) => [name, name] as const)]}
          onChange={choose}
        />
        <ChoiceField
          label="Kind"
          at="/kind"
          value={draft.kind}
          options={KINDS}
          onChange={(kind) => onChange({ kind })}
        />
      </div>
      <TextField
        label="Hypothesis"
        at="/hypothesis"
        hint="What should be better, and why; people read it on the results page"
        value={draft.hypothesis}
        onChange={(hypothesis) => onChange({ hypothesis })}
      />
    </fieldset>
  );
}

export function ArmFields({ draft, models, onChange }: ArmsProps): ReactNode {
  const versions = models.find(({ name }) => name === draft.model)?.versions ?? [];
  const options = [['', 'choose'], ...versions.map(({ name }) => [name, name] as const)] as const;
  const isAb = draft.kind === 'ab';
  const change = (id: number, to: Partial<DraftVariant>): void =>
    onChange({ variants: draft.variants.map((row) => (row.id === id ? { ...row, ...to } : row)) });
  return (
    <fieldset>
      <legend>Arms</legend>
      <div className="form-row">
        <ChoiceField
          label="Control"
          at="/variants/0/version"
          hint="what the others are compared with"
          value={draft.control}
          options={options}
          onChange={(control) => onChange({ control })}
        />
        {isAb && (
          <TextField
            label="Weight"
            at="/variants/0/weight"
            value={draft.controlWeight}
            isNumber
            onChange={(controlWeight) => onChange({ controlWeight })}
          />
        )}
        {isAb && (
          <TextField
            label="Coverage"
            at="/coverage"
            hint="share of units enrolled"
            value={draft.coverage}
            isNumber
            onChange={(coverage) => onChange({ coverage })}
          />
        )}
      </div>
      {draft.variants.map(({ id, version, weight }, index) => (
        <div className="form-row" key={id}>
          <ChoiceField
            label={draft.variants.length > 1 ? `Variant ${index + 1}` : 'Variant'}
            at={`/variants/${index + 1}`}
            value={version}
            options={options}
            onChange={(next) => change(id, { version: next, name: next })}
          />
          {isAb && (
            <TextField
              label="Weight"
              at={`/variants/${index + 1}/weight`}
              value={weight}
              isNumber
              onChange={(next) => change(id, { weight: next })}
            />
          )}
        </div>
      ))}
      {isAb && (
        <button
          type="button"
          className="button"
          onClick={() => onChange({ variants: [...draft.variants, emptyVariant()] })}
        >
          Add a variant
        </button>
      )}
    </fieldset>
  );
}

export function StepFields({ draft, onChange }: Omit<ArmsProps, 'models'>): ReactNode {
  if (draft.kind === 'ab') return null;
  const { steps } = draft;
  const change = (id: number, to: Partial<DraftStep>): void =>
    onChange({ steps: steps.map((row) => (row.id === id ? { ...row, ...to } : row)) });
  return (
    <fieldset>
      <legend>Steps</legend>
      <p className="muted">
        Each holds for its time and its units, and for an approval if it asks for one.
      </p>
      {steps.map(({ id, coverage, duration, minUnits, approval }, index) => (
        <div className="form-row" key={id}>
          <TextField
            label="Coverage"
            at={`/rollout/steps/${index}/coverage`}
            value={coverage}
            isNumber
            onChange={(next) => change(id, { coverage: next })}
          />
          <TextField
            label="Holds"
            at={`/rollout/steps/${index}/hold/duration`}
            value={duration}
            onChange={(next) => change(id, { duration: next })}
          />
          <TextField
            label="Units per arm"
            at={`/rollout/steps/${index}/hold/minUnits`}
            value={minUnits}
            isNumber
            onChange={(next) => change(id, { minUnits: next })}
          />
          <CheckField
            label="needs approval"
            checked={approval}
            onChange={(next) => change(id, { approval: next })}
          />
          <button
            type="button"
            className="plain-button row-end"
            aria-label={`Remove step ${index + 1}`}
            onClick={() => onChange({ steps: steps.filter((row) => row.id !== id) })}
          >
            Remove
          </button>
        </div>
      ))}
      <button
        type="button"
        className="button"
        onClick={() => onChange({ steps: [...steps, emptyStep('', '1h')] })}
      >
        Add a step
      </button>
    </fieldset>
  );
}
