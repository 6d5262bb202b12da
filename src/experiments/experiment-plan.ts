import { invariant } from '../kernel/assert.js';
import type { ExperimentPlan, LayerPlan, WeightSegment } from '../routing/plan.js';
import type { Experiment } from './experiment.js';

/** How far an experiment is enrolled. */
export interface EnrolledAt {
  /** Share of units, in (0, 1]; never below that of before in the same epoch. */
  readonly coverage: number;
  readonly phase: number;
  /** The stratum of each weight segment; absent: all of them are in `phase`. */
  readonly segments?: readonly { readonly upTo: number; readonly phase: number }[];
  /** Of a segment that begins, by variant; absent: those of the design. A variant without one gets nobody. */
  readonly weights?: Readonly<Record<string, number>>;
  /** Variants that get nobody any more. */
  readonly closed?: readonly string[];
}

/**
 * The part of the traffic plan that enrols units into an experiment at a coverage.
 *
 * @param previous what the present plan says of this experiment; its weight segments stay as they are, so that no
 *   enrolled unit changes its variant
 * @param layer the segments that the experiment holds; null for a design without a layer
 * @throws SluiceError `internal` for an experiment without a frozen design or a falling coverage
 */
export function experimentPlan(
  experiment: Experiment,
  { coverage, phase, segments, weights, closed = [] }: EnrolledAt,
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
  const dealt = design.variants.map(({ name: variant, weight }) =>
    weights === undefined ? weight : (weights[variant] ?? 0),
  );
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
      ...(closed.includes(variant.name) ? { closed: true as const } : {}),
    })),
    segments:
      kind === 'ab'
        ? inPhases(segmentsUpTo(coverage, before?.segments ?? [], dealt), segments)
        : [],
    ...(layer === null ? {} : { layer }),
    ...(audience === undefined ? {} : { audience }),
    ...(mirror === undefined ? {} : { mirror }),
  };
}

function segmentsUpTo(
  coverage: number,
  before: readonly WeightSegment[],
  weights: readonly number[],
): readonly WeightSegment[] {
  const last = before.at(-1);
  if (last !== undefined && last.upTo >= coverage) return before;
  return [...before, { upTo: coverage, weights }];
}

/** Each segment in its stratum; a single one is in the phase of the experiment. */
function inPhases(
  segments: readonly WeightSegment[],
  phases: EnrolledAt['segments'],
): readonly WeightSegment[] {
  if (phases === undefined) return segments;
  return segments.map((segment) => {
    const own = phases.find(({ upTo }) => upTo === segment.upTo);
    invariant(own !== undefined, `the segment up to ${segment.upTo} has a phase`);
    return { ...segment, phase: own.phase };
  });
}
