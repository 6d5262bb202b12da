import {
  canaryRanges,
  cohortOf,
  coverageSalt,
  segmentAt,
  variantSalt,
  weightRanges,
  type Cohort,
  type Placement,
  type VariantRange,
} from './assign.js';
import { askPredicate, type AttributeReader, type PredicateResult } from './audience.js';
import { layerSegment, liesIn, type SegmentRange } from './layers.js';
import { isMirrored, mirrorShare } from './mirrors.js';
import { bucket } from './murmur3.js';
import {
  LAYER_SEGMENTS,
  type AttributeValue,
  type ExperimentPlan,
  type HoldoutPlan,
  type Predicate,
} from './plan.js';

/** A variant's share of hash space, as it is shown: buckets in [from, to). */
export interface ExplainedRange {
  readonly variant: string;
  readonly version: string;
  readonly from: number;
  readonly to: number;
}

/** One condition of an audience, what the request has there, and what came of it. */
export interface ExplainedPredicate {
  readonly predicate: Predicate;
  /** Null: the request has no such attribute. */
  readonly value: AttributeValue | null;
  readonly outcome: PredicateResult;
}

/** One question that assignment asked, with the numbers it looked at and what came out. */
export type ExplainStep =
  | { readonly step: 'unit'; readonly unit: string | null; readonly result: string }
  | {
      readonly step: 'holdout';
      readonly salt: string;
      readonly bucket: number;
      readonly share: number;
      readonly version: string;
      readonly cohort: Cohort | null;
      readonly result: string;
    }
  | {
      readonly step: 'layer';
      readonly experiment: string;
      readonly layer: string;
      readonly salt: string;
      readonly bucket: number;
      readonly segment: number;
      readonly ranges: readonly SegmentRange[];
      readonly inside: boolean;
      readonly result: string;
    }
  | {
      readonly step: 'audience';
      readonly experiment: string;
      readonly predicates: readonly ExplainedPredicate[];
      readonly inside: boolean;
      readonly result: string;
    }
  | {
      readonly step: 'ranges' | 'variant';
      readonly experiment: string;
      readonly salt: string;
      readonly bucket: number;
      readonly coverage: number;
      readonly ranges: readonly ExplainedRange[];
      /** `variant` only: the weights in force, and the coverage buckets they hold for. */
      readonly segment: {
        readonly from: number;
        readonly upTo: number;
        readonly weights: readonly number[];
      } | null;
      readonly variant: string | null;
      readonly result: string;
    }
  | {
      readonly step: 'coverage';
      readonly experiment: string;
      readonly salt: string;
      readonly bucket: number;
      readonly coverage: number;
      readonly enrolled: boolean;
      readonly result: string;
    }
  | {
      readonly step: 'closed';
      readonly experiment: string;
      readonly variant: string;
      readonly result: string;
    }
  | {
      readonly step: 'mirror';
      readonly experiment: string;
      readonly salt: string;
      readonly bucket: number;
      readonly share: number;
      readonly mirrored: boolean;
      readonly result: string;
    }
  | { readonly step: 'champion'; readonly version: string | null; readonly result: string };

/** Which cohort of the holdout a unit is in. */
export function explainHoldout(
  holdout: HoldoutPlan,
  unit: string,
  steps: ExplainStep[],
): Cohort | null {
  const { salt, share, version } = holdout;
  const place = bucket(salt, unit);
  const cohort = cohortOf(holdout, unit);
  const results: Readonly<Record<Cohort | 'free', string>> = {
    pinned: `is at least ${show(1 - share)}: pinned to ${version}, in no experiment`,
    shipped: `is below ${share}: compared with the holdout, champions only, in no experiment`,
    free: `lies in [${share}, ${show(1 - share)}): not in the holdout`,
  };
  steps.push({
    step: 'holdout',
    salt,
    bucket: place,
    share,
    version,
    cohort,
    result: `bucket ${show(place)} ${results[cohort ?? 'free']}`,
  });
  return cohort;
}

/** Whether a unit's segment belongs to an experiment; true for one without a layer. */
export function explainLayer(
  { name, layer }: ExperimentPlan,
  unit: string,
  steps: ExplainStep[],
): boolean {
  if (layer === undefined) return true;
  const segment = layerSegment(layer.salt, unit);
  const inside = liesIn(layer.ranges, segment);
  const count = layer.ranges.reduce((sum, { from, to }) => sum + to - from, 0);
  steps.push({
    step: 'layer',
    experiment: name,
    layer: layer.name,
    salt: layer.salt,
    bucket: bucket(layer.salt, unit),
    segment,
    ranges: layer.ranges,
    inside,
    result: `segment ${segment} of layer ${layer.name} ${
      inside ? 'is' : 'is not'
    } one of the ${count} of ${LAYER_SEGMENTS} that ${name} has`,
  });
  return inside;
}

/** Whether a request is in an experiment's audience; every predicate is shown, also behind one that fails. */
export function explainAudience(
  { name, audience }: ExperimentPlan,
  read: AttributeReader,
  steps: ExplainStep[],
): boolean {
  if (audience === undefined) return true;
  const predicates = audience.map((predicate): ExplainedPredicate => {
    const value = read(predicate.attribute);
    return { predicate, value: value ?? null, outcome: askPredicate(predicate, value) };
  });
  const failing = predicates.find(({ outcome }) => outcome !== 'holds');
  steps.push({
    step: 'audience',
    experiment: name,
    predicates,
    inside: failing === undefined,
    result:
      failing === undefined
        ? `in the audience: ${predicates.length} of ${predicates.length} conditions hold`
        : `not in the audience: ${inWords(failing)}`,
  });
  return failing === undefined;
}

/** Where coverage and weights put a unit; null: not enrolled. */
export function explainPlacement(
  experiment: ExperimentPlan,
  unit: string,
  steps: ExplainStep[],
): Placement | null {
  if (experiment.kind === 'canary') return explainCanary(experiment, unit, steps);
  return experiment.kind === 'ab' ? explainAb(experiment, unit, steps) : null;
}

/** Whether a `shadow` experiment copies the requests of a unit that is in its audience. */
export function explainMirror(
  experiment: ExperimentPlan,
  unit: string,
  steps: ExplainStep[],
): boolean {
  const share = mirrorShare(experiment);
  const mirrored = isMirrored(experiment, unit);
  const salt = coverageSalt(experiment);
  const place = bucket(salt, unit);
  steps.push({
    step: 'mirror',
    experiment: experiment.name,
    salt,
    bucket: place,
    share,
    mirrored,
    result: mirrored
      ? `bucket ${show(place)} is below the mirrored share ${share}: requests are copied`
      : `bucket ${show(place)} is not below the mirrored share ${share}: nothing is copied`,
  });
  return mirrored;
}

function explainCanary(
  experiment: ExperimentPlan,
  unit: string,
  steps: ExplainStep[],
): Placement | null {
  const place = bucket(experiment.salt, unit);
  const ranges = canaryRanges(experiment);
  const variant = within(ranges, place);
  steps.push({
    step: 'ranges',
    experiment: experiment.name,
    salt: experiment.salt,
    bucket: place,
    coverage: experiment.coverage,
    ranges: ranges.map(shown),
    segment: null,
    variant: variant?.name ?? null,
    result: variant
      ? `bucket ${show(place)} lies in the range of ${variant.name}`
      : `bucket ${show(place)} lies in no range at coverage ${experiment.coverage}`,
  });
  return variant === null ? null : { variant, phase: experiment.phase };
}

function explainAb(
  experiment: ExperimentPlan,
  unit: string,
  steps: ExplainStep[],
): Placement | null {
  const coverageBucket = bucket(coverageSalt(experiment), unit);
  const segment = segmentAt(experiment, coverageBucket);
  const enrolled = coverageBucket < experiment.coverage && segment !== null;
  steps.push({
    step: 'coverage',
    experiment: experiment.name,
    salt: coverageSalt(experiment),
    bucket: coverageBucket,
    coverage: experiment.coverage,
    enrolled,
    result: enrolled
      ? `bucket ${show(coverageBucket)} is below coverage ${experiment.coverage}`
      : `bucket ${show(coverageBucket)} is not below coverage ${experiment.coverage}: not enrolled`,
  });
  if (!enrolled) return null;
  const place = bucket(variantSalt(experiment), unit);
  const ranges = weightRanges(experiment.variants, segment.weights);
  const variant = within(ranges, place);
  const { upTo, weights } = segment;
  const from = experiment.segments[experiment.segments.indexOf(segment) - 1]?.upTo ?? 0;
  steps.push({
    step: 'variant',
    experiment: experiment.name,
    salt: variantSalt(experiment),
    bucket: place,
    coverage: experiment.coverage,
    ranges: ranges.map(shown),
    segment: { from, upTo, weights },
    variant: variant?.name ?? null,
    result: variant
      ? `bucket ${show(place)} lies in the range of ${variant.name}`
      : 'no variant has any weight',
  });
  return variant === null ? null : { variant, phase: segment.phase ?? experiment.phase };
}

function inWords({ predicate, value, outcome }: ExplainedPredicate): string {
  const { attribute, negated } = predicate;
  if (value === null) return `${attribute} is not known`;
  const asked = condition(predicate);
  const given = JSON.stringify(value);
  if (outcome === 'unknown') return `${attribute} ${given} cannot be asked whether it is ${asked}`;
  return `${attribute} ${given} is ${negated === true ? '' : 'not '}${asked}`;
}

function condition(predicate: Predicate): string {
  switch (predicate.kind) {
    case 'equals':
      return JSON.stringify(predicate.value);
    case 'in':
      return `one of ${JSON.stringify(predicate.values)}`;
    case 'range':
      return `in [${predicate.from ?? '-∞'}, ${predicate.to ?? '∞'})`;
    case 'prefix':
      return `beginning with ${JSON.stringify(predicate.prefix)}`;
    case 'semver':
      return `in versions [${predicate.from ?? 'any'}, ${predicate.below ?? 'any'})`;
  }
}

function within(ranges: readonly VariantRange[], place: number): VariantRange['variant'] | null {
  return ranges.find(({ from, to }) => place >= from && place < to)?.variant ?? null;
}

function shown({ variant, from, to }: VariantRange): ExplainedRange {
  return { variant: variant.name, version: variant.version, from, to };
}

function show(place: number): string {
  return place.toFixed(6);
}
