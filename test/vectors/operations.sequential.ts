import {
  asymptoticSequence,
  asymptoticSequenceInformationTime,
  asymptoticSequenceRho,
  intersectRunning,
  NO_LOOKS,
  normalMixtureBoundary,
  type RunningSequence,
  type SequenceEstimate,
} from '../../src/statistics/confidence-sequence.js';
import type { Alternative } from '../../src/statistics/inference.js';
import { type EventCounts, eventShareEProcess } from '../../src/statistics/rare-event.js';
import {
  sampleRatioChiSquare,
  type SampleRatioCounts,
  sampleRatioSequential,
} from '../../src/statistics/sample-ratio.js';
import type { Fields, Operation } from './compare.js';
import { ends, mapped } from './fields.js';

interface LookCase {
  readonly n: number;
  readonly estimate: number;
  readonly standard_error: number;
}

interface SequenceCase extends LookCase {
  readonly alpha: number;
  readonly rho: number;
  readonly alternative: Alternative;
  readonly planned_standard_error: number;
}

function unitSequence(
  input: LookCase & Pick<SequenceCase, 'alpha' | 'rho'>,
  alternative: Alternative,
) {
  const { n: units, estimate, standard_error: standardError, alpha, rho } = input;
  return asymptoticSequence({ estimate, standardError, units, alpha, rho, alternative });
}

function sequence(found: SequenceEstimate): Fields {
  return {
    half_width: found.distance,
    bound_distance: found.distance,
    ...ends(found),
    p_value: found.pValue,
  };
}

function running(input: {
  readonly looks: readonly LookCase[];
  readonly alpha: number;
  readonly rho: number;
}): Fields {
  const { alpha, rho } = input;
  const states: RunningSequence[] = [];
  for (const look of input.looks) {
    const found = unitSequence({ ...look, alpha, rho }, 'two-sided');
    if (found.kind === 'value') {
      states.push(intersectRunning(states.at(-1) ?? NO_LOOKS, found.value));
    }
  }
  return {
    running_lower: states.map(({ lower }) => lower),
    running_upper: states.map(({ upper }) => upper),
    running_p: states.map(({ pValue }) => pValue),
  };
}

function widthAt(rho: number, units: number, alpha: number): number {
  const standardError = 1 / Math.sqrt(units);
  const found = asymptoticSequence({
    estimate: 0,
    standardError,
    units,
    rho,
    alpha,
    alternative: 'two-sided',
  });
  return found.kind === 'value' ? found.value.distance : Number.NaN;
}

interface EventCase {
  readonly phases: readonly {
    readonly share: number;
    readonly looks: readonly [number, number][];
  }[];
  readonly concentration: number;
  readonly alternative: Alternative;
  readonly alpha: number;
}

function events([controlEvents, treatmentEvents]: readonly [number, number]): EventCounts {
  return { controlEvents, treatmentEvents };
}

/** Families confidence-sequence, rare-event-guardrail and sample-ratio-mismatch. */
export const sequentialOperations: Readonly<Record<string, Operation>> = {
  asymptotic_cs_rho: ({ planned_n: plannedUnits, alpha }: { planned_n: number; alpha: number }) => {
    const rho = asymptoticSequenceRho({ plannedUnits, alpha });
    return {
      rho_approx: rho.approximate,
      rho_exact: rho.exact,
      width_at_optimum_approx: widthAt(rho.approximate, plannedUnits, alpha),
      width_at_optimum: widthAt(rho.exact, plannedUnits, alpha),
    };
  },
  asymptotic_cs_two_sided: (input: SequenceCase) =>
    mapped(unitSequence(input, 'two-sided'), sequence),
  asymptotic_cs_one_sided: (input: SequenceCase) =>
    mapped(unitSequence(input, input.alternative), sequence),
  asymptotic_cs_information_time: (input: SequenceCase) =>
    mapped(
      asymptoticSequenceInformationTime({
        estimate: input.estimate,
        standardError: input.standard_error,
        plannedStandardError: input.planned_standard_error,
        alpha: input.alpha,
        alternative: input.alternative,
      }),
      (found) => ({ ...sequence(found), information_fraction: found.informationFraction }),
    ),
  asymptotic_cs_running: running,
  normal_mixture_boundary: (input: {
    readonly intrinsic_time: number;
    readonly alpha: number;
    readonly optimised_time: number;
  }) => ({
    boundary: normalMixtureBoundary({
      intrinsicTime: input.intrinsic_time,
      alpha: input.alpha,
      optimisedTime: input.optimised_time,
    }),
  }),

  event_share_e_process: ({ phases, ...test }: EventCase) => {
    const process = eventShareEProcess({
      ...test,
      phases: phases.map(({ share, looks }) => ({ share, looks: looks.map(events) })),
    });
    return {
      log_e_value: process.looks.map(({ logE }) => logE),
      running_p: process.looks.map(({ runningP }) => runningP),
      reject: process.reject,
    };
  },

  srm_chi_square: (input: SampleRatioCounts) =>
    mapped(sampleRatioChiSquare(input), ({ chiSquare, df, pValue }) => ({
      chi_square: chiSquare,
      df,
      p_value: pValue,
    })),
  srm_sequential: (input: {
    readonly weights: readonly number[];
    readonly concentration: number;
    readonly cumulative_counts: readonly (readonly number[])[];
  }) => {
    const { weights, concentration, cumulative_counts: looks } = input;
    const found = sampleRatioSequential({ concentration, phases: [{ weights, looks }] });
    return {
      log_bayes_factor: found.map(({ logBayesFactor }) => logBayesFactor),
      p_value: found.map(({ runningP }) => runningP),
    };
  },
};
