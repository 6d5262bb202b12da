import { type ReactNode, useId } from 'react';
import type { Row } from './draft.js';
import { useDefectsAt, wordsOf } from './form-defects.js';

interface LabelProps {
  readonly label: string;
  /** JSON pointer of the field in the posted body. */
  readonly at: string;
  readonly hint?: string | undefined;
}

interface FieldProps extends LabelProps {
  readonly children: (props: {
    readonly id: string;
    readonly 'aria-invalid': boolean;
    readonly 'aria-describedby': string;
  }) => ReactNode;
}

function Field({ label, at, hint, children }: FieldProps): ReactNode {
  const id = useId();
  const defects = useDefectsAt(at);
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

interface TextProps extends LabelProps {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly isNumber?: boolean;
  readonly placeholder?: string;
}

export function TextField({
  value,
  onChange,
  isNumber,
  placeholder,
  ...rest
}: TextProps): ReactNode {
  return (
    <Field {...rest}>
      {(props) => (
        <input
          {...props}
          value={value}
          autoComplete="off"
          spellCheck={false}
          {...(placeholder === undefined ? {} : { placeholder })}
          {...(isNumber === true ? { inputMode: 'decimal' as const } : {})}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  );
}

/** A value and how it reads; texts alone stand for both. */
type Option<T extends string> = readonly [T, string];

interface ChoiceProps<T extends string> extends LabelProps {
  readonly value: T;
  readonly options: readonly Option<T>[];
  readonly onChange: (value: T) => void;
}

export function ChoiceField<T extends string>(props: ChoiceProps<T>): ReactNode {
  const { value, options, onChange, ...rest } = props;
  return (
    <Field {...rest}>
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

/** A choice among names that the API knows, with nothing chosen at first. */
export function nameOptions(names: readonly string[]): readonly Option<string>[] {
  return [['', 'choose'], ...names.map((name) => [name, name] as const)];
}

interface CheckProps {
  readonly label: string;
  readonly value: boolean;
  readonly onChange: (checked: boolean) => void;
}

export function CheckField({ label, value, onChange }: CheckProps): ReactNode {
  return (
    <label className="check-field">
      <input type="checkbox" checked={value} onChange={(event) => onChange(event.target.checked)} />
      <span>{label}</span>
    </label>
  );
}

/** What is wrong with a list as a whole, for example that it is too short. */
export function ListProblem({ at }: { readonly at: string }): ReactNode {
  const defects = useDefectsAt(at, 'exact');
  if (defects.length === 0) return null;
  return (
    <p className="field-problem" role="alert">
      {defects.map(wordsOf).join('; ')}
    </p>
  );
}

interface RowsProps<T extends Row> {
  readonly rows: readonly T[];
  /** JSON pointer of the list. */
  readonly at: string;
  /** One of them, in words: `step`, `metric`. */
  readonly what: string;
  readonly make: () => T;
  /** Rows that cannot be taken away. */
  readonly least?: number;
  /** False: the list has its length. */
  readonly canGrow?: boolean;
  readonly className?: string;
  readonly onChange: (rows: readonly T[]) => void;
  readonly children: (row: T, index: number, change: (to: Partial<T>) => void) => ReactNode;
}

/** A list of which rows are added and removed. */
export function Rows<T extends Row>(props: RowsProps<T>): ReactNode {
  const { rows, at, what, make, least = 0, canGrow = true, className, onChange, children } = props;
  const change = (id: number) => (to: Partial<T>) =>
    onChange(rows.map((row) => (row.id === id ? { ...row, ...to } : row)));
  return (
    <div className={className}>
      {rows.map((row, index) => (
        <div className="form-row" key={row.id}>
          {children(row, index, change(row.id))}
          {canGrow && (
            <button
              type="button"
              className="plain-button row-end"
              disabled={rows.length <= least}
              aria-label={`Remove ${what} ${index + 1}`}
              title={`Remove this ${what}`}
              onClick={() => onChange(rows.filter(({ id }) => id !== row.id))}
            >
              ✕
            </button>
          )}
        </div>
      ))}
      <ListProblem at={at} />
      {canGrow && (
        <button type="button" className="button" onClick={() => onChange([...rows, make()])}>
          Add a {what}
        </button>
      )}
    </div>
  );
}
