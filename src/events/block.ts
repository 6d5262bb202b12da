import { crc32 } from 'node:zlib';

export type BlockType = 'exposure' | 'prediction' | 'mirror';

/** What one block of a segment holds: COPY lines of one type and one partition day. */
export interface Block {
  readonly type: BlockType;
  /** Partition day of every line, days since 1970. */
  readonly day: number;
  /** When it was written, milliseconds since 1970. */
  readonly atMs: number;
  readonly lines: number;
  /** UTF-8 bytes of the lines; a view, not a copy. */
  readonly payload: Buffer;
  /** Where the block ends, in bytes from the start of the buffer it was read from. */
  readonly end: number;
}

export interface BlockRead {
  readonly blocks: readonly Block[];
  /** Where the last good block ends. */
  readonly end: number;
  /** `clean`: nothing behind it; `partial`: the beginning of a block; `corrupt`: bytes that are no block. */
  readonly tail: 'clean' | 'partial' | 'corrupt';
}

/** magic 0, crc 4, atMs 8 (double), payload length 16, lines 20, day 24, type 26, zero 27; little-endian. */
export const HEADER_BYTES = 28;
/** A length above this is damage, not data. Blocks are sealed at 256 KiB and a line is at most 1 MiB. */
export const MAX_PAYLOAD_BYTES = 4 * 1024 * 1024;

// 0xFF never occurs in UTF-8, so no payload can look like the start of a block. The last byte is the format's version.
const MAGIC = 0x014c53ff;
const MAGIC_BYTES = Buffer.from([0xff, 0x53, 0x4c, 0x01]);
const CHECKED_FROM = 8;
// What a header's type byte means: only ever appended to, or old spools would be read wrongly.
const TYPES: readonly BlockType[] = ['exposure', 'prediction', 'mirror'];

export interface NewBlock {
  readonly type: BlockType;
  readonly day: number;
  readonly atMs: number;
  readonly lines: number;
  readonly text: string;
}

/** Bytes that are always enough for a block (UTF-8 takes at most three bytes per UTF-16 code unit). */
export function blockBound(textLength: number): number {
  return HEADER_BYTES + 3 * textLength;
}

/**
 * Writes one block into a buffer: header, CRC-32 (zlib's) over everything behind it, payload.
 *
 * @param into at least {@link blockBound} bytes from `at`
 * @returns where the block ends
 */
export function encodeBlock(into: Buffer, at: number, block: NewBlock): number {
  const length = into.write(block.text, at + HEADER_BYTES, 'utf8');
  const end = at + HEADER_BYTES + length;
  into.writeUInt32LE(MAGIC, at);
  into.writeDoubleLE(block.atMs, at + 8);
  into.writeUInt32LE(length, at + 16);
  into.writeUInt32LE(block.lines, at + 20);
  into.writeUInt16LE(block.day, at + 24);
  into.writeUInt8(TYPES.indexOf(block.type), at + 26);
  into.writeUInt8(0, at + 27);
  into.writeUInt32LE(crc32(into.subarray(at + CHECKED_FROM, end)), at + 4);
  return end;
}

/**
 * Reads good blocks from the start of a buffer until its end, the first damage, or `maxLines`.
 *
 * @param bytes any bytes; nothing in them makes this throw
 * @param maxLines stop before the block that would exceed it (the first block is always taken)
 */
export function readBlocks(bytes: Buffer, maxLines = Number.MAX_SAFE_INTEGER): BlockRead {
  const blocks: Block[] = [];
  let at = 0;
  let lines = 0;
  while (at < bytes.length) {
    const next = blockAt(bytes, at);
    if (next === 'partial' || next === 'corrupt') return { blocks, end: at, tail: next };
    if (blocks.length > 0 && lines + next.lines > maxLines) break;
    blocks.push(next);
    lines += next.lines;
    at = next.end;
  }
  return { blocks, end: at, tail: 'clean' };
}

/**
 * How many whole lines a damaged stretch holds: the best estimate of what was lost in it. Headers are stepped over
 * where they can be recognised: their checksum and time may well contain the byte of a line's end.
 */
export function countLines(bytes: Buffer): number {
  let lines = 0;
  let at = 0;
  while (at < bytes.length) {
    if (bytes[at] === MAGIC_BYTES[0] && looksBegun(bytes, at)) {
      at += HEADER_BYTES;
      continue;
    }
    if (bytes[at] === 0x0a) lines += 1;
    at += 1;
  }
  return lines;
}

function blockAt(bytes: Buffer, at: number): Block | 'partial' | 'corrupt' {
  const available = bytes.length - at;
  if (available < HEADER_BYTES) return looksBegun(bytes, at) ? 'partial' : 'corrupt';
  if (bytes.readUInt32LE(at) !== MAGIC) return 'corrupt';
  const length = bytes.readUInt32LE(at + 16);
  const type = TYPES[bytes.readUInt8(at + 26)];
  if (length > MAX_PAYLOAD_BYTES || type === undefined) return 'corrupt';
  const end = at + HEADER_BYTES + length;
  if (end > bytes.length) return 'partial';
  if (crc32(bytes.subarray(at + CHECKED_FROM, end)) !== bytes.readUInt32LE(at + 4))
    return 'corrupt';
  return {
    type,
    day: bytes.readUInt16LE(at + 24),
    atMs: bytes.readDoubleLE(at + 8),
    lines: bytes.readUInt32LE(at + 20),
    payload: bytes.subarray(at + HEADER_BYTES, end),
    end,
  };
}

function looksBegun(bytes: Buffer, at: number): boolean {
  const begun = bytes.subarray(at, Math.min(at + MAGIC_BYTES.length, bytes.length));
  return begun.equals(MAGIC_BYTES.subarray(0, begun.length));
}
