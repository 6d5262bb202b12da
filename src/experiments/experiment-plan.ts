import { invariant } from '../kernel/assert.js';
import type { ExperimentPlan, LayerPlan, WeightSegment } from '../routing/plan.js';
import type { Experiment, FrozenDesign } from './experiment.js';

/**
 * The part of the traffic plan that enrols units into an experiment at a coverage.
 *
 * @param coverage share of units enrolled, in (0, 1]; never below that of `previous` in the same epoch
 * @param previous what the present plan says of this experiment; its weight segments stay as they are, so that no
 *   enrolled unit changes its variant
 * @param layer the segments that the experiment holds; null for a design without a layer
 * @throws SluiceError `internal` for an experiment without a frozen design or a falling coverage
 */
export function experimentPlan(
  experiment: Experiment,
  { coverage, phase }: { readonly coverage: number; readonly phase: number },
  previous: ExperimentPlan | null,
  layer: LayerPlan | null = null,
): ExperimentPlan {
  const { id, name, kind, epoch, salt, design } = experiment;
  invariant(design !== null, 'only a frozen design gets traffic');
  invariant(kind !== 'holdout', 'the cohorts of a holdout are part of the model');
  invariant(coverage > 0 && coverage <= 1, `a coverage is in (0, 1], not ${coverage}`);
  invariant((layer === null) === (design.layer === undefined), 'a layer as the design says');
  const before = previous?.epoch === epoch ? previous : null;
  invariant(before === null || coverage >= before.coverage, 'coverage never falls');
  const { audience, mirror } = design;
  return {
    id,
    name,
    kind,
    epoch,
    salt,
    coverage,
    phase,
    variants: design.variants.map((variant) => ({
      name: variant.name,
      version: variant.version,
      control: variant.control,
    })),
    segments: kind === 'ab' ? segmentsUpTo(design, coverage, before?.segments ?? []) : [],
    ...(layer === null ? {} : { layer }),
    ...(audience === undefined ? {} : { audience }),
    ...(mirror === undefined ? {} : { mirror }),
  };
}

function segmentsUpTo(
  design: FrozenDesign,
  coverage: number,
  before: readonly WeightSegment[],
): readonly WeightSegment[] {
  const last = before.at(-1);
  if (last !== undefined && last.upTo >= coverage) return before;
  const weights = design.variants.map(({ weight }) => weight);
  return [...before, { upTo: coverage, weights }];
}
