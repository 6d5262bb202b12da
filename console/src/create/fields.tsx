import { createContext, type ReactNode, useContext, useId } from 'react';
import type { Defect } from '../api/types.js';
import { defectsAt } from './draft.js';

/** What the API says of the whole form; every field finds its own part. */
export const Defects = createContext<readonly Defect[]>([]);

interface FieldProps {
  readonly label: string;
  /** JSON pointer of the field in the posted body. */
  readonly at: string;
  readonly hint?: string;
  readonly children: (props: {
    readonly id: string;
    readonly 'aria-invalid': boolean;
    readonly 'aria-describedby': string;
  }) => ReactNode;
}

export function Field({ label, at, hint, children }: FieldProps): ReactNode {
  const id = useId();
  const defects = defectsAt(useContext(Defects), at);
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children({ id, 'aria-invalid': defects.length > 0, 'aria-describedby': `${id}-says` })}
      <small id={`${id}-says`} className={defects.length > 0 ? 'field-problem' : 'muted'}>
        {defects.length > 0 ? defects.map(wordsOf).join('; ') : (hint ?? '')}
      </small>
    </div>
  );
}

export function wordsOf({ expected, advice }: Defect): string {
  return [expected, advice].filter((text) => text !== undefined).join(': ');
}

interface TextProps {
  readonly label: string;
  readonly at: string;
  readonly hint?: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly isNumber?: boolean;
}

export function TextField({
  label,
  at,
  hint,
  value,
  onChange,
  isNumber = false,
}: TextProps): ReactNode {
  return (
    <Field label={label} at={at} {...(hint === undefined ? {} : { hint })}>
      {(props) => (
        <input
          {...props}
          value={value}
          autoComplete="off"
          spellCheck={false}
          {...(isNumber ? { inputMode: 'decimal' as const } : {})}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  );
}

interface ChoiceProps<T extends string> {
  readonly label: string;
  readonly at: string;
  readonly hint?: string;
  readonly value: T;
  readonly options: readonly (readonly [T, string])[];
  readonly onChange: (value: T) => void;
}

export function ChoiceField<T extends string>(props: ChoiceProps<T>): ReactNode {
  const { label, at, hint, value, options, onChange } = props;
  return (
    <Field label={label} at={at} {...(hint === undefined ? {} : { hint })}>
      {(aria) => (
        <select {...aria} value={value} onChange={(event) => onChange(event.target.value as T)}>
          {options.map(([option, text]) => (
            <option key={option} value={option}>
              {text}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

interface CheckProps {
  readonly label: string;
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
}

export function CheckField({ label, checked, onChange }: CheckProps): ReactNode {
  return (
    <label className="check-field">
      <input
        type="checkbox"
        checked={checked}
        onChange={(event) => onChange(event.target.checked)}
      />
      <span>{label}</span>
    </label>
  );
}
