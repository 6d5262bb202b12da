import { describe, expect, it } from 'vitest';
import { SecretsService } from '../../../src/auth/secrets.service.js';
import { newSecret } from '../../../src/webhooks/signature.js';
import { SECRET_OVERLAP_MS, sealSecret, secretsIn } from '../../../src/webhooks/webhook-secrets.js';

const sealing = new SecretsService('instance secret');

describe('the secret of a webhook', () => {
  it('is not readable in its seal', () => {
    const secret = newSecret();
    const sealed = sealSecret(sealing, secret, null);
    expect(sealed).not.toContain(secret.slice(6));
    expect(secretsIn(sealing, sealed, 0)).toEqual([secret]);
  });

  it('that was replaced signs along for a day, and then no more', () => {
    const [old, fresh] = [newSecret(), newSecret()];
    const before = sealSecret(sealing, old, null);
    const sealed = sealSecret(sealing, fresh, { sealed: before, nowMs: 1_000 });
    expect(secretsIn(sealing, sealed, 1_000 + SECRET_OVERLAP_MS - 1)).toEqual([fresh, old]);
    expect(secretsIn(sealing, sealed, 1_000 + SECRET_OVERLAP_MS)).toEqual([fresh]);
  });

  it('of another installation cannot be used, but replaced', () => {
    const other = new SecretsService('another instance secret');
    const sealed = sealSecret(other, newSecret(), null);
    expect(() => secretsIn(sealing, sealed, 0)).toThrow('the secret of the webhook cannot be read');
    const fresh = newSecret();
    const again = sealSecret(sealing, fresh, { sealed, nowMs: 0 });
    expect(secretsIn(sealing, again, 1)).toEqual([fresh]);
  });

  it('given again as it was starts no overlap', () => {
    const secret = newSecret();
    const sealed = sealSecret(sealing, secret, null);
    const again = sealSecret(sealing, secret, { sealed, nowMs: 0 });
    expect(secretsIn(sealing, again, 1)).toEqual([secret]);
  });
});
