import type { ReactNode } from 'react';
import { setParameter } from '../router/route.js';

interface PickerProps {
  readonly label: string;
  /** Where the choice is kept in the address. */
  readonly parameter: string;
  /** Values, with words where a value alone does not say it. */
  readonly options: readonly (string | readonly [string, string])[];
  readonly shown: string;
}

/** Chooses what a section shows; the address then says so, too. */
export function Picker({ label, parameter, options, shown }: PickerProps): ReactNode {
  return (
    <label className="picker">
      <span>{label}</span>
      <select value={shown} onChange={(event) => setParameter(parameter, event.target.value)}>
        {options.map((option) => {
          const [value, words] = typeof option === 'string' ? [option, option] : option;
          return (
            <option key={value} value={value}>
              {words}
            </option>
          );
        })}
      </select>
    </label>
  );
}
