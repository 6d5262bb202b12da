import { fc } from '../support/property.js';
import { describe, expect, it } from 'vitest';
import { blockBound, encodeBlock, readBlocks } from '../../src/events/block.js';
import type { NewBlock } from '../../src/events/block.js';

const newBlock: fc.Arbitrary<NewBlock> = fc.record({
  type: fc.constantFrom('exposure' as const, 'prediction' as const, 'mirror' as const),
  day: fc.integer({ min: 0, max: 0xffff }),
  atMs: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
  lines: fc.integer({ min: 0, max: 1_000 }),
  text: fc.string({ unit: 'binary', maxLength: 60 }),
});
const segment = fc.array(newBlock, { minLength: 1, maxLength: 6 });

/** The bytes of the blocks and where each ends. */
function encode(blocks: readonly NewBlock[]): {
  readonly bytes: Buffer;
  readonly ends: readonly number[];
} {
  const bytes = Buffer.alloc(blocks.reduce((sum, one) => sum + blockBound(one.text.length), 0));
  let end = 0;
  const ends = blocks.map((one) => (end = encodeBlock(bytes, end, one)));
  return { bytes: bytes.subarray(0, end), ends };
}

describe('a segment', () => {
  it('reads back what was written, whatever it is', () => {
    fc.assert(
      fc.property(segment, (blocks) => {
        const read = readBlocks(encode(blocks).bytes);
        expect(read.tail).toBe('clean');
        expect(
          read.blocks.map((one) => [
            one.type,
            one.day,
            one.atMs,
            one.lines,
            one.payload.toString(),
          ]),
        ).toEqual(
          blocks.map((one) => [one.type, one.day, one.atMs, one.lines, one.text.toWellFormed()]),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('torn at any byte keeps every block before the tear and nothing of the torn one', () => {
    fc.assert(
      fc.property(segment, (blocks) => {
        const { bytes, ends } = encode(blocks);
        const last = ends.at(-2) ?? 0;
        for (let cut = last; cut < bytes.length; cut += 1) {
          const read = readBlocks(bytes.subarray(0, cut));
          expect(read.blocks).toHaveLength(blocks.length - 1);
          expect(read.end).toBe(last);
          expect(read.tail).toBe(cut === last ? 'clean' : 'partial');
        }
      }),
      { numRuns: 100 },
    );
  });

  it('with any bit flipped keeps every block before the flip and never delivers the flipped one', () => {
    fc.assert(
      fc.property(segment, fc.nat(), (blocks, at) => {
        const { bytes, ends } = encode(blocks);
        const bit = at % (bytes.length * 8);
        const flipped = Buffer.from(bytes);
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const good = ends.filter((end) => end <= bit >> 3).length;
        const read = readBlocks(flipped);
        expect(read.blocks).toHaveLength(good);
        expect(read.end).toBe(good === 0 ? 0 : ends[good - 1]);
        expect(read.tail).not.toBe('clean');
      }),
      { numRuns: 2_000 },
    );
  });

  it('never throws and never finds a block in bytes that are none', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        expect(readBlocks(Buffer.from(noise)).blocks).toHaveLength(0);
      }),
      { numRuns: 2_000 },
    );
  });
});
