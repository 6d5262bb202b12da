import type { SecretsService } from '../auth/secrets.service.js';
import { SluiceError } from '../kernel/errors.js';

/** How long messages also carry the signature of the secret before: receivers change theirs without a gap. */
export const SECRET_OVERLAP_MS = 24 * 3_600_000;

type Sealing = Pick<SecretsService, 'seal' | 'unseal'>;

/** Seals a receiver's secret; one that it replaces stays valid for a day. */
export function sealSecret(
  sealing: Sealing,
  secret: string,
  replaced: { readonly sealed: string; readonly nowMs: number } | null,
): string {
  const before = replaced === null ? undefined : opened(sealing, replaced.sealed)?.['secret'];
  if (replaced === null || before === secret || before === undefined) {
    return sealing.seal({ secret });
  }
  const untilMs = String(replaced.nowMs + SECRET_OVERLAP_MS);
  return sealing.seal({ secret, before, untilMs });
}

/** The secrets to sign with, the present one first. Throws `internal` when they were sealed by another installation. */
export function secretsIn(sealing: Sealing, sealed: string, nowMs: number): readonly string[] {
  const content = opened(sealing, sealed);
  if (content === null) {
    throw new SluiceError('internal', 'the secret of the webhook cannot be read', [
      {
        expected: 'a secret sealed with this instance secret',
        advice: 'start every process with the same SLUICE_SECRET, or give the webhook a new secret',
      },
    ]);
  }
  const { secret = '', before, untilMs } = content;
  return before !== undefined && nowMs < Number(untilMs) ? [secret, before] : [secret];
}

/** Null for what another installation has sealed: it can be replaced and nothing else. */
function opened(sealing: Sealing, sealed: string): Readonly<Record<string, string>> | null {
  try {
    return sealing.unseal(sealed);
  } catch {
    return null;
  }
}
