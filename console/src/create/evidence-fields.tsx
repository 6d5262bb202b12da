import type { ReactNode } from 'react';
import type { Draft } from './draft.js';
import { CheckField, ChoiceField, TextField } from './fields.js';

interface EvidenceProps {
  readonly draft: Draft;
  readonly onChange: (change: Partial<Draft>) => void;
}

const METHODS = [
  ['sequential', 'sequential'],
  ['group_sequential', 'group-sequential'],
  ['fixed', 'fixed'],
] as const;

const EFFECTS = [
  ['relative', 'relative'],
  ['absolute', 'absolute'],
] as const;

export function EvidenceFields({ draft, onChange }: EvidenceProps): ReactNode {
  return (
    <fieldset>
      <legend>Evidence</legend>
      <p className="muted">
        Sequential: look whenever you like. Group-sequential: fewer units, a planned end. Fixed: one
        look at the end.
      </p>
      <div className="form-row">
        <ChoiceField
          label="Method"
          at="/analysis/method"
          value={draft.method}
          options={METHODS}
          onChange={(method) => onChange({ method })}
        />
        <TextField
          label="Alpha"
          at="/analysis/alpha"
          hint="bound on a false promotion"
          value={draft.alpha}
          isNumber
          onChange={(alpha) => onChange({ alpha })}
        />
        <TextField
          label="Power"
          at="/analysis/power"
          value={draft.power}
          isNumber
          onChange={(power) => onChange({ power })}
        />
      </div>
      <div className="form-row">
        <TextField
          label="Smallest effect"
          at="/analysis/minimumDetectableEffect"
          value={draft.effect}
          isNumber
          onChange={(effect) => onChange({ effect })}
        />
        <ChoiceField
          label="Effect is"
          at="/analysis/effectKind"
          value={draft.effectKind}
          options={EFFECTS}
          onChange={(effectKind) => onChange({ effectKind })}
        />
        <TextField
          label="Planned units"
          at="/analysis/plannedUnits"
          hint="in both compared arms"
          value={draft.plannedUnits}
          isNumber
          onChange={(plannedUnits) => onChange({ plannedUnits })}
        />
        <TextField
          label="Minimum per arm"
          at="/analysis/minUnits"
          value={draft.minUnits}
          isNumber
          onChange={(minUnits) => onChange({ minUnits })}
        />
      </div>
      <TimeFields draft={draft} onChange={onChange} />
    </fieldset>
  );
}

function TimeFields({ draft, onChange }: EvidenceProps): ReactNode {
  return (
    <div className="form-row">
      <TextField
        label="Looks every"
        at="/analysis/interval"
        value={draft.interval}
        onChange={(interval) => onChange({ interval })}
      />
      <TextField
        label="Runs at least"
        at="/analysis/minRuntime"
        value={draft.minRuntime}
        onChange={(minRuntime) => onChange({ minRuntime })}
      />
      <TextField
        label="Runs at most"
        at="/analysis/maxRuntime"
        hint="then the incumbent stays"
        value={draft.maxRuntime}
        onChange={(maxRuntime) => onChange({ maxRuntime })}
      />
    </div>
  );
}

const ON_SUCCESS = [
  ['promote', 'promote by itself'],
  ['recommend', 'recommend only'],
] as const;

const ON_HARM = [
  ['rollback', 'roll back by itself'],
  ['recommend', 'recommend only'],
] as const;

export function DecisionFields({ draft, onChange }: EvidenceProps): ReactNode {
  return (
    <fieldset>
      <legend>Decisions</legend>
      <div className="form-row">
        <ChoiceField
          label="On success"
          at="/decision/onSuccess"
          value={draft.onSuccess}
          options={ON_SUCCESS}
          onChange={(onSuccess) => onChange({ onSuccess })}
        />
        <ChoiceField
          label="On harm"
          at="/decision/onDeterioration"
          value={draft.onDeterioration}
          options={ON_HARM}
          onChange={(onDeterioration) => onChange({ onDeterioration })}
        />
        <CheckField
          label="Dry run: say what would be decided, change nothing"
          checked={draft.dryRun}
          onChange={(dryRun) => onChange({ dryRun })}
        />
      </div>
    </fieldset>
  );
}
