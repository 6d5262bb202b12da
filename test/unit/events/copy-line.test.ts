import { describe, expect, it } from 'vitest';
import {
  copyText,
  dayText,
  eventDay,
  EXPOSURE_COLUMNS,
  exposureLine,
  PREDICTION_COLUMNS,
  predictionLine,
} from '../../../src/events/copy-line.js';
import { MAX_UNIT_KEY_LENGTH, unitKeyOf } from '../../../src/events/unit-key.js';
import { uuidV7 } from '../../../src/kernel/ids.js';
import { anExposure, aPrediction } from '../../support/events.js';

const AT_MS = Date.UTC(2026, 10, 20, 23, 59, 59, 7);
const REQUEST_ID = uuidV7(AT_MS, new Uint8Array(10));
const DAY = Math.floor(AT_MS / 86_400_000);

describe('a COPY line', () => {
  it('has one field per column, in their order', () => {
    const line = exposureLine(
      anExposure({ requestId: REQUEST_ID, atMs: AT_MS, unitKey: 'u' }),
      DAY,
    );
    expect(line).toBe(
      `2026-11-20\tu\t${REQUEST_ID}\t2026-11-20T23:59:59.007Z\tspam\t0193b2c4-5d6e-7f80-9a1b-0123456789ab\t1\t0\tcontrol\tv1\t7\n`,
    );
    expect(line.split('\t')).toHaveLength(EXPOSURE_COLUMNS.split(',').length);
    expect(predictionLine(aPrediction(), DAY).split('\t')).toHaveLength(
      PREDICTION_COLUMNS.split(',').length,
    );
  });

  it('says NULL for what a request outside experiments does not have', () => {
    const none = { experimentId: null, epoch: null, phase: null, variant: null, captured: null };
    const fields = predictionLine(aPrediction(none), DAY).split('\t');
    expect([5, 6, 7, 8, 18].map((column) => fields[column])).toEqual([
      '\\N',
      '\\N',
      '\\N',
      '\\N',
      '\\N',
    ]);
  });

  it('keeps one line however hostile its texts are', () => {
    for (const hostile of [
      '\t',
      '\n',
      '\r',
      '\\',
      '\\N',
      '\\.',
      'a\nb\tc\\',
      '\u0000',
      '\uD800',
      '𝒳\n',
    ]) {
      const line = exposureLine(
        anExposure({ unitKey: hostile, model: hostile, variant: hostile }),
        DAY,
      );
      expect(line.indexOf('\n')).toBe(line.length - 1);
      expect(line.split('\t')).toHaveLength(EXPOSURE_COLUMNS.split(',').length);
      expect(line).not.toContain('\0');
    }
  });

  it('cannot be made to say NULL or end of data by a text', () => {
    expect(copyText('\\N')).toBe('\\\\N');
    expect(copyText('\\.')).toBe('\\\\.');
  });

  it('keeps jsonb free of what jsonb refuses', () => {
    const captured = {
      'a\u0000': 'b\u0000c',
      lone: '\uD800',
      fine: 'é𝒳',
      number: 1.5,
      none: null,
      yes: true,
    };
    const line = predictionLine(aPrediction({ captured }), DAY);
    expect(line).not.toContain('\\u0000');
    expect(line).not.toContain('\\ud800');
    expect(line).toContain('"fine":"é𝒳"');
  });
});

describe('the partition day', () => {
  it('comes from the request id, not from the time of the event', () => {
    expect(eventDay(REQUEST_ID, AT_MS + 86_400_000)).toBe(DAY);
    expect(dayText(DAY)).toBe('2026-11-20');
  });

  it('comes from the time when the id is no UUIDv7, and is in range whatever comes in', () => {
    expect(eventDay('nonsense', AT_MS)).toBe(DAY);
    expect(eventDay('nonsense', Number.NaN)).toBe(0);
    expect(eventDay('nonsense', -1)).toBe(0);
    expect(eventDay('ffffffff-ffff-7fff-bfff-ffffffffffff', 0)).toBe(0);
  });
});

describe('a unit key', () => {
  it('is stored as it came when the database can hold it', () => {
    expect(unitKeyOf('user-1')).toBe('user-1');
    expect(unitKeyOf('x'.repeat(MAX_UNIT_KEY_LENGTH))).toHaveLength(MAX_UNIT_KEY_LENGTH);
  });

  it('becomes a hash when an index cannot hold it, and different keys stay different', () => {
    const long = 'x'.repeat(MAX_UNIT_KEY_LENGTH + 1);
    expect(unitKeyOf(long)).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(unitKeyOf(long)).not.toBe(unitKeyOf(`${long}x`));
  });

  it('loses NUL and lone surrogates, which PostgreSQL cannot hold', () => {
    expect(unitKeyOf('a\0b')).toBe('a\uFFFDb');
    expect(unitKeyOf('a\uD800b')).toBe('a\uFFFDb');
  });
});
