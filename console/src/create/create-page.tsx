import { type SubmitEvent, type ReactNode, useState } from 'react';
import { api, ApiProblem, unwrap } from '../api/client.js';
import * as ask from '../data/questions.js';
import { refresh, useResource } from '../data/resource.js';
import { useScope } from '../data/session.js';
import { navigate, useParameter } from '../router/route.js';
import { ArmFields } from './arms-fields.js';
import { AudienceFields } from './audience-fields.js';
import { bodyOf } from './body.js';
import { DecisionFields } from './decision-fields.js';
import { type Draft, emptyDraft } from './draft.js';
import { EvidenceFields } from './evidence-fields.js';
import { FormDefectsProvider, useHomelessDefects, wordsOf } from './form-defects.js';
import { KindFields } from './kind-fields.js';
import { MetricRows } from './metric-rows.js';
import { PlanPreview } from './plan-preview.js';
import { usePlan } from './use-plan.js';
import { WhatFields } from './what-fields.js';

/** A form that the API itself checks while it is filled in, beside the plan that follows from it. */
export function CreatePage(): ReactNode {
  const wanted = useParameter('model') ?? '';
  const [typed, setDraft] = useState<Draft>(() => emptyDraft(wanted));
  const [refused, setRefused] = useState<ApiProblem | null>(null);
  const models = useResource(ask.models);
  const metrics = useResource(ask.metrics);
  const model = models.data?.find(({ name }) => name === typed.model) ?? null;
  // what serves by default is what others are compared with, until somebody says otherwise
  const draft = typed.control === '' ? { ...typed, control: model?.champion ?? '' } : typed;
  const plan = usePlan(draft);
  const change = (to: Partial<Draft>): void => {
    setRefused(null);
    setDraft((before) => ({ ...before, ...to }));
  };
  const create = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    try {
      // the client cannot spell the type of a body with fields of any JSON; `bodyOf` has it
      const body = bodyOf(draft) as never;
      const made = await unwrap(api.POST('/api/v1/experiments', { body }));
      refresh((topic) => topic === 'decisions');
      navigate(`/experiments/${made.name}`);
    } catch (error) {
      if (error instanceof ApiProblem) setRefused(error);
    }
  };
  const shared = { draft, onChange: change };
  return (
    <article>
      <title>New experiment · Sluice</title>
      <header className="page-head">
        <h1>New experiment</h1>
        <p className="lead">
          It becomes a draft. Starting it is a step of its own, with a reason. The API checks every
          field while you type.
        </p>
      </header>
      <div className="create">
        <FormDefectsProvider defects={refused?.defects ?? plan.problem?.defects ?? []}>
          <form className="form" onSubmit={(event) => void create(event)} noValidate>
            <WhatFields {...shared} models={models.data ?? []} />
            <ArmFields {...shared} model={model} />
            <AudienceFields {...shared} model={model} />
            <MetricRows {...shared} known={metrics.data ?? []} />
            <KindFields {...shared} />
            <EvidenceFields {...shared} />
            <DecisionFields {...shared} />
            <Homeless refused={refused} />
            <CreateButton />
            <details>
              <summary>As JSON, for the API</summary>
              <pre className="json" tabIndex={0} aria-label="Body as JSON">
                {JSON.stringify(bodyOf(draft), null, 2)}
              </pre>
            </details>
          </form>
        </FormDefectsProvider>
        <PlanPreview plan={plan} />
      </div>
    </article>
  );
}

function CreateButton(): ReactNode {
  const { allowed, reason } = useScope('experiments:write');
  return (
    <div className="form-end">
      {reason !== null && <small className="muted">{reason}</small>}
      <button type="submit" className="button button-first" disabled={!allowed}>
        Create the draft
      </button>
    </div>
  );
}

/** What the API refuses and no field speaks of. */
function Homeless({ refused }: { readonly refused: ApiProblem | null }): ReactNode {
  const homeless = useHomelessDefects();
  if (homeless.length === 0 && refused === null) return null;
  return (
    <div className="failure" role="alert">
      <strong>{refused === null ? 'The API says:' : refused.message}</strong>
      {homeless.map((defect) => (
        <p key={`${defect.field ?? ''} ${defect.expected ?? ''}`}>
          {defect.field} {wordsOf(defect)}
        </p>
      ))}
    </div>
  );
}
