import { fc } from '../../support/property.js';
import { describe, expect, it } from 'vitest';
import {
  count,
  difference,
  level,
  lift,
  percent,
  plain,
  pValue,
  roundPercent,
  tick,
  value,
} from '../../../console/src/format/number.js';

/** Thin spaces as plain ones, so that expectations can be read. */
const spaced = (text: string): string => text.replaceAll('\u202f', ' ');

describe('p-values', () => {
  it.each([
    [0, 'p < 0.0001'],
    [1e-300, 'p < 0.0001'],
    [0.000_099_9, 'p < 0.0001'],
    [0.0001, 'p = 0.000100'],
    [0.016_217, 'p = 0.0162'],
    [0.05, 'p = 0.0500'],
    [0.457_309, 'p = 0.457'],
    [0.999_605, 'p > 0.999'],
    [1, 'p = 1'],
    [null, '–'],
  ])('of %s read %s', (given, text) => {
    expect(pValue(given)).toBe(text);
  });

  it('are never said to be 0, and to be 1 only when they are', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (p) => {
        const text = pValue(p);
        expect(text).not.toMatch(/= 0(\.0*)?$/);
        if (p < 1) expect(text).not.toMatch(/= 1(\.0*)?$/);
      }),
    );
  });
});

describe('values and differences', () => {
  it.each([
    [value(0.120_171, 'share'), '12.0 %'],
    [value(0.008_567, 'share'), '0.857 %'],
    [value(0, 'share'), '0 %'],
    [value(0.808_543, 'milliseconds'), '0.809 ms'],
    [value(12_345.6, 'plain'), '12 346'],
    [value(null, 'share'), '–'],
    [difference(-0.110_51, 'share'), '−11.1 pp'],
    [difference(0.000_273, 'share'), '+0.0273 pp'],
    [difference(-0.042, 'milliseconds'), '−0.0420 ms'],
    [difference(0, 'share'), '0 pp'],
    [lift(-0.927_522), '−92.8 %'],
    [plain(9.999), '10.0'],
    [plain(999.9), '1000'],
    [plain(1.05e-9), '1.05e−9'],
    [plain(Number.POSITIVE_INFINITY), '∞'],
    [percent(0.5), '50.0 %'],
    [roundPercent(0.025), '2.5 %'],
    [roundPercent(0.95), '95 %'],
    [level(0.008_333), '0.00833'],
    [level(0.05), '0.05'],
    [count(1_234_567), '1 234 567'],
    [count(999), '999'],
    [tick(0.1, 'share', true), '+10 pp'],
    [tick(-0.3, 'share', true), '−30 pp'],
    [tick(0, 'milliseconds', false), '0'],
    [tick(0.15000000000000002, 'share', false), '15 %'],
  ])('read %s', (text, expected) => {
    expect(spaced(text)).toBe(expected);
  });

  it('are within half of their last digit of the truth, with the right sign', () => {
    fc.assert(
      fc.property(fc.double({ min: -1e12, max: 1e12, noNaN: true }), (given) => {
        const text = plain(given).replaceAll('\u202f', '').replaceAll('−', '-');
        const shown = Number(text);
        expect(Math.abs(shown - given)).toBeLessThanOrEqual(Math.abs(given) * 0.005 + 1e-300);
        if (shown !== 0) expect(Math.sign(shown)).toBe(Math.sign(given));
      }),
    );
  });
});
