import { z } from 'zod';
import { NAME_PATTERN } from '../kernel/names.js';
import type { AttributeSource, CapturePlan, UnitSource } from '../routing/plan.js';

/** RFC 9110 token: what header and cookie names are made of. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** RFC 6901, at least one step: the whole document is no field. */
const POINTER = /^(?:\/(?:[^~/]|~[01])*)+$/;
/** A version may take ten minutes (generation), not more: nobody waits longer and sockets are finite. */
const MAX_TIMEOUT_MS = 600_000;
/** Captured fields per direction: each is stored with every prediction. */
const MAX_CAPTURED = 32;
/** Attributes per model: audiences name a few of them. */
const MAX_ATTRIBUTES = 32;
/** The cohort that the holdout is compared with is as large as the holdout. */
const MAX_HOLDOUT_SHARE = 0.5;
/** Replicas of a version: each has connections of its own in every gateway; more belong behind a load balancer. */
const MAX_REPLICAS = 16;
/** As many calls as connections to 16 replicas: more would only wait in the memory of the gateway. */
const MAX_CONCURRENCY = 8_192;
const MAX_HEADERS = 32;
const MAX_HEADER_LENGTH = 8_192;
/** Headers that belong to the connection or to the gateway; a version cannot set them. */
const RESERVED_HEADERS = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

export const nameSchema = z.string().regex(NAME_PATTERN, {
  error: 'a name: a-z, 0-9, dot, underscore, hyphen, at most 63 characters',
});

const pointerSchema = z
  .string()
  .max(256)
  .regex(POINTER, { error: 'an RFC 6901 JSON pointer such as /user/id' });

const tokenSchema = z.string().max(128).regex(TOKEN, { error: 'a header or cookie name' });

const timeoutSchema = z
  .int({ error: 'milliseconds, a whole number' })
  .min(1, { error: `1 to ${MAX_TIMEOUT_MS} milliseconds` })
  .max(MAX_TIMEOUT_MS, { error: `1 to ${MAX_TIMEOUT_MS} milliseconds` });

const unitSchema = z
  .strictObject({
    header: tokenSchema.toLowerCase().optional(),
    cookie: tokenSchema.optional(),
    query: z.string().min(1).max(128).optional(),
    pointer: pointerSchema.optional(),
    request: z.literal(true).optional(),
  })
  .refine((unit) => Object.keys(unit).length === 1, {
    error: 'exactly one of header, cookie, query, pointer, request',
  })
  .transform((unit) => unit as UnitSource)
  .default({ header: 'x-sluice-unit' })
  .describe('Where the unit of a request comes from: exactly one of the fields');

const capturedSchema = z
  .record(nameSchema, pointerSchema)
  .refine((fields) => Object.keys(fields).length <= MAX_CAPTURED, {
    error: `at most ${MAX_CAPTURED} fields`,
  });

const captureSchema: z.ZodType<CapturePlan> = z.strictObject({
  output: capturedSchema.default({}).describe("Name to JSON pointer into the answer's body"),
  input: capturedSchema.default({}).describe("Name to JSON pointer into the request's body"),
});

const attributeSchema = z
  .strictObject({
    header: tokenSchema.toLowerCase().optional(),
    query: z.string().min(1).max(128).optional(),
    pointer: pointerSchema.optional(),
  })
  .refine((source) => Object.keys(source).length === 1, {
    error: 'exactly one of header, query, pointer',
  })
  .transform((source) => source as AttributeSource);

const attributesSchema = z
  .record(nameSchema, attributeSchema)
  .refine((attributes) => Object.keys(attributes).length <= MAX_ATTRIBUTES, {
    error: `at most ${MAX_ATTRIBUTES} attributes`,
  })
  .default({})
  .describe('Name to where audiences find it: header, query parameter, or pointer into the body');

const holdoutSchema = z
  .strictObject({
    share: z
      .number()
      .gt(0, { error: 'more than 0: a holdout of nobody compares nothing; leave holdout out' })
      .max(MAX_HOLDOUT_SHARE, {
        error: `at most ${MAX_HOLDOUT_SHARE}: as many units again, on shipped champions, are compared with the holdout`,
      })
      .describe('Share of units that stay on the version'),
    version: nameSchema.describe('Registered version that they stay on through every promotion'),
  })
  .nullable()
  .optional()
  .describe(
    'Once there, it cannot be changed or dropped here: leave it out to keep it; POST …/holdout/release ends it',
  );

/** PUT /api/v1/models/{model} */
export const modelSchema = z.strictObject({
  unit: unitSchema,
  fallback: nameSchema
    .nullable()
    .default(null)
    .describe('Registered version that answers when the assigned one fails'),
  timeoutMs: timeoutSchema.default(10_000),
  idempotent: z
    .boolean()
    .default(false)
    .describe('True allows one retry of any method; false only when nothing was sent yet'),
  capture: captureSchema.default({ output: {}, input: {} }),
  attributes: attributesSchema,
  holdout: holdoutSchema,
  disclose: z
    .boolean()
    .default(false)
    .describe('Whether answers may name the experiment and the variant'),
});

export type ModelRequest = z.infer<typeof modelSchema>;
/** What is stored of a model: the request with every default filled in. */
export type ModelSettings = Omit<ModelRequest, 'holdout'>;

const headersSchema = z
  .record(
    tokenSchema.toLowerCase().refine((name) => !RESERVED_HEADERS.has(name), {
      error: 'a header that is not reserved for the connection',
    }),
    z
      .string()
      .max(MAX_HEADER_LENGTH)
      // eslint-disable-next-line no-control-regex -- control characters are what is refused
      .regex(/^[^\u0000-\u0008\u000a-\u001f\u007f]*$/, { error: 'a header value on one line' }),
  )
  .refine((headers) => Object.keys(headers).length <= MAX_HEADERS, {
    error: `at most ${MAX_HEADERS} headers`,
  });

const urlSchema = z.string().max(2_048);

const versionFields = z.strictObject({
  url: urlSchema
    .optional()
    .describe('Base URL of the version; SLUICE_UPSTREAM_ALLOW must allow its host'),
  urls: z
    .array(urlSchema)
    .min(1, { error: `1 to ${MAX_REPLICAS} URLs` })
    .max(MAX_REPLICAS, { error: `1 to ${MAX_REPLICAS} URLs` })
    .optional()
    .describe('Base URLs of its replicas, instead of url; calls go to those that are not failing'),
  headers: headersSchema
    .optional()
    .describe(
      'Sent with every request; sealed at rest, never returned (names only). Left out: the stored ones stay; {} removes them',
    ),
  timeoutMs: timeoutSchema.nullable().default(null).describe("Overrides the model's time-out"),
  metadata: z
    .record(z.string().max(128), z.json())
    .default({})
    .describe('Anything that helps people: commit, training run, owner'),
  maxConcurrency: z
    .int({ error: 'a whole number' })
    .min(1, { error: `1 to ${MAX_CONCURRENCY}` })
    .max(MAX_CONCURRENCY, { error: `1 to ${MAX_CONCURRENCY}` })
    .nullable()
    .default(null)
    .describe(
      'Calls under way at once per gateway process; more go to the fallback or get 503. Null: 512',
    ),
});

/** PUT /api/v1/models/{model}/versions/{version} */
export const versionSchema = versionFields
  .refine(({ url, urls }) => (url === undefined) !== (urls === undefined), {
    error: 'either url or urls',
    path: ['url'],
  })
  .transform(({ url, urls, ...rest }) => ({ ...rest, urls: urls ?? [url ?? ''] }));

export type VersionRequest = z.infer<typeof versionSchema>;

/** POST /api/v1/models/{model}/champion */
export const championSchema = z.strictObject({
  version: nameSchema,
  reason: z.string().trim().min(1).max(500).describe('Kept with the plan for ever'),
});

export type ChampionRequest = z.infer<typeof championSchema>;
