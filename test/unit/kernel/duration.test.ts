import { describe, expect, it } from 'vitest';
import { MAX_DURATION_MS, parseDuration } from '../../../src/kernel/duration.js';

describe('parseDuration', () => {
  it.each([
    ['0s', 0],
    ['250ms', 250],
    ['60s', 60_000],
    ['30m', 1_800_000],
    ['24h', 86_400_000],
    ['7d', 604_800_000],
    ['2w', 1_209_600_000],
    ['3653d', MAX_DURATION_MS],
  ])('reads %s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each([
    '',
    '7',
    'd',
    '-1d',
    '1.5h',
    '1 h',
    '7D',
    '1h30m',
    '3654d',
    '999999999999w',
    ' 7d',
    '7d\n',
    'ms',
  ])('refuses %j and names the field', (text) => {
    expect(() => parseDuration(text, 'window')).toThrow(
      expect.objectContaining({
        code: 'invalid_input',
        defects: [expect.objectContaining({ field: 'window', given: text })],
      }),
    );
  });
});
