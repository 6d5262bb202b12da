import { z } from 'zod';
import { nameSchema } from '../models/model.contract.js';
import { isSecret } from './signature.js';
import { GATE_KINDS, WEBHOOK_EVENTS } from './webhook.js';

/** Longer ones do not survive proxies. */
const MAX_URL_LENGTH = 2_000;
const MAX_MODELS = 100;

/** PUT /api/v1/webhooks/{name} */
export const webhookSchema = z
  .strictObject({
    url: z
      .string()
      .max(MAX_URL_LENGTH)
      .describe('Where messages are posted; allowed like upstreams'),
    events: z
      .array(z.enum(WEBHOOK_EVENTS))
      .max(WEBHOOK_EVENTS.length)
      .transform((events) => [...new Set(events)])
      .default([])
      .describe('Which decisions are told'),
    models: z
      .array(nameSchema)
      .min(1)
      .max(MAX_MODELS)
      .nullable()
      .default(null)
      .describe('Only decisions about these models; null: all'),
    gate: z
      .enum(GATE_KINDS)
      .nullable()
      .default(null)
      .describe('Asked before the policy advances or promotes; its answer can veto'),
    secret: z
      .string()
      .refine(isSecret, { error: 'whsec_ and 24 to 64 bytes in base64' })
      .optional()
      .describe('What messages are signed with; made and shown once when left out'),
  })
  .refine(({ events, gate }) => events.length > 0 || gate !== null, {
    path: ['events'],
    error: 'at least one event, or a gate',
  });

export type WebhookRequest = z.infer<typeof webhookSchema>;

/** What a gate answers. More fields are allowed: receivers may tell more than we read. */
export const gateAnswerSchema = z.object({
  allow: z.boolean(),
  reason: z.string().optional(),
});
