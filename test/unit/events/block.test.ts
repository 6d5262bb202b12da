import { describe, expect, it } from 'vitest';
import {
  blockBound,
  countLines,
  encodeBlock,
  HEADER_BYTES,
  readBlocks,
} from '../../../src/events/block.js';
import type { NewBlock } from '../../../src/events/block.js';

function block(text: string, change: Partial<NewBlock> = {}): NewBlock {
  return { type: 'exposure', day: 20_777, atMs: 1_795_200_000_123, lines: 1, text, ...change };
}

function encoded(...blocks: readonly NewBlock[]): Buffer {
  const bytes = Buffer.alloc(blocks.reduce((sum, one) => sum + blockBound(one.text.length), 0));
  const end = blocks.reduce((at, one) => encodeBlock(bytes, at, one), 0);
  return bytes.subarray(0, end);
}

describe('a block', () => {
  it('comes back as it was written', () => {
    const read = readBlocks(
      encoded(block('a\tb\n'), block('é𝒳\nx\n', { type: 'prediction', lines: 2, day: 1 })),
    );
    expect(read.tail).toBe('clean');
    expect(
      read.blocks.map(({ type, day, atMs, lines, payload }) => [
        type,
        day,
        atMs,
        lines,
        payload.toString(),
      ]),
    ).toEqual([
      ['exposure', 20_777, 1_795_200_000_123, 1, 'a\tb\n'],
      ['prediction', 1, 1_795_200_000_123, 2, 'é𝒳\nx\n'],
    ]);
    expect(read.blocks[0]?.end).toBe(HEADER_BYTES + 4);
  });

  it('of an older spool still reads: a type keeps its byte for ever', () => {
    const typeByte = (type: NewBlock['type']): number => encoded(block('a\n', { type }))[26] ?? -1;
    expect([typeByte('exposure'), typeByte('prediction'), typeByte('mirror')]).toEqual([0, 1, 2]);
  });

  it('is left for later when it would exceed the lines asked for, but the first is always taken', () => {
    const bytes = encoded(block('1\n2\n3\n', { lines: 3 }), block('4\n'), block('5\n'));
    expect(readBlocks(bytes, 4).blocks).toHaveLength(2);
    expect(readBlocks(bytes, 1).blocks).toHaveLength(1);
  });

  it('is damage when its length is beyond the limit, not a promise of more to come', () => {
    const bytes = encoded(block('a\n'));
    bytes.writeUInt32LE(0xfffffff0, 16);
    expect(readBlocks(bytes)).toMatchObject({ blocks: [], end: 0, tail: 'corrupt' });
  });

  it('is nothing in zeros, which a power loss leaves behind', () => {
    expect(readBlocks(Buffer.concat([encoded(block('a\n')), Buffer.alloc(512)]))).toMatchObject({
      tail: 'corrupt',
      end: 30,
    });
  });

  it('cannot be forged inside a payload: its first byte never occurs in UTF-8', () => {
    const inner = encoded(block('forged\n')).toString('latin1');
    expect(encoded(block(inner)).indexOf(Buffer.from([0xff, 0x53]), 1)).toBe(-1);
  });

  it('tells how many lines a damaged stretch held', () => {
    expect(countLines(encoded(block('a\nb\n', { lines: 2 })).subarray(HEADER_BYTES))).toBe(2);
    expect(countLines(Buffer.alloc(0))).toBe(0);
  });

  it('counts no line in a header, whatever its checksum and time look like', () => {
    const times = Array.from({ length: 2_000 }, (_, index) => 1_795_200_000_000 + 7 * index);
    const bytes = encoded(...times.map((atMs) => block('x\n', { atMs })));
    expect(bytes.filter((byte) => byte === 0x0a).length).toBeGreaterThan(times.length);
    expect(countLines(bytes)).toBe(times.length);
  });
});
