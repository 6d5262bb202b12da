import { describe, expect, it } from 'vitest';
import { isPlausibleKey, newKey, shownPrefix } from '../../../src/auth/api-key.js';

describe('API keys', () => {
  it('carry a prefix, 160 random bits and a checksum', () => {
    expect(newKey()).toMatch(/^sl_[0-9A-Za-z]{33}$/);
  });

  it('never repeat', () => {
    expect(new Set(Array.from({ length: 2_000 }, newKey)).size).toBe(2_000);
  });

  it('use the whole alphabet evenly in their random part', () => {
    const digits = Array.from({ length: 4_000 }, () => newKey().slice(4, 30)).join('');
    const counts = new Map<string, number>();
    for (const digit of digits) counts.set(digit, (counts.get(digit) ?? 0) + 1);
    const expected = digits.length / 62;
    const chi2 = [...counts.values()].reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
    expect(counts.size).toBe(62);
    expect(chi2).toBeLessThan(120); // 61 degrees of freedom: P < 1e-5
  });

  it('are recognised', () => {
    for (let n = 0; n < 100; n += 1) expect(isPlausibleKey(newKey())).toBe(true);
  });

  it('are refused without a query when one character is wrong, missing or doubled', () => {
    const key = newKey();
    for (let at = 3; at < key.length; at += 1) {
      const other = key.charAt(at) === 'x' ? 'y' : 'x';
      expect(isPlausibleKey(key.slice(0, at) + other + key.slice(at + 1))).toBe(false);
    }
    expect(isPlausibleKey(key.slice(0, 20))).toBe(true); // shaped like an operator's own key: a query decides
    expect(isPlausibleKey(key.slice(0, 19))).toBe(false);
    expect(isPlausibleKey(key.repeat(20))).toBe(false);
  });

  it("accept an operator's own key of at least 20 characters", () => {
    expect(isPlausibleKey('my-own-admin-key-2026')).toBe(true);
    expect(isPlausibleKey('too-short')).toBe(false);
    expect(isPlausibleKey('')).toBe(false);
  });

  it('show 8 characters of a made key and 3 of a given one', () => {
    expect(shownPrefix(newKey())).toMatch(/^sl_[0-9A-Za-z]{5}$/);
    expect(shownPrefix('hunter2hunter2hunter2')).toBe('hun');
  });
});
