import type { ReactNode } from 'react';
import type { Decision, Design, MetricAssessment, Report } from '../api/types.js';
import { difference, roundPercent, value } from '../format/number.js';
import { armTitle } from './arm-title.js';
import { unitIn } from './metric-units.js';

interface KeyFigureProps {
  readonly design: Design;
  readonly report: Report;
  readonly decision: Decision | null;
}

/** The one comparison that matters most: the metric that a decision names, else the first success metric. */
export function KeyFigure({ design, report, decision }: KeyFigureProps): ReactNode {
  const metric = keyMetric(report.assessment.metrics, decision);
  if (metric === null) return null;
  const unit = unitIn(design, metric.metric);
  const title = (isMeant: (variant: Design['variants'][number]) => boolean): string => {
    const arm = design.variants.find(isMeant);
    return arm === undefined ? '' : armTitle(design, arm);
  };
  return (
    <p className="key-figure">
      <span className="key-metric">{metric.metric}</span>
      <span>
        {title(({ control }) => control)} <strong>{value(metric.control.value, unit)}</strong>
      </span>
      <span>
        {title(({ name }) => name === metric.variant)}{' '}
        <strong>{value(metric.treatment.value, unit)}</strong>
      </span>
      {metric.interval !== null && (
        <span>
          difference <strong>{difference(metric.effect, unit)}</strong>{' '}
          <span className="muted">
            ({roundPercent(metric.level)} interval {difference(metric.interval.lower, unit)} to{' '}
            {difference(metric.interval.upper, unit)})
          </span>
        </span>
      )}
    </p>
  );
}

function keyMetric(
  metrics: readonly MetricAssessment[],
  decision: Decision | null,
): MetricAssessment | null {
  const numbers = decision?.reasons.trace?.at(-1)?.numbers ?? {};
  const named = metrics.find(
    ({ metric, variant, effect }) =>
      effect !== null && metric === numbers['metric'] && variant === numbers['variant'],
  );
  return named ?? metrics.find(({ role, effect }) => role === 'success' && effect !== null) ?? null;
}
