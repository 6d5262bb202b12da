import { assess, runningResults } from '../../src/analysis/assess.js';
import type { Evidence } from '../../src/analysis/evidence.js';
import type { AnalysisPlan, FrozenDesign } from '../../src/experiments/experiment.js';
import type { MetricCell } from '../../src/metrics/metric.js';
import type { Assessment, MetricAssessment } from '../../src/statistics/assessment.js';
import { designOf, evidenceOf } from './evidence.js';

/** The usual design with another plan of analysis. */
export function designWith(
  analysis: Partial<AnalysisPlan>,
  overrides: Partial<FrozenDesign> = {},
): FrozenDesign {
  const design = designOf(overrides);
  return { ...design, analysis: { ...design.analysis, ...analysis } };
}

/** Looks at one experiment, one after the other: each knows what the ones before had established. */
export function looker(design: FrozenDesign): {
  readonly look: (cells: readonly MetricCell[], overrides?: Partial<Evidence>) => Assessment;
  readonly seen: readonly Evidence[];
} {
  const seen: Evidence[] = [];
  let previous: Evidence['previous'] = [];
  return {
    seen,
    look: (cells, overrides = {}) => {
      const evidence = evidenceOf(cells, { design, previous, ...overrides });
      seen.push(evidence);
      const assessment = assess(evidence);
      previous = runningResults(assessment, evidence);
      return assessment;
    },
  };
}

export function metricIn(assessment: Assessment, metric: string, variant = 'v2'): MetricAssessment {
  const found = assessment.metrics.find(
    (entry) => entry.metric === metric && entry.variant === variant,
  );
  if (found === undefined) throw new Error(`no ${metric} of ${variant}`);
  return found;
}
