import { z } from 'zod';
import type { HoldoutAssessment, PairedAssessment, PairFigures } from '../statistics/assessment.js';

const text = z.string();
const number = z.number();

/** A confidence interval. */
export const intervalSchema = z
  .strictObject({ lower: number, upper: number })
  .meta({ id: 'Interval' });

const liftSchema = z
  .strictObject({ lower: number, upper: number, estimate: number })
  .meta({ id: 'Lift' });

export const armSummary = z
  .looseObject({
    n: number,
    pending: number,
    value: number.nullable(),
    events: number,
    capped: number,
  })
  .meta({ id: 'Arm' });

export const armUnits = z.strictObject({ variant: text, units: number });

/** One metric of the requests that both versions of a shadow answered. */
export const pairFigures = z
  .looseObject({
    pairs: number,
    lopsided: number,
    differing: number,
    meanAbsoluteDifference: number.nullable(),
    discordance: z
      .looseObject({
        both: number,
        primaryOnly: number,
        shadowOnly: number,
        neither: number,
        pExact: number.nullable(),
        pMid: number.nullable(),
        interval: intervalSchema.nullable(),
      })
      .nullable(),
  })
  .meta({ id: 'PairFigures' }) satisfies z.ZodType<PairFigures>;

/** What a shadow shows besides its metrics. */
export const pairedSchema = z
  .looseObject({
    sent: number,
    answered: number,
    shadowFailed: number,
    primaryFailed: number,
    bothFailed: number,
    dropped: z.record(text, number),
    units: number,
    watermarkMs: number.nullable(),
    outputs: z.array(
      z.looseObject({
        output: text,
        units: number,
        agreement: liftSchema.nullable(),
        kappa: liftSchema.nullable(),
        histogram: z.array(z.strictObject({ category: text, primary: number, shadow: number })),
        drift: z
          .looseObject({
            distance: number,
            threshold: number,
            pValue: number,
            level: number,
            permutations: number,
            isBeyond: z.boolean(),
          })
          .nullable(),
      }),
    ),
    latency: z.array(
      z.strictObject({ level: number, primary: number, shadow: number, difference: number }),
    ),
  })
  .meta({ id: 'Paired' }) satisfies z.ZodType<PairedAssessment>;

const promotion = z.strictObject({ previous: text.nullable(), version: text, atMs: number });
const compared = z.strictObject({ period: number, estimate: number, lower: number, upper: number });

/** What a permanent holdout shows besides its cumulative metrics. */
export const holdoutSchema = z
  .looseObject({
    share: number,
    version: text,
    promotions: z.array(promotion),
    periods: z.array(
      z.looseObject({
        period: number,
        startedAtMs: number,
        endedAtMs: number.nullable(),
        isFinal: z.boolean(),
        isWhole: z.boolean(),
        units: z.array(armUnits),
        metrics: z.array(
          z.looseObject({
            metric: text,
            control: armSummary,
            treatment: armSummary,
            effect: number.nullable(),
            standardError: number.nullable(),
            interval: intervalSchema.nullable(),
            lift: liftSchema.nullable(),
            level: number,
          }),
        ),
      }),
    ),
    warnings: z.array(
      z.looseObject({
        code: z.literal('lift_fell_after_promotion'),
        metric: text,
        promotion,
        before: compared,
        after: compared,
        alpha: number,
      }),
    ),
  })
  .meta({ id: 'Holdout' }) satisfies z.ZodType<HoldoutAssessment>;
