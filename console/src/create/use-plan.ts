import { useEffect, useState } from 'react';
import { api, ApiProblem, unwrap } from '../api/client.js';
import type { Forecast } from '../api/types.js';
import { type Draft, planBodyOf } from './draft.js';

/** Typing pauses at least this long before the API is asked: a plan is simulated, which takes seconds. */
const PAUSE_MS = 700;

export interface Plan {
  readonly forecast: Forecast | null;
  readonly problem: ApiProblem | null;
  readonly isAsking: boolean;
}

/** What the API says of the form as it stands: its defects, or what the experiment would need. */
export function usePlan(draft: Draft): Plan {
  const [plan, setPlan] = useState<Plan>({ forecast: null, problem: null, isAsking: false });
  const body = JSON.stringify(planBodyOf(draft));
  const isUntouched = draft.model === '';
  useEffect(() => {
    if (isUntouched) return;
    const abort = new AbortController();
    const timer = setTimeout(() => {
      setPlan((before) => ({ ...before, isAsking: true }));
      const request = { body: JSON.parse(body) as never, signal: abort.signal };
      unwrap(api.POST('/api/v1/experiments/plan', request)).then(
        (forecast) => setPlan({ forecast, problem: null, isAsking: false }),
        (error: unknown) => {
          if (abort.signal.aborted || !(error instanceof ApiProblem)) return;
          setPlan((before) => ({ ...before, problem: error, isAsking: false }));
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
