import { useEffect, useState } from 'react';
import { api, ApiProblem, unwrap } from '../api/client.js';
import type { Forecast } from '../api/types.js';
import { planBodyOf } from './body.js';
import type { Draft } from './draft.js';

/** Typing pauses at least this long before the API is asked: a plan is simulated, which takes seconds. */
const PAUSE_MS = 700;

export interface Plan {
  readonly forecast: Forecast | null;
  readonly problem: ApiProblem | null;
  readonly isAsking: boolean;
  /** The form is right, but its kind has no plan. */
  readonly isUnplanned: boolean;
}

const NOTHING: Plan = { forecast: null, problem: null, isAsking: false, isUnplanned: false };

/** What the API says of the form as it stands: its defects, or what the experiment would need. */
export function usePlan(draft: Draft): Plan {
  const [plan, setPlan] = useState<Plan>(NOTHING);
  const body = JSON.stringify(planBodyOf(draft));
  const isUntouched = draft.model === '';
  useEffect(() => {
    if (isUntouched) return;
    const abort = new AbortController();
    const timer = setTimeout(() => {
      setPlan((before) => ({ ...before, isAsking: true }));
      const request = { body: JSON.parse(body) as never, signal: abort.signal };
      unwrap(api.POST('/api/v1/experiments/plan', request)).then(
        (forecast) => setPlan({ ...NOTHING, forecast }),
        (error: unknown) => {
          if (abort.signal.aborted || !(error instanceof ApiProblem)) return;
          if (error.code === 'not_yet') setPlan({ ...NOTHING, isUnplanned: true });
          else setPlan((before) => ({ ...before, problem: error, isAsking: false }));
        },
      );
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [body, isUntouched]);
  return plan;
}
