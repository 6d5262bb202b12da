import { z } from 'zod';
import type { ExperimentForecast } from './planning.service.js';

const text = z.string();
const number = z.number();

const units = z.strictObject({ control: number, treatment: number, total: number });
const probability = z.strictObject({ probability: number, standardError: number });

/** What POST /api/v1/experiments/plan answers. */
export const forecastSchema = z
  .looseObject({
    model: text,
    method: text,
    baselines: z.array(
      z.looseObject({
        metric: text,
        role: text,
        source: z.enum(['assumed', 'observed']),
        observedUnits: number.nullable(),
        value: number,
        standardDeviation: number,
        requestsPerUnit: number,
        covariate: z
          .looseObject({
            correlation: number,
            source: z.enum(['assumed', 'observed']),
            observedUnits: number.nullable(),
          })
          .nullable(),
      }),
    ),
    sampleSizes: z.array(
      z.looseObject({
        metric: text,
        test: z.enum(['superiority', 'non_inferiority']),
        size: number,
        alpha: number,
        sides: z.union([z.literal(1), z.literal(2)]),
        power: number,
        fixedHorizon: units.nullable(),
        sequential: units.nullable(),
      }),
    ),
    covariates: z.array(
      z.looseObject({
        metric: text,
        correlation: number.nullable(),
        source: z.enum(['assumed', 'observed']).nullable(),
        observedUnits: number.nullable(),
        varianceReduction: number,
        unitsWithout: number.nullable(),
        unitsWith: number.nullable(),
        savedUnits: number.nullable(),
        note: text,
      }),
    ),
    inflation: z.strictObject({ factor: number, source: text }),
    requiredUnits: number.nullable(),
    plannedUnits: number,
    detectableAtPlannedUnits: z.array(
      z.strictObject({
        metric: text,
        fixedHorizon: number.nullable(),
        sequential: number.nullable(),
      }),
    ),
    traffic: z.looseObject({
      unitsPerDay: number.nullable(),
      reason: text.nullable(),
      unitsSeen: number,
      requestsSeen: number,
      hoursSeen: number,
    }),
    duration: z.strictObject({
      daysToPlannedUnits: number.nullable(),
      daysToRequiredUnits: number.nullable(),
      maxRuntimeDays: number,
      reason: text.nullable(),
    }),
    simulation: z.looseObject({
      replications: number,
      looks: number,
      seed: number,
      stoppedBy: z.enum(['limit', 'time']),
      unitsPerDay: number,
      note: text,
      scenarios: z.array(
        z.looseObject({
          scenario: z.enum([
            'no_effect',
            'mde',
            'twice_mde',
            'harm_at_margin',
            'harm_at_twice_margin',
          ]),
          description: text,
          values: z.array(z.strictObject({ metric: text, control: number, treatment: number })),
          promote: probability,
          rollback: probability,
          inconclusive: probability,
          medianUnitsToVerdict: number.nullable(),
          medianDaysToVerdict: number.nullable(),
        }),
      ),
    }),
  })
  .meta({ id: 'Forecast' }) satisfies z.ZodType<ExperimentForecast>;
