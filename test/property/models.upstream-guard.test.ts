import { fc } from '../support/property.js';
import { describe, expect, it } from 'vitest';
import { classOf } from '../../src/models/addresses.js';
import { UpstreamGuard } from '../../src/models/upstream-guard.js';

const octets = (address: number): number[] =>
  [24, 16, 8, 0].map((shift) => (address >>> shift) & 255);
const dotted = (address: number): string => octets(address).join('.');

/** The ways in which URL parsing lets an IPv4 address be written. */
const SPELLINGS: readonly ((address: number) => string)[] = [
  dotted,
  (address) => String(address),
  (address) => `0x${address.toString(16)}`,
  (address) => `0${address.toString(8)}`,
  (address) =>
    octets(address)
      .map((octet) => `0x${octet.toString(16)}`)
      .join('.'),
  (address) =>
    octets(address)
      .map((octet) => `0${octet.toString(8)}`)
      .join('.'),
  (address) => `${address >>> 24}.${address & 0xffffff}`,
  (address) => `${dotted(address)}.`,
  (address) => `[::ffff:${dotted(address)}]`,
  (address) => `[::ffff:${(address >>> 16).toString(16)}:${(address & 0xffff).toString(16)}]`,
];

const inBlock = (base: number, bits: number): fc.Arbitrary<number> =>
  fc.nat({ max: 2 ** (32 - bits) - 1 }).map((host) => (base + host) >>> 0);

const denied = fc.oneof(
  inBlock(0x00000000, 8),
  inBlock(0x7f000000, 8),
  inBlock(0xa9fe0000, 16),
  inBlock(0xe0000000, 4),
  inBlock(0xf0000000, 4),
  fc.constantFrom(0xa9fea9fe, 0xa83f8110, 0x646464c8),
);

const accepts = (guard: UpstreamGuard, url: string): boolean => {
  try {
    guard.checkUrl(url);
    return true;
  } catch {
    return false;
  }
};

describe('the upstream guard', () => {
  it('refuses a denied address however it is spelled and whatever is listed', () => {
    const open = new UpstreamGuard({ upstreamAllow: ['0.0.0.0/0', '::/0'], allowLoopback: false });
    fc.assert(
      fc.property(denied, fc.constantFrom(...SPELLINGS), (address, spell) => {
        expect(accepts(open, `http://${spell(address)}:8080/v1`)).toBe(false);
        expect(open.isAllowedAddress(dotted(address), 'models.internal', 8080)).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });

  it('treats every spelling of an address alike', () => {
    const guard = new UpstreamGuard({
      upstreamAllow: ['10.0.0.0/8', '200.0.0.0/6'],
      allowLoopback: false,
    });
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 32 - 1 }), fc.constantFrom(...SPELLINGS), (address, spell) => {
        expect(accepts(guard, `http://${spell(address)}/`)).toBe(
          accepts(guard, `http://${dotted(address)}/`),
        );
      }),
      { numRuns: 2_000 },
    );
  });

  it('allows an ordinary address exactly when a listed block holds it', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 2 ** 32 - 1 }),
        fc.nat({ max: 2 ** 32 - 1 }),
        fc.integer({ min: 1, max: 32 }),
        (address, base, bits) => {
          fc.pre(classOf(dotted(address)) === 'ordinary');
          const guard = new UpstreamGuard({
            upstreamAllow: [`${dotted(base)}/${bits}`],
            allowLoopback: false,
          });
          const holds = address >>> (32 - bits) === base >>> (32 - bits);
          expect(accepts(guard, `http://${dotted(address)}`)).toBe(holds);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('throws nothing but refusals, whatever it is given', () => {
    const guard = new UpstreamGuard({ upstreamAllow: ['a.b'], allowLoopback: true });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.webUrl(),
          fc.string().map((s) => `http://${s}`),
        ),
        (url) => {
          try {
            expect(guard.checkUrl(url)).toMatch(/^https?:\/\//);
          } catch (error) {
            expect(error).toMatchObject({ code: 'invalid_input' });
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
