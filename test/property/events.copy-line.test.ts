import { fc } from '../support/property.js';
import { describe, expect, it } from 'vitest';
import { copyText, exposureLine, mirrorLine, predictionLine } from '../../src/events/copy-line.js';
import { storableText, unitKeyOf } from '../../src/events/unit-key.js';
import { aMirror, anExposure, aPrediction } from '../support/events.js';

const MEANING: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', '\\': '\\' };

/** A field as PostgreSQL reads it (the manual's "Text Format"), written independently of the writer. */
function field(text: string): string | null {
  if (text === '\\N') return null;
  return text.replace(/\\(.)/g, (_all, letter: string) => MEANING[letter] ?? letter);
}

function fields(line: string): readonly (string | null)[] {
  expect(line.endsWith('\n')).toBe(true);
  expect(line.indexOf('\n')).toBe(line.length - 1);
  return line.slice(0, -1).split('\t').map(field);
}

const hostile = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom(
      '\\',
      'N',
      'n',
      't',
      '.',
      '\t',
      '\n',
      '\r',
      '\0',
      '\uD800',
      '\uDC00',
      'é',
      '𝒳',
      'x',
    ),
  }),
);

describe('the COPY text format', () => {
  it('gives every text back that PostgreSQL can hold, whatever is in it', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(field(copyText(text))).toBe(storableText(text));
      }),
      { numRuns: 2_000 },
    );
  });

  it('gives every field of an exposure back at its place', () => {
    fc.assert(
      fc.property(hostile, hostile, hostile, hostile, (unitKey, model, variant, version) => {
        const e = anExposure({ unitKey, model, variant, version });
        const read = fields(exposureLine(e, 20_777));
        expect([read[1], read[4], read[8], read[9]]).toEqual([
          unitKeyOf(unitKey),
          storableText(model),
          storableText(variant),
          storableText(version),
        ]);
        expect(Date.parse(read[3] ?? '')).toBe(e.atMs);
      }),
      { numRuns: 500 },
    );
  });

  it('says a time to the millisecond, for any time a date can say', () => {
    fc.assert(
      fc.property(fc.integer({ min: -60_000_000_000, max: 4_102_444_800_000 }), (atMs) => {
        expect(
          Date.parse(fields(exposureLine(anExposure({ atMs: Date.now() }), 0))[3] ?? ''),
        ).toBeGreaterThan(0);
        expect(Date.parse(fields(exposureLine({ ...anExposure(), atMs }, 0))[3] ?? '')).toBe(atMs);
      }),
      { numRuns: 1_000 },
    );
  });

  it('gives captured fields back, and numbers to the last digit', () => {
    const value = fc.oneof(
      hostile,
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
      fc.constant(null),
    );
    fc.assert(
      fc.property(
        fc.string({ minLength: 1 }),
        value,
        fc.double({ noNaN: true }),
        (name, captured, latencyMs) => {
          const read = fields(
            predictionLine(aPrediction({ captured: { [name]: captured }, latencyMs }), 0),
          );
          const back: unknown = JSON.parse(read[18] ?? '');
          const expected = typeof captured === 'string' ? storableText(captured) : captured;
          expect(back).toEqual(
            JSON.parse(JSON.stringify(Object.fromEntries([[storableText(name), expected]]))),
          );
          expect(Number(read[16])).toBe(latencyMs === 0 ? 0 : latencyMs);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('gives both sides of a mirrored request back, whatever was captured', () => {
    fc.assert(
      fc.property(hostile, hostile, (one, other) => {
        const { primary, shadow } = aMirror();
        const read = fields(
          mirrorLine(
            aMirror({
              primary: { ...primary, captured: { text: one } },
              shadow: shadow === null ? null : { ...shadow, captured: { text: other } },
            }),
            20_777,
          ),
        );
        expect(read).toHaveLength(22);
        expect(JSON.parse(read[15] ?? '')).toEqual({ text: storableText(one) });
        expect(JSON.parse(read[20] ?? '')).toEqual({ text: storableText(other) });
      }),
      { numRuns: 500 },
    );
  });
});
