import { z } from 'zod';
import { experimentSchema, successorDefects } from '../experiments/experiment.contract.js';
import { crossFieldDefects } from '../experiments/experiment-rules.js';
import { NAME_PATTERN } from '../kernel/names.js';

const assumption = z.strictObject({
  control: z.number().describe('Value in the control: a share, a mean or a ratio'),
  standardDeviation: z
    .number()
    .positive()
    .optional()
    .describe("Of one unit's own value; shares have their own"),
  requestsPerUnit: z
    .number()
    .min(1)
    .max(1_000_000)
    .optional()
    .describe('Metrics about requests only'),
  covariateCorrelation: z
    .number()
    .gt(-1)
    .lt(1)
    .optional()
    .describe("Metrics with a covariate: of a unit's value with what it did before"),
});

/** POST /api/v1/experiments/plan: an experiment that need not have a name, and what is known of its metrics. */
export const planSchema = z
  .strictObject({
    ...experimentSchema.shape,
    name: experimentSchema.shape.name.default('planned'),
    assume: z
      .record(z.string().regex(NAME_PATTERN), assumption)
      .default({})
      .describe('Metric → its control; what is left out comes from recent events'),
  })
  .superRefine((given, context) => {
    for (const { path, message } of [...crossFieldDefects(given), ...successorDefects(given)]) {
      context.addIssue({ code: 'custom', path: [...path], message });
    }
  });

export type PlanBody = z.infer<typeof planSchema>;
