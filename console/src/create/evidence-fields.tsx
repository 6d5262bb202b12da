import type { ReactNode } from 'react';
import { binderOf, type PartProps } from './draft.js';
import { ChoiceField, TextField } from './fields.js';

const METHODS = [
  ['sequential', 'sequential'],
  ['group_sequential', 'group-sequential'],
  ['fixed', 'fixed'],
] as const;

const EFFECTS = [
  ['relative', 'of the control'],
  ['absolute', 'in its own unit'],
] as const;

export function EvidenceFields(part: PartProps): ReactNode {
  const to = binderOf(part);
  return (
    <fieldset>
      <legend>Evidence</legend>
      <p className="muted form-note">
        Sequential: look whenever you like. Group-sequential: fewer units, a planned end. Fixed: one
        look at the end.
      </p>
      <div className="form-row">
        <ChoiceField label="Method" at="/analysis/method" options={METHODS} {...to('method')} />
        <TextField
          label="Alpha"
          at="/analysis/alpha"
          hint="bound on a false promotion"
          isNumber
          {...to('alpha')}
        />
        <TextField label="Power" at="/analysis/power" isNumber {...to('power')} />
      </div>
      <div className="form-row">
        <TextField
          label="Smallest effect"
          at="/analysis/minimumDetectableEffect"
          hint="that matters"
          isNumber
          {...to('effect')}
        />
        <ChoiceField
          label="Effect is"
          at="/analysis/effectKind"
          options={EFFECTS}
          {...to('effectKind')}
        />
        <TextField
          label="Planned units"
          at="/analysis/plannedUnits"
          hint="in both compared arms"
          isNumber
          {...to('plannedUnits')}
        />
        <TextField label="Minimum per arm" at="/analysis/minUnits" isNumber {...to('minUnits')} />
      </div>
      <div className="form-row">
        <TextField label="Looks every" at="/analysis/interval" {...to('interval')} />
        <TextField label="Runs at least" at="/analysis/minRuntime" {...to('minRuntime')} />
        <TextField
          label="Runs at most"
          at="/analysis/maxRuntime"
          hint="then the incumbent stays"
          {...to('maxRuntime')}
        />
      </div>
    </fieldset>
  );
}
