import { describe, expect, it } from 'vitest';
import { nearestName } from '../../../src/kernel/nearest-name.js';

describe('nearestName', () => {
  it.each([
    ['latency', 'latency_ms'],
    ['eror_rate', 'error_rate'],
    ['LATENCY_MS', null],
    ['conversion', null],
    ['', null],
  ])('answers %j with %j', (given, expected) => {
    expect(nearestName(given, ['error_rate', 'latency_ms', 'timeout_rate'])).toBe(expected);
  });

  it('has nothing to offer when nothing is known', () => {
    expect(nearestName('anything', [])).toBeNull();
  });
});
