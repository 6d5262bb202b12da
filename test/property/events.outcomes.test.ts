import { fc } from '../support/property.js';
import { describe, expect, it } from 'vitest';
import { LineSplitter, MAX_LINE_BYTES } from '../../src/events/ndjson.js';
import type { Line } from '../../src/events/ndjson.js';
import { parseBySchema, parseOutcomeLine } from '../../src/events/outcome.contract.js';
import { plainOutcome } from '../../src/events/plain-outcome.js';

const text = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ maxLength: 6, unit: 'binary' }),
  fc.constantFrom('', 'a'.repeat(200), 'a'.repeat(201), 'b'.repeat(8_193), '\t', '\u007f', 'ü'),
);
const time = fc.oneof(
  fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
  fc.constantFrom(
    ...['2026-02-30T10:00:00Z', '2026-11-20T24:00:00Z', '2026-11-20T10:00:00', '2026-11-20'],
    ...['2026-11-20T10:00:00.123456789Z', '2026-11-20T10:00:00+02:00', '2026-11-20T10:00Z', ''],
  ),
);
const right = fc.record({
  id: fc.oneof(fc.uuid(), fc.string({ minLength: 1, maxLength: 12 })),
  model: fc.constantFrom('spam', 'eta', 'a'.repeat(63)),
  unit: fc.oneof(fc.uuid(), fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' })),
  name: fc.constantFrom('conversion', 'revenue per user'),
  value: fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean()),
});
const change = fc.record(
  {
    id: text,
    model: fc.oneof(fc.constantFrom('Eta', 'a'.repeat(64)), text),
    unit: fc.oneof(text, fc.constant(undefined)),
    requestId: fc.oneof(fc.uuid({ version: 7 }), fc.uuid({ version: 4 })),
    name: text,
    value: fc.constantFrom<unknown>(null, '1', Infinity, Number.NaN, -0),
    at: fc.oneof(time, fc.constant(0)),
    surprise: fc.constant(1),
  },
  { requiredKeys: [] },
);
/** Right ones, and nearly right ones: right ones must be common enough for the comparison to say something. */
const entry = fc.oneof(
  right,
  fc.record({ at: time }).chain(({ at }) => right.map((sent) => ({ ...sent, at }))),
  fc.tuple(right, fc.uuid({ version: 7 })).map(([{ unit: _unit, ...sent }, requestId]) => ({
    ...sent,
    requestId,
  })),
  fc.tuple(right, change).map(([sent, other]) => ({ ...sent, ...other })),
);

describe('an outcome of the common shape', () => {
  it('is what the schema says it is, and nothing that the schema refuses', () => {
    let plain = 0;
    fc.assert(
      fc.property(fc.oneof({ weight: 9, arbitrary: entry }, fc.jsonValue()), (sent) => {
        const found = plainOutcome(sent);
        if (found === null) return;
        plain += 1;
        expect({ index: 3, outcome: found }).toEqual(parseBySchema(sent, 3));
      }),
      { numRuns: 10_000 },
    );
    expect(plain).toBeGreaterThan(3_000);
  });

  it('is taken the short way when applications send it as documented', () => {
    const sent = { id: 'order-17', model: 'spam', unit: 'ann', name: 'conversion', value: 1 };
    for (const one of [
      sent,
      { ...sent, value: true },
      { ...sent, at: '2026-11-20T10:00:00Z' },
      { ...sent, at: '2026-11-20T10:00:00.123Z' },
    ]) {
      expect(plainOutcome(one)).not.toBeNull();
    }
  });

  it('gives the same verdict as a line that its JSON value gives', () => {
    fc.assert(
      fc.property(entry, (sent) => {
        const again: unknown = JSON.parse(JSON.stringify(sent));
        expect(parseOutcomeLine(JSON.stringify(sent), 0)).toEqual(parseBySchema(again, 0));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('lines of a stream', () => {
  const long = 'x'.repeat(MAX_LINE_BYTES + 1);
  const line = fc.oneof(
    { weight: 8, arbitrary: fc.string({ maxLength: 30, unit: 'grapheme' }) },
    fc.constantFrom('', '  ', '\r', long, `${long}y`, 'ü'.repeat(MAX_LINE_BYTES / 2 + 1)),
  );

  function cut(bytes: Buffer, sizes: readonly number[]): readonly Line[] {
    const splitter = new LineSplitter();
    const lines: Line[] = [];
    for (let from = 0, turn = 0; from < bytes.length; turn += 1) {
      const size = sizes[turn % sizes.length] ?? 1;
      lines.push(...splitter.push(bytes.subarray(from, from + size)));
      from += size;
    }
    return [...lines, ...splitter.end()];
  }

  it('are the same however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 6 }),
        (sent, sizes) => {
          const bytes = Buffer.from(sent.join('\n'));
          // a split line of 64 KiB in pieces of one byte would take the test a minute
          const steps = bytes.length > 10_000 ? sizes.map((size) => size * 300) : sizes;
          expect(cut(bytes, steps)).toEqual(cut(bytes, [bytes.length + 1]));
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('are those of the text, without blank ones and without their content when too long', () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), (sent) => {
        const texts = sent.join('\n').split('\n');
        const expected = texts
          .filter((one) => one.trim() !== '')
          .map((one) => (Buffer.byteLength(one) > MAX_LINE_BYTES ? 'too long' : one));
        const found = cut(Buffer.from(sent.join('\n')), [999]);
        expect(found.map((one) => (typeof one === 'string' ? one : 'too long'))).toEqual(expected);
      }),
    );
  });

  it('that are not UTF-8 cost nobody but themselves', () => {
    const bytes = Buffer.concat([Buffer.from('a\n'), Buffer.from([0xff, 0x0a]), Buffer.from('b')]);
    const found = [...cut(bytes, [100])];
    expect(found).toEqual(['a', { defect: 'the line is not UTF-8' }, 'b']);
    expect(cut(bytes, [1])).toEqual(found);
  });
});
