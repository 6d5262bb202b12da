import { z } from 'zod';
import { CONTROL_SCOPES, DATA_SCOPES } from './scope.js';

/** POST /api/v1/session */
export const signInSchema = z.strictObject({
  key: z.string().trim().min(1).max(512).describe('The text of an API key'),
});

export type SignIn = z.infer<typeof signInSchema>;

/** Who a browser is signed in as. */
export const sessionSchema = z
  .discriminatedUnion('signedIn', [
    z.strictObject({ signedIn: z.literal(false) }),
    z.strictObject({
      signedIn: z.literal(true),
      name: z.string().describe('Name of the key: the actor in decisions'),
      scopes: z.array(z.enum([...CONTROL_SCOPES, ...DATA_SCOPES])).readonly(),
    }),
  ])
  .meta({ id: 'Session' });

export type Session = z.infer<typeof sessionSchema>;
