import type { Phase, RolloutState } from '../experiments/experiment.js';
import { invariant } from '../kernel/assert.js';

/*
 * Units of an `ab` lie in segments of coverage, and in each segment the split is that of its weights. What is tested is
 * stratified by phase, so that a phase must mean one constant split: every segment has a live phase of its own, and a
 * split that changes, because an arm is closed, begins another phase of the segment. Segments are told apart by their
 * coverage, which only grows; the last phase of a coverage is the live one.
 */

/** Who is enrolled, and in which stratum. */
export interface Enrolment {
  readonly kind: 'enrol';
  readonly coverage: number;
  readonly phase: number;
  /** The stratum of each weight segment, ascending; absent: all of them are in `phase`. */
  readonly segments?: readonly { readonly upTo: number; readonly phase: number }[];
  /** Of the segment that begins, by variant; absent: those of the design. */
  readonly weights?: Readonly<Record<string, number>>;
  /** Variants that get nobody any more. */
  readonly closed?: readonly string[];
}

/** The phases that units are enrolled in now, one per segment, by growing coverage. */
export function livePhases({ phases }: Pick<RolloutState, 'phases'>): readonly Phase[] {
  const live = new Map<number, Phase>();
  for (const phase of phases) live.set(phase.coverage, phase);
  return [...live.values()].sort((left, right) => left.coverage - right.coverage);
}

/**
 * An arm is closed: nobody moves, its units get the champion and are not recorded any more. What is left of each
 * segment's split begins a phase.
 */
export function closing(before: RolloutState, variant: string, nowMs: number): RolloutState {
  const closed = before.closed ?? [];
  invariant(!closed.includes(variant), `${variant} is open`);
  const phases = [...before.phases];
  for (const { coverage, shares } of livePhases(before)) {
    if ((shares[variant] ?? 0) === 0) continue;
    const left = scaled({ ...shares, [variant]: 0 });
    phases.push({ phase: phases.length + 1, coverage, startedAtMs: nowMs, shares: left });
  }
  return { ...notBaking(before), closed: [...closed, variant], phases };
}

/** Units that are not enrolled yet are dealt out by other weights, up to a larger coverage: a segment of their own. */
export function reweighing(
  before: RolloutState,
  next: {
    readonly weights: Readonly<Record<string, number>>;
    readonly coverage: number;
    readonly nowMs: number;
  },
): RolloutState {
  const { weights, coverage, nowMs } = next;
  const widest = livePhases(before).at(-1)?.coverage ?? 0;
  invariant(coverage > widest && coverage <= 1, 'a segment begins above the last one');
  const begun: Phase = {
    ...{ phase: before.phases.length + 1, coverage, startedAtMs: nowMs },
    shares: scaled(weights),
  };
  return { ...notBaking(before), phases: [...before.phases, begun] };
}

/** What the plan has to say about a rollout of several phases. */
export function enrolmentOf(rollout: RolloutState): Enrolment {
  const live = livePhases(rollout);
  const widest = live.at(-1);
  invariant(widest !== undefined, 'a rollout has a phase');
  return {
    kind: 'enrol',
    coverage: widest.coverage,
    phase: rollout.phases.length,
    segments: live.map(({ coverage: upTo, phase }) => ({ upTo, phase })),
    ...(rollout.closed === undefined ? {} : { closed: rollout.closed }),
  };
}

export function notBaking(rollout: RolloutState): RolloutState {
  const { step, stepStartedAtMs, approvedStep, phases, closed, champion } = rollout;
  return {
    ...{ step, stepStartedAtMs, approvedStep, phases },
    ...(closed === undefined ? {} : { closed }),
    ...(champion === undefined ? {} : { champion }),
  };
}

function scaled(weights: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  const total = Object.values(weights).reduce((sum, weight) => sum + weight, 0);
  invariant(total > 0, 'somebody gets units');
  return Object.fromEntries(
    Object.entries(weights).map(([name, weight]) => [name, weight / total]),
  );
}
