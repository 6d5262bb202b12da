import { z } from 'zod';
import { CONTROL_SCOPES, DATA_SCOPES, isControlScope, isDataScope } from './scope.js';

/** POST /api/v1/keys */
export const newKeySchema = z
  .strictObject({
    name: z
      .string()
      .trim()
      .min(1)
      .max(100)
      .describe('Who uses the key; it appears as the actor in plans and decisions'),
    scopes: z
      .array(z.enum([...CONTROL_SCOPES, ...DATA_SCOPES]))
      .min(1)
      .max(CONTROL_SCOPES.length + DATA_SCOPES.length)
      .describe('Scopes of one plane only; `admin` implies every control-plane scope'),
  })
  .refine((key) => !(key.scopes.some(isControlScope) && key.scopes.some(isDataScope)), {
    path: ['scopes'],
    error: `scopes of one plane only: control plane (${CONTROL_SCOPES.join(', ')}) or data plane (${DATA_SCOPES.join(', ')})`,
  });

export type NewKey = z.infer<typeof newKeySchema>;

export const keyIdSchema = z.uuid().describe('Id of the key, as the list shows it');
