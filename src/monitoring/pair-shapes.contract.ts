import { z } from 'zod';

const count = z.number();

const distribution = z
  .strictObject({
    count,
    mean: z.number(),
    zero: count.describe('Exactly 0; in no bin'),
    below: count.describe('Below the first bin'),
    above: count.describe('Beyond the last bin'),
    from: z.number().describe('Start of the first bin'),
    width: z.number().describe('0: there are no bins'),
    bins: z.array(count).readonly(),
  })
  .meta({ id: 'Distribution' });

const scatter = z
  .strictObject({
    count,
    scale: z.enum(['linear', 'log']),
    from: z.number(),
    to: z.number(),
    size: z.number().describe('Cells per axis'),
    cells: z
      .array(z.strictObject({ column: z.number(), row: z.number(), pairs: count }))
      .readonly()
      .describe('Column of the primary, row of the shadow; without the empty ones'),
    outside: count.describe('Pairs with a side beyond the range'),
  })
  .meta({ id: 'Scatter' });

const shapes = {
  scatter: scatter.nullable(),
  differences: distribution.describe('The shadow less the primary, request by request'),
};

/** GET /api/v1/experiments/{experiment}/pairs */
export const pairShapesSchema = z
  .strictObject({
    epoch: z.number().nullable().describe('Null before the first look'),
    sent: count.describe('Copies among the newest requests'),
    answered: count.describe('Of those, answered by both'),
    fromMs: z.number().nullable(),
    toMs: z.number().nullable(),
    complete: z.boolean().describe('False: only the newest requests were read'),
    latency: z
      .strictObject(shapes)
      .nullable()
      .describe('Milliseconds of the pairs that both answered'),
    outputs: z
      .array(z.strictObject({ output: z.string(), ...shapes }))
      .describe('Captured outputs that are numbers on both sides'),
    metrics: z
      .array(z.strictObject({ metric: z.string(), differences: distribution }))
      .describe('Of each unit the mean of its differences, shadow less primary'),
  })
  .meta({ id: 'PairShapes' });

export type PairShapesView = z.infer<typeof pairShapesSchema>;
