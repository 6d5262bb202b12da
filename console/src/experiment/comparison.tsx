import type { ReactNode } from 'react';
import type { Design, Experiment, Model, Report } from '../api/types.js';
import { armTitle } from './arm-title.js';
import { count, roundPercent } from '../format/number.js';
import { Figure } from '../parts/figure.js';

interface ComparisonProps {
  readonly experiment: Experiment;
  readonly design: Design;
  readonly model: Model | null;
  readonly report: Report | null;
}

/** What is compared and who sees it, in two sentences and one bar. */
export function Comparison({ experiment, design, model, report }: ComparisonProps): ReactNode {
  const coverage = experiment.rollout?.phases.at(-1)?.coverage ?? null;
  const shares = sharesOf(experiment, design, coverage, model?.holdout?.share ?? null);
  return (
    <div className="comparison">
      <div className="arms">
        {design.variants.map(({ name, version, control, weight }) => (
          <div key={name} className={`arm ${control ? 'arm-control' : 'arm-variant'}`}>
            <span className="arm-role">{control ? 'control' : `variant ${name}`}</span>
            <span className="arm-version">
              {armTitle(design, { name, version, control, weight })}
            </span>
            <span className="muted">
              {design.kind !== 'holdout' && model?.champion === version ? 'champion now · ' : ''}
              <UnitsOf report={report} variant={name} />
            </span>
          </div>
        ))}
      </div>
      <div className="who">
        <ShareBar shares={shares} />
        <p className="muted">{whoSees(experiment, design, coverage)}</p>
      </div>
    </div>
  );
}

function UnitsOf({
  report,
  variant,
}: {
  readonly report: Report | null;
  readonly variant: string;
}): ReactNode {
  const index = report?.assessment.units.findIndex((known) => known.variant === variant) ?? -1;
  const units = report?.assessment.units[index]?.units;
  if (units === undefined) return 'no unit yet';
  return (
    <>
      <Figure
        value={units}
        text={count(units)}
        source={`report#/assessment/units/${index}/units`}
      />{' '}
      units
    </>
  );
}

interface Share {
  readonly name: string;
  readonly share: number;
  readonly kind: 'control' | 'variant' | 'rest';
}

/** Shares of all units now: each arm's, and those who get the champion and are not compared. */
function sharesOf(
  { kind, status, rollout }: Experiment,
  { variants }: Design,
  coverage: number | null,
  heldOut: number | null,
): readonly Share[] {
  const phase = rollout?.phases.at(-1);
  if (phase === undefined || coverage === null || status === 'draft' || kind === 'shadow')
    return [];
  // both cohorts of a holdout have its share; a canary's coverage is its variant's share, with a control of the same size beside it up to one half
  const enrolled =
    kind === 'holdout'
      ? 2 * (heldOut ?? 0.5)
      : kind === 'canary'
        ? Math.min(1, coverage <= 0.5 ? 2 * coverage : 1)
        : coverage;
  const arms = variants.map(({ name, control }): Share => ({
    name,
    share: enrolled * (phase.shares[name] ?? 0),
    kind: control ? 'control' : 'variant',
  }));
  const rest = 1 - arms.reduce((sum, { share }) => sum + share, 0);
  return rest > 1e-9 ? [...arms, { name: 'not compared', share: rest, kind: 'rest' }] : arms;
}

function ShareBar({ shares }: { readonly shares: readonly Share[] }): ReactNode {
  if (shares.length === 0) return null;
  const starts = shares.map((_share, index) =>
    shares.slice(0, index).reduce((sum, { share }) => sum + share, 0),
  );
  return (
    <>
      <svg className="share-bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
        {shares.map(({ name, share, kind }, index) => (
          <rect
            key={name}
            className={`share-${kind}`}
            x={(starts[index] ?? 0) * 100}
            width={share * 100}
            height={6}
          />
        ))}
      </svg>
      <ul className="legend">
        {shares.map(({ name, share, kind }) => (
          <li key={name}>
            <span className={`swatch share-${kind}`} aria-hidden="true" />
            {name} {roundPercent(share)}
          </li>
        ))}
      </ul>
    </>
  );
}

function whoSees({ kind, status }: Experiment, design: Design, coverage: number | null): string {
  const unit = design.unitIsRequest
    ? 'Each request is a unit of its own'
    : 'A unit keeps its variant';
  if (kind === 'shadow') {
    return 'Everybody gets the answers of the control. The shadow gets copies of their requests afterwards, and nobody gets its answers.';
  }
  if (kind === 'holdout') {
    return `${unit}. The held-out units stay on the version of the status quo; as many others, who get what is shipped, are compared with them.`;
  }
  if (coverage === null) return `${unit}. Nobody is enrolled yet.`;
  const isGoing = status === 'running' || status === 'paused';
  const share = roundPercent(coverage);
  if (kind === 'ab')
    return `${unit}. ${isGoing ? 'Enrolled now' : 'Enrolled at the end'}: ${share} of all units.`;
  return isGoing
    ? `${unit}. ${share} of the units get the variant, and as many, up to one half, are its concurrent control; everybody else gets the champion and is not compared.`
    : `${unit}. At the end ${share} of the units got the variant, and as many, up to one half, were its concurrent control.`;
}
