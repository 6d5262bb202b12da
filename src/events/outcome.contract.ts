import { z } from 'zod';
import { SluiceError } from '../kernel/errors.js';
import { isUuidV7 } from '../kernel/ids.js';
import { NAME_PATTERN } from '../kernel/names.js';
import { jsonDepth, MAX_JSON_DEPTH } from '../kernel/json-depth.js';
import type { Line } from './ndjson.js';
import type { Outcome, Rejection } from './outcome.js';
import { MAX_ID_LENGTH, MAX_NAME_LENGTH, MAX_UNIT_LENGTH, plainOutcome } from './plain-outcome.js';

/** Of a JSON body, which is parsed as a whole. NDJSON streams, and has no limit but time. */
export const MAX_OUTCOMES_PER_BATCH = 1_000;
export const MAX_OUTCOME_BATCH_BYTES = 1024 * 1024;
const NDJSON = 'application/x-ndjson';

/** Of what is said about a bad entry, which may itself be long. */
const MAX_DETAIL_LENGTH = 500;
const NO_CONTROL = /^[^\p{Cc}\p{Surrogate}]+$/u;

const printable = (max: number): z.ZodString =>
  z.string().min(1).max(max).regex(NO_CONTROL, 'must not contain control characters');

/** One outcome as it is sent. */
export const outcomeSchema = z
  .strictObject({
    id: printable(MAX_ID_LENGTH).describe(
      'Your own id; send it again with the same payload as often as you like',
    ),
    model: z.string().regex(NAME_PATTERN, 'must be the name of a model'),
    unit: z
      .string()
      .min(1)
      .max(MAX_UNIT_LENGTH)
      .optional()
      .describe('What the outcome happened to'),
    requestId: z
      .string()
      .refine(isUuidV7, 'must be the x-sluice-request-id of an answer')
      .optional()
      .describe('x-sluice-request-id of the prediction that the outcome is about'),
    name: printable(MAX_NAME_LENGTH).describe('What happened, as the metrics call it'),
    value: z.union([z.number(), z.boolean()], 'must be a finite number or a boolean'),
    at: z.iso.datetime({ offset: true }).optional().describe('When it happened (RFC 3339)'),
  })
  .refine((sent) => (sent.unit === undefined) !== (sent.requestId === undefined), {
    message: 'must name exactly one of unit and requestId',
  });

/** The JSON body; its entries are checked one by one, so that one bad entry does not cost the others. */
export const outcomeBatchSchema = z.strictObject({
  outcomes: z.array(outcomeSchema).max(MAX_OUTCOMES_PER_BATCH),
});

/** One entry of a batch at its place: an outcome, or why it is none. */
export type BatchEntry = { readonly index: number; readonly outcome: Outcome } | Rejection;

/** The entries of a JSON body. Throws `invalid_input` or `too_large` when it is no batch at all. */
export function parseOutcomeBatch(body: unknown): readonly BatchEntry[] {
  const outcomes: unknown = isRecord(body) ? body['outcomes'] : undefined;
  if (!Array.isArray(outcomes) || (isRecord(body) && Object.keys(body).length !== 1)) {
    throw new SluiceError('invalid_input', 'the body is not a batch of outcomes', [
      {
        field: 'outcomes',
        expected: 'exactly one member: an array',
        advice: `or send one outcome a line as ${NDJSON}`,
      },
    ]);
  }
  if (outcomes.length > MAX_OUTCOMES_PER_BATCH) {
    throw new SluiceError('too_large', 'the batch holds too many outcomes', [
      {
        field: 'outcomes',
        given: outcomes.length,
        expected: `at most ${MAX_OUTCOMES_PER_BATCH}`,
        advice: `send several batches, or one outcome a line as ${NDJSON}, as many as you like`,
      },
    ]);
  }
  return outcomes.map((sent: unknown, index) => parseEntry(sent, index));
}

/** One line of NDJSON at its place among the lines that are not blank. */
export function parseOutcomeLine(line: Line, index: number): BatchEntry {
  if (typeof line !== 'string') return { index, code: 'malformed', detail: line.defect };
  // no bracket behind the first one: nothing nests, and the text needs no second look
  const mayNest = line.includes('{', 1) || line.includes('[');
  if (mayNest && jsonDepth(line) > MAX_JSON_DEPTH) {
    return { index, code: 'malformed', detail: `deeper than ${MAX_JSON_DEPTH} levels` };
  }
  let sent: unknown;
  try {
    sent = JSON.parse(line);
  } catch (error) {
    const detail = error instanceof Error ? error.message : 'not JSON';
    return { index, code: 'malformed', detail: detail.slice(0, MAX_DETAIL_LENGTH) };
  }
  return parseEntry(sent, index);
}

function parseEntry(sent: unknown, index: number): BatchEntry {
  const plain = plainOutcome(sent);
  return plain === null ? parseBySchema(sent, index) : { index, outcome: plain };
}

/** What the schema says of one entry: the long way, for what is rare or wrong. */
export function parseBySchema(sent: unknown, index: number): BatchEntry {
  const parsed = outcomeSchema.safeParse(sent);
  if (!parsed.success) {
    const detail = parsed.error.issues
      .map((issue) =>
        issue.path.length > 0 ? `${issue.path.join('.')}: ${issue.message}` : issue.message,
      )
      .join('; ');
    return { index, code: 'invalid_input', detail: detail.slice(0, MAX_DETAIL_LENGTH) };
  }
  const { id, model, unit, requestId, name, value, at } = parsed.data;
  const subject: Outcome['subject'] | null =
    requestId !== undefined && isUuidV7(requestId)
      ? { kind: 'request', requestId }
      : unit !== undefined
        ? { kind: 'unit', unit }
        : null;
  if (subject === null)
    return { index, code: 'invalid_input', detail: 'must name exactly one of unit and requestId' };
  return {
    index,
    outcome: {
      id,
      model,
      subject,
      name,
      value: Number(value),
      atMs: at === undefined ? null : Date.parse(at),
    },
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
