import { type SubmitEvent, type ReactNode, useState } from 'react';
import { api, ApiProblem, unwrap } from '../api/client.js';
import type { Experiment } from '../api/types.js';
import { refresh } from '../data/resource.js';
import { useScope } from '../data/session.js';
import { Drawer } from '../parts/drawer.js';
import { consequenceOf, LABELS, type Verb, verbsOf } from './verbs.js';

/** What moves an experiment on as it was planned; everything else overrules the plan and does not ask for a click. */
const GOES_ON: readonly Verb[] = ['start', 'resume', 'approve'];

/** What a person may do now. Each verb asks for a reason and says what it will do before it does it. */
export function Actions({ experiment }: { readonly experiment: Experiment }): ReactNode {
  const [verb, setVerb] = useState<Verb | null>(null);
  const { allowed, reason } = useScope('experiments:write');
  const verbs = verbsOf(experiment);
  if (verbs.length === 0) return null;
  return (
    <div className="actions" role="group" aria-label="Actions">
      {verbs.map((known) => (
        <button
          key={known}
          type="button"
          className={`button ${GOES_ON.includes(known) ? 'button-first' : ''}`}
          disabled={!allowed}
          {...(reason === null ? {} : { title: reason, 'aria-describedby': 'no-scope' })}
          onClick={() => setVerb(known)}
        >
          {LABELS[known]}…
        </button>
      ))}
      {reason !== null && (
        <small id="no-scope" className="muted">
          {reason}
        </small>
      )}
      {verb !== null && (
        <VerbDialog experiment={experiment} verb={verb} onClose={() => setVerb(null)} />
      )}
    </div>
  );
}

interface VerbDialogProps {
  readonly experiment: Experiment;
  readonly verb: Verb;
  readonly onClose: () => void;
}

function VerbDialog({ experiment, verb, onClose }: VerbDialogProps): ReactNode {
  const [reason, setReason] = useState('');
  const [isSure, setIsSure] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const [isSending, setIsSending] = useState(false);
  const candidates = experiment.design?.variants.filter(({ control }) => !control) ?? [];
  const [variant, setVariant] = useState(candidates[0]?.name ?? '');
  const isReady = reason.trim() !== '' && isSure && !isSending;
  const send = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    if (!isReady) return;
    setIsSending(true);
    try {
      await perform({ id: experiment.id, verb, reason, variant });
      refresh(
        (topic) =>
          topic === 'decisions' || topic === 'plan' || topic === `experiment:${experiment.id}`,
      );
      onClose();
    } catch (error) {
      setProblem(error instanceof ApiProblem ? error.message : 'it did not work');
      setIsSending(false);
    }
  };
  return (
    <Drawer kind="dialog" title={`${LABELS[verb]} ${experiment.name}`} onClose={onClose}>
      <form onSubmit={(event) => void send(event)} className="form">
        <p>{consequenceOf(verb, experiment, variant)}</p>
        {verb === 'promote' && candidates.length > 1 && (
          <VariantChoice
            names={candidates.map(({ name }) => name)}
            shown={variant}
            onChange={setVariant}
          />
        )}
        <label className="field">
          <span>Reason, kept in the log for ever</span>
          <textarea
            value={reason}
            rows={3}
            maxLength={1000}
            required
            onChange={(event) => setReason(event.target.value)}
          />
        </label>
        <label className="check-field">
          <input
            type="checkbox"
            checked={isSure}
            onChange={(event) => setIsSure(event.target.checked)}
          />
          <span>I want this to happen now.</span>
        </label>
        {problem !== null && (
          <p role="alert" className="field-problem">
            {problem}
          </p>
        )}
        <div className="form-end">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button button-first" disabled={!isReady}>
            {LABELS[verb]}
          </button>
        </div>
      </form>
    </Drawer>
  );
}

interface VariantChoiceProps {
  readonly names: readonly string[];
  readonly shown: string;
  readonly onChange: (name: string) => void;
}

function VariantChoice({ names, shown, onChange }: VariantChoiceProps): ReactNode {
  return (
    <label className="field">
      <span>Variant</span>
      <select value={shown} onChange={(event) => onChange(event.target.value)}>
        {names.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </label>
  );
}

async function perform(what: {
  readonly id: string;
  readonly verb: Verb;
  readonly reason: string;
  readonly variant: string;
}): Promise<void> {
  const { id: experiment, verb, reason, variant } = what;
  await unwrap(
    api.POST('/api/v1/experiments/{experiment}/{verb}', {
      params: { path: { experiment, verb } },
      body: { reason, ...(verb === 'promote' ? { variant } : {}) },
    }),
  );
}
