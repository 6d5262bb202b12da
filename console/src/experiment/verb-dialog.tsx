import { type ReactNode, useState } from 'react';
import { api, unwrap } from '../api/client.js';
import type { Experiment } from '../api/types.js';
import { refresh } from '../data/resource.js';
import { roundPercent } from '../format/number.js';
import { ReasonedDialog } from '../parts/reasoned-dialog.js';
import {
  emptyRedesign,
  RedesignFields,
  type RedesignDraft,
  redesignOf,
} from './redesign-fields.js';
import { consequenceOf, coverageOf, labelOf, openVariants, type Verb } from './verbs.js';

interface VerbDialogProps {
  readonly experiment: Experiment;
  readonly verb: Verb;
  readonly isRecommended: boolean;
  readonly onClose: () => void;
}

/** One verb: what it needs besides a reason, and the request. */
export function VerbDialog({
  experiment,
  verb,
  isRecommended,
  onClose,
}: VerbDialogProps): ReactNode {
  const open = openVariants(experiment);
  const [variant, setVariant] = useState(open[0] ?? '');
  const [weights, setWeights] = useState(() => weightsNow(experiment));
  const [coverage, setCoverage] = useState('');
  const [redesign, setRedesign] = useState<RedesignDraft>(() => emptyRedesign(experiment));
  const changes = redesignOf(redesign);
  const send = async (reason: string): Promise<void> => {
    await perform({ id: experiment.id, verb, reason, variant, weights, coverage, changes });
    const isMeant = (topic: string): boolean =>
      ['decisions', 'plan', `experiment:${experiment.id}`].includes(topic);
    refresh(isMeant);
  };
  const advised = isRecommended ? 'The policy recommends it. ' : '';
  return (
    <ReasonedDialog
      title={`${labelOf(verb, experiment)}: ${experiment.name}`}
      label={labelOf(verb, experiment)}
      consequence={advised + consequenceOf(verb, experiment, variant)}
      isComplete={verb !== 'redesign' || changes !== null}
      onSend={send}
      onClose={onClose}
    >
      {(verb === 'promote' || verb === 'close') && open.length > 1 && (
        <label className="field">
          <span>Variant</span>
          <select value={variant} onChange={(event) => setVariant(event.target.value)}>
            {open.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
      )}
      {verb === 'weights' && (
        <div className="form-row">
          {Object.entries(weights).map(([name, weight]) => (
            <NumberInput
              key={name}
              label={`Weight of ${name}`}
              value={weight}
              onChange={(next) => setWeights((before) => ({ ...before, [name]: next }))}
            />
          ))}
          <NumberInput
            label={`Coverage, more than ${roundPercent(coverageOf(experiment))}`}
            value={coverage}
            onChange={setCoverage}
          />
        </div>
      )}
      {verb === 'redesign' && <RedesignFields draft={redesign} onChange={setRedesign} />}
    </ReasonedDialog>
  );
}

interface NumberInputProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

function NumberInput({ label, value, onChange }: NumberInputProps): ReactNode {
  return (
    <label className="field">
      <span>{label}</span>
      <input
        value={value}
        inputMode="decimal"
        autoComplete="off"
        onChange={(event) => onChange(event.target.value)}
      />
    </label>
  );
}

/** Of the control and each open variant: what the newest stretch deals out by, which is a share for each. */
function weightsNow(experiment: Experiment): Readonly<Record<string, string>> {
  const shares = experiment.rollout?.phases.at(-1)?.shares ?? {};
  const control = experiment.design?.variants.find((variant) => variant.control)?.name;
  const names = [...(control === undefined ? [] : [control]), ...openVariants(experiment)];
  return Object.fromEntries(names.map((name) => [name, String(shares[name] ?? 1)]));
}

interface Wanted {
  readonly id: string;
  readonly verb: Verb;
  readonly reason: string;
  readonly variant: string;
  readonly weights: Readonly<Record<string, string>>;
  readonly coverage: string;
  readonly changes: Readonly<Record<string, unknown>> | null;
}

async function perform({ id, verb, reason, ...wanted }: Wanted): Promise<void> {
  const { variant, weights, coverage, changes } = wanted;
  const at = { path: { experiment: id } };
  switch (verb) {
    case 'close': {
      const body = { variant, reason };
      await unwrap(api.POST('/api/v1/experiments/{experiment}/close', { params: at, body }));
      return;
    }
    case 'weights': {
      const numbers = Object.entries(weights).map(([name, text]) => [name, Number(text)] as const);
      const body = { weights: Object.fromEntries(numbers), coverage: Number(coverage), reason };
      await unwrap(api.POST('/api/v1/experiments/{experiment}/weights', { params: at, body }));
      return;
    }
    case 'redesign': {
      // the client cannot spell the type of fields of any JSON
      const body = { changes, reason } as never;
      await unwrap(api.POST('/api/v1/experiments/{experiment}/redesign', { params: at, body }));
      return;
    }
    default:
      await unwrap(
        api.POST('/api/v1/experiments/{experiment}/{verb}', {
          params: { path: { experiment: id, verb } },
          body: { reason, ...(verb === 'promote' ? { variant } : {}) },
        }),
      );
  }
}
