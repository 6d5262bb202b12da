import type { ReactNode } from 'react';
import type { Forecast } from '../api/types.js';
import { count, level, plain, roundPercent } from '../format/number.js';
import type { Plan } from './use-plan.js';

const SCENARIOS: Readonly<Record<Forecast['simulation']['scenarios'][number]['scenario'], string>> =
  {
    no_effect: 'nothing differs',
    mde: 'the smallest effect is real',
    twice_mde: 'twice that effect is real',
    harm_at_margin: 'guardrails at their margin',
    harm_at_twice_margin: 'guardrails at twice their margin',
  };

/** What the experiment would need and how often it would be right, before anybody is enrolled. */
export function PlanPreview({ plan }: { readonly plan: Plan }): ReactNode {
  const { forecast, problem, isAsking } = plan;
  return (
    <aside className="plan" aria-label="Plan">
      <h2>Plan</h2>
      <p className="muted plan-state" role="status">
        {isAsking ? 'Simulating…' : stateOf(plan)}
      </p>
      {forecast !== null && (
        <div className={problem === null ? '' : 'plan-old'}>
          <Needs forecast={forecast} />
          <Chances forecast={forecast} />
        </div>
      )}
    </aside>
  );
}

function stateOf({ forecast, problem, isUnplanned }: Plan): string {
  if (isUnplanned) {
    return 'Nothing to correct. Chances are simulated for canaries and A/B tests: this kind exposes nobody to anything new.';
  }
  if (problem !== null) {
    const { length } = problem.defects;
    return length > 0
      ? `The API names ${length} ${length === 1 ? 'defect' : 'defects'}.`
      : problem.message;
  }
  return forecast === null
    ? 'Choose a model and its versions: the plan appears here.'
    : 'As the form stands.';
}

function Needs({ forecast }: { readonly forecast: Forecast }): ReactNode {
  const { requiredUnits, plannedUnits, duration, detectableAtPlannedUnits } = forecast;
  return (
    <dl className="facts">
      <div>
        <dt>Units that every test is content with</dt>
        <dd>{requiredUnits === null ? 'no number is enough' : count(requiredUnits)}</dd>
      </div>
      <div>
        <dt>Planned units</dt>
        <dd>
          {count(plannedUnits)}
          {duration.daysToPlannedUnits !== null && ` in ${plain(duration.daysToPlannedUnits)} days`}
          {duration.reason !== null && <span className="muted"> ({duration.reason})</span>}
        </dd>
      </div>
      <div>
        <dt>Smallest effect that they show</dt>
        <dd>
          {detectableAtPlannedUnits
            .map(
              ({ metric, sequential }) =>
                `${metric} ${sequential === null ? 'none' : plain(sequential)}`,
            )
            .join(', ')}
        </dd>
      </div>
    </dl>
  );
}

function Chances({ forecast }: { readonly forecast: Forecast }): ReactNode {
  const { scenarios, replications, note } = forecast.simulation;
  const largest = Math.max(
    ...scenarios.flatMap(({ promote, rollback }) => [
      promote.standardError,
      rollback.standardError,
    ]),
  );
  return (
    <>
      <h3>How often which verdict, if …</h3>
      <table className="small-table">
        <thead>
          <tr>
            <th scope="col">in truth</th>
            <th scope="col" className="number">
              promoted
            </th>
            <th scope="col" className="number">
              rolled back
            </th>
            <th scope="col" className="number">
              no verdict
            </th>
          </tr>
        </thead>
        <tbody>
          {scenarios.map(({ scenario, description, promote, rollback, inconclusive }) => (
            <tr key={scenario} title={description}>
              <th scope="row">{SCENARIOS[scenario]}</th>
              <td className="number">{chance(promote.probability)}</td>
              <td className="number">{chance(rollback.probability)}</td>
              <td className="number">{chance(inconclusive.probability)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="muted">
        {replications} simulated experiments each, through the statistics and the policy that will
        decide; standard error at most {level(largest)}. {note}.
      </p>
    </>
  );
}

/** Whole percentages: the simulation knows no more. */
function chance(probability: number): string {
  return roundPercent(Math.round(probability * 100) / 100);
}
