import type { ReactNode } from 'react';
import type { Experiment } from '../api/types.js';

/** What may change in a new epoch; another name, model or kind is another experiment. */
const FIELDS = [
  'analysis',
  'metrics',
  'decision',
  'rollout',
  'audience',
  'variants',
  'coverage',
  'mirror',
  'period',
  'hypothesis',
] as const;

/** A field of the definition and what it shall be, as JSON. */
export interface RedesignDraft {
  readonly definition: Readonly<Record<string, unknown>>;
  readonly field: string;
  readonly text: string;
}

export function emptyRedesign({ definition }: Experiment): RedesignDraft {
  const known = definition as Readonly<Record<string, unknown>>;
  return { definition: known, field: 'analysis', text: jsonOf(known['analysis']) };
}

/** The change to ask for; null: there is none, or the text is no JSON. */
export function redesignOf({
  definition,
  field,
  text,
}: RedesignDraft): Readonly<Record<string, unknown>> | null {
  const value = parsed(text);
  if (value === undefined || jsonOf(value) === jsonOf(definition[field])) return null;
  return { [field]: value };
}

interface RedesignFieldsProps {
  readonly draft: RedesignDraft;
  readonly onChange: (draft: RedesignDraft) => void;
}

export function RedesignFields({ draft, onChange }: RedesignFieldsProps): ReactNode {
  const { definition, field, text } = draft;
  const known = FIELDS.filter((name) => definition[name] !== undefined);
  const isJson = parsed(text) !== undefined;
  return (
    <>
      <label className="field">
        <span>What changes</span>
        <select
          value={field}
          onChange={({ target }) =>
            onChange({ definition, field: target.value, text: jsonOf(definition[target.value]) })
          }
        >
          {known.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <label className="field">
        <span>As it shall be</span>
        <textarea
          className="json-input"
          value={text}
          rows={10}
          spellCheck={false}
          aria-invalid={!isJson}
          onChange={(event) => onChange({ ...draft, text: event.target.value })}
        />
        <small className={isJson ? 'muted' : 'field-problem'}>
          {isJson ? 'The field as a whole, as JSON.' : 'This is no JSON yet.'}
        </small>
      </label>
    </>
  );
}

function jsonOf(value: unknown): string {
  return JSON.stringify(value, null, 2);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
