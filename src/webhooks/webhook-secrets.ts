import type { SecretsService } from '../auth/secrets.service.js';

/** How long messages also carry the signature of the secret before: receivers change theirs without a gap. */
export const SECRET_OVERLAP_MS = 24 * 3_600_000;

type Sealing = Pick<SecretsService, 'seal' | 'unseal'>;

/** Seals a receiver's secret; one that it replaces stays valid for a day. */
export function sealSecret(
  sealing: Sealing,
  secret: string,
  replaced: { readonly sealed: string; readonly nowMs: number } | null,
): string {
  if (replaced === null) return sealing.seal({ secret });
  const before = sealing.unseal(replaced.sealed)['secret'];
  if (before === secret || before === undefined) return sealing.seal({ secret });
  const untilMs = String(replaced.nowMs + SECRET_OVERLAP_MS);
  return sealing.seal({ secret, before, untilMs });
}

/** The secrets to sign with, the present one first. Throws `internal` when they were sealed by another installation. */
export function secretsIn(sealing: Sealing, sealed: string, nowMs: number): readonly string[] {
  const { secret = '', before, untilMs } = sealing.unseal(sealed);
  return before !== undefined && nowMs < Number(untilMs) ? [secret, before] : [secret];
}
