import { z } from 'zod';
import type { Model } from './model.js';

const text = z.string();
const pointers = z.record(text, text);

const versionView = z
  .strictObject({
    name: text,
    url: text.describe('The first of urls'),
    urls: z.array(text),
    headerNames: z.array(text),
    timeoutMs: z.number().nullable(),
    maxConcurrency: z.number().nullable().describe('Null: 512'),
    metadata: z.record(text, z.unknown()),
    createdAt: text,
    updatedAt: text,
  })
  .meta({ id: 'Version' });

/** What GET /api/v1/models/{model} answers. */
export const modelViewSchema = z
  .looseObject({
    name: text,
    champion: text.nullable().describe('Serves by default; null before the first version'),
    unit: z.union([
      z.strictObject({ header: text }),
      z.strictObject({ cookie: text }),
      z.strictObject({ query: text }),
      z.strictObject({ pointer: text }),
      z.strictObject({ request: z.literal(true) }),
    ]),
    fallback: text.nullable(),
    timeoutMs: z.number(),
    idempotent: z.boolean(),
    capture: z.strictObject({ output: pointers, input: pointers }),
    attributes: z.record(
      text,
      z.union([
        z.strictObject({ header: text }),
        z.strictObject({ query: text }),
        z.strictObject({ pointer: text }),
      ]),
    ),
    holdout: z.looseObject({ share: z.number(), version: text }).exactOptional(),
    disclose: z.boolean(),
    versions: z.array(versionView),
    createdAt: text,
    updatedAt: text,
  })
  .meta({ id: 'Model' }) satisfies z.ZodType<Model>;

export const modelListSchema = z.strictObject({ models: z.array(modelViewSchema) });
