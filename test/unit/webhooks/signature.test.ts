import { describe, expect, it } from 'vitest';
import { isSecret, newSecret, signedHeaders } from '../../../src/webhooks/signature.js';

describe('a signature', () => {
  it('is the one that the specification prints', () => {
    // the example of the reference libraries of Standard Webhooks
    const headers = signedHeaders(['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'], {
      id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      body: '{"test": 2432232314}',
      nowMs: 1_614_265_330_000,
    });
    expect(headers).toEqual({
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });

  it('is made with each secret, so that receivers change theirs without a gap', () => {
    const message = { id: 'm', body: '{}', nowMs: 0 };
    const [one, two] = [newSecret(), newSecret()];
    const both = signedHeaders([one, two], message)['webhook-signature'].split(' ');
    expect(both).toEqual(
      [one, two].map((secret) => signedHeaders([secret], message)['webhook-signature']),
    );
    expect(both[0]).not.toBe(both[1]);
  });

  it.each([
    ['whsec_' + 'A'.repeat(32), true],
    [newSecret(), true],
    ['whsec_' + 'A'.repeat(28), false],
    ['whsec_' + 'A'.repeat(100), false],
    ['whsec_' + '!'.repeat(40), false],
    ['A'.repeat(40), false],
    ['', false],
  ])('needs a secret with a prefix and 24 to 64 bytes: %s', (secret, fits) => {
    expect(isSecret(secret)).toBe(fits);
  });
});
