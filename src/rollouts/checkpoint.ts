import type { SigningKey } from '../auth/signing-key.js';
import type { StoredDecision } from './stored-decision.js';

/** A signature under one decision and, through its hash, under everything before it. */
export interface Checkpoint {
  readonly experimentId: string;
  readonly number: number;
  readonly hash: string;
  readonly atMs: number;
  /** Which key signed. */
  readonly keyId: string;
  /** Ed25519 over {@link checkpointText}, base64. */
  readonly signature: string;
}

type Signed = Pick<Checkpoint, 'experimentId' | 'number' | 'hash' | 'atMs'>;

/** What is signed. The first line keeps the signature from meaning anything elsewhere. */
export function checkpointText({ experimentId, number, hash, atMs }: Signed): string {
  return ['sluice-checkpoint-v1', experimentId, String(number), hash, String(atMs)].join('\n');
}

export function checkpointOf(
  { experimentId, number, hash, atMs }: StoredDecision,
  key: SigningKey,
): Checkpoint {
  const signed: Signed = { experimentId, number, hash, atMs };
  const signature = key.sign(checkpointText(signed));
  return { ...signed, keyId: key.public.id, signature };
}
