import { describe, expect, it } from 'vitest';
import { newKeySchema } from '../../../src/auth/keys.contract.js';
import { CONTROL_SCOPES, DATA_SCOPES, grants } from '../../../src/auth/scope.js';

describe('scopes', () => {
  it('lets admin do everything on the control plane and nothing on the data plane', () => {
    for (const scope of CONTROL_SCOPES) expect(grants(['admin'], scope)).toBe(true);
    for (const scope of DATA_SCOPES) expect(grants(['admin'], scope)).toBe(false);
  });

  it('lets every other scope do just what it says', () => {
    for (const held of [...CONTROL_SCOPES, ...DATA_SCOPES]) {
      for (const needed of [...CONTROL_SCOPES, ...DATA_SCOPES]) {
        if (held !== 'admin') expect(grants([held], needed)).toBe(held === needed);
      }
    }
  });

  it('lets a key without scopes do nothing', () => {
    for (const scope of [...CONTROL_SCOPES, ...DATA_SCOPES]) expect(grants([], scope)).toBe(false);
  });
});

describe('a request for a key', () => {
  it('may name several scopes of one plane', () => {
    expect(newKeySchema.safeParse({ name: 'app', scopes: [...DATA_SCOPES] }).success).toBe(true);
    expect(newKeySchema.safeParse({ name: 'ops', scopes: [...CONTROL_SCOPES] }).success).toBe(true);
  });

  it('never mixes the planes', () => {
    for (const control of CONTROL_SCOPES) {
      for (const data of DATA_SCOPES) {
        const { error } = newKeySchema.safeParse({ name: 'mix', scopes: [data, control] });
        expect(error?.issues[0]).toMatchObject({
          path: ['scopes'],
          message: expect.stringContaining('one plane only'),
        });
      }
    }
  });

  it.each([
    {},
    { name: 'x' },
    { name: 'x', scopes: [] },
    { name: '', scopes: ['admin'] },
    { name: ' ', scopes: ['admin'] },
    { name: 'x', scopes: ['root'] },
    { name: 'x', scopes: ['admin'], key: 'mine' },
  ])('is refused when it is %j', (body) => {
    expect(newKeySchema.safeParse(body).success).toBe(false);
  });
});
