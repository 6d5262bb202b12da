import { describe, expect, it } from 'vitest';
import { SecretsService } from '../../../src/auth/secrets.service.js';

const headers = { authorization: 'Bearer canary-3141', 'x-other': 'größer' };

describe('sealed headers', () => {
  const secrets = new SecretsService('instance secret');

  it('come back as they were', () => {
    expect(secrets.unseal(secrets.seal(headers))).toEqual(headers);
  });

  it('show nothing of their content and never look the same twice', () => {
    const sealed = secrets.seal(headers);
    expect(sealed).not.toContain('canary');
    expect(Buffer.from(sealed.split('.')[1]!, 'base64url').toString('latin1')).not.toContain(
      'canary',
    );
    expect(secrets.seal(headers)).not.toBe(sealed);
  });

  it('open for every process with the same instance secret', () => {
    expect(new SecretsService('instance secret').unseal(secrets.seal(headers))).toEqual(headers);
  });

  it('stay shut for another instance secret, and the refusal says which setting to look at', () => {
    expect(() => new SecretsService('another').unseal(secrets.seal(headers))).toThrow(
      expect.objectContaining({
        code: 'internal',
        defects: [expect.objectContaining({ advice: expect.stringContaining('SLUICE_SECRET') })],
      }),
    );
  });

  it('refuse every changed byte', () => {
    const sealed = secrets.seal({ a: 'b' });
    const bytes = Buffer.from(sealed.slice(3), 'base64url');
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 1;
      expect(() => secrets.unseal(`v1.${changed.toString('base64url')}`)).toThrow();
    }
  });

  it.each(['', 'v1.', 'v1', 'v2.AAAA', 'v1.AAAA', '{}'])('refuse %j', (text) => {
    expect(() => secrets.unseal(text)).toThrow(/cannot be read/);
  });
});

describe('key hashes', () => {
  it('are 64 hex digits that depend on the key and on the instance secret', () => {
    const one = new SecretsService('one');
    expect(one.hash('key')).toMatch(/^[0-9a-f]{64}$/);
    expect(one.hash('key')).toBe(new SecretsService('one').hash('key'));
    expect(one.hash('key')).not.toBe(one.hash('kez'));
    expect(one.hash('key')).not.toBe(new SecretsService('two').hash('key'));
  });

  it('are pinned: stored keys must be found after an upgrade', () => {
    expect(new SecretsService('pinned').hash('sl_pinned')).toBe(
      '0aee6809e198c6634e2563dc50a1a45fec3c19f6a202804731a6488cf3babef9',
    );
  });
});
