import { z } from 'zod';
import { verbBodySchema } from './rollouts.contract.js';

/** POST /api/v1/models/{model}/holdout/release */
export const releaseBodySchema = z.strictObject({
  reason: verbBodySchema.shape.reason.describe('Kept with the plan and the decision for ever'),
});

export type ReleaseBody = z.infer<typeof releaseBodySchema>;
