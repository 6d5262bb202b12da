import { describe, expect, it } from 'vitest';
import { bucket, murmur3 } from '../../../src/routing/murmur3.js';
import { plainMurmur3 } from './plain.js';

const SEED = 0x9747b28c;

// Published vectors: Ian Boyd, https://stackoverflow.com/a/31929528 (checked against smhasher), and Wikipedia,
// "MurmurHash", section "Algorithm".
const PUBLISHED: readonly (readonly [text: string, seed: number, hash: number])[] = [
  ['', 0, 0],
  ['', 1, 0x514e28b7],
  ['', 0xffffffff, 0x81f16f39],
  ['\0\0\0\0', 0, 0x2362f9de],
  ['\0\0\0', 0, 0x85f0b427],
  ['\0\0', 0, 0x30f4c306],
  ['\0', 0, 0x514e28b7],
  ['a', SEED, 0x7fa09ea6],
  ['aa', SEED, 0x5d211726],
  ['aaa', SEED, 0x283e0130],
  ['aaaa', SEED, 0x5a97808a],
  ['ab', SEED, 0x74875592],
  ['abc', SEED, 0xc84a62dd],
  ['abcd', SEED, 0xf0478627],
  ['abc', 0, 0xb3dd93fa],
  ['abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq', 0, 0xee925b90],
  ['a'.repeat(256), SEED, 0x37405bdc],
  ['ππππππππ', SEED, 0xd58063c1],
  ['test', 0, 0xba6bd213],
  ['test', SEED, 0x704b81dc],
  ['Hello, world!', 0, 0xc0363e43],
  ['Hello, world!', SEED, 0x24884cba],
  ['The quick brown fox jumps over the lazy dog', 0, 0x2e4ff723],
  ['The quick brown fox jumps over the lazy dog', SEED, 0x2fa826cd],
];

describe('murmur3', () => {
  it.each(PUBLISHED)('hashes %j with seed %i as published', (text, seed, hash) => {
    expect(murmur3(text, seed)).toBe(hash);
  });

  it.each(['é', 'abcé', 'abcdé', 'abcdeé', 'a€b', '用户-42', '😀', 'x😀y', 'é'.repeat(64)])(
    'hashes %j by its UTF-8 bytes, wherever the first byte beyond ASCII stands',
    (text) => {
      expect(murmur3(text)).toBe(plainMurmur3(text, 0));
    },
  );

  it('hashes a lone surrogate as U+FFFD', () => {
    expect(murmur3('a\ud800b')).toBe(murmur3('a\ufffdb'));
  });

  it('puts no text outside [0, 1)', () => {
    for (let i = 0; i < 50_000; i++) {
      const place = bucket('salt', String(i));
      expect(place >= 0 && place < 1).toBe(true);
    }
  });

  it('takes the bucket from the hash of salt:unit over 2^32', () => {
    expect(bucket('s1', 'u1')).toBe(plainMurmur3('s1:u1', 0) / 2 ** 32);
  });
});
