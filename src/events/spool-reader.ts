import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { countLines, HEADER_BYTES, MAX_PAYLOAD_BYTES, readBlocks } from './block.js';
import type { Block, BlockType } from './block.js';
import { segmentName } from './segment-writer.js';
import type { SpoolPosition } from './segment-writer.js';
import { fileBytes, listSegments } from './spool-folder.js';

/** One transaction's worth: COPY in batches of 10,000 ran at 190-220k rows/s, of 1,000 at 160k. */
export const MAX_BATCH_LINES = 10_000;
/** Also the memory of a batch; one block always fits. */
export const MAX_BATCH_BYTES = MAX_PAYLOAD_BYTES + HEADER_BYTES;

/** What is shipped in one transaction: the blocks between two positions, or a damaged stretch that is given up. */
export interface Batch {
  readonly from: SpoolPosition;
  readonly to: SpoolPosition;
  readonly bytes: number;
  readonly blocks: readonly Block[];
  /** Set when the rest of the segment is no block: about how many lines were lost with it. */
  readonly damage: { readonly lines: number } | null;
}

export type NextBatch =
  | { readonly kind: 'batch'; readonly batch: Batch }
  /** The segment at the cursor is closed and wholly behind it. */
  | { readonly kind: 'segment_over'; readonly segment: number }
  /** The segment that is being written holds damage on the disk. */
  | { readonly kind: 'active_damaged' }
  | { readonly kind: 'nothing' };

/**
 * Finds what comes after a cursor in one spool folder.
 *
 * @param cursor everything before it is in the database
 * @param written how far the owner has written (its own process asks); null: the owner is gone, files end where they end
 * @param isLive another living process appends to the last segment: what is unreadable at its end is not there yet
 */
export async function nextBatch(
  folder: string,
  cursor: SpoolPosition,
  written: SpoolPosition | null,
  isLive = false,
): Promise<NextBatch> {
  const segments = await listSegments(folder);
  const segment = segments.find((number) => number >= cursor.segment);
  if (segment === undefined) return { kind: 'nothing' };
  const isActive =
    written === null ? isLive && segment === segments.at(-1) : segment >= written.segment;
  const from = { segment, offset: segment === cursor.segment ? cursor.offset : 0 };
  const path = join(folder, segmentName(segment));
  const end = written?.segment === segment ? written.offset : await fileBytes(path);
  if (from.offset >= end) return isActive ? { kind: 'nothing' } : { kind: 'segment_over', segment };

  const bytes = await readAt(path, from.offset, Math.min(end - from.offset, MAX_BATCH_BYTES));
  const read = readBlocks(bytes, MAX_BATCH_LINES);
  if (read.blocks.length > 0) {
    const to = { segment, offset: from.offset + read.end };
    return {
      kind: 'batch',
      batch: { from, to, bytes: read.end, blocks: read.blocks, damage: null },
    };
  }
  if (isActive) return written === null ? { kind: 'nothing' } : { kind: 'active_damaged' };
  const rest = await readAt(path, from.offset, end - from.offset);
  const to = { segment, offset: end };
  return {
    kind: 'batch',
    batch: { from, to, bytes: rest.length, blocks: [], damage: { lines: countLines(rest) } },
  };
}

/** The lines of one type, as COPY takes them. */
export function payloadOf(batch: Batch, type: BlockType): Buffer {
  const blocks = batch.blocks.filter((block) => block.type === type);
  return Buffer.concat(blocks.map(({ payload }) => payload));
}

/** When the first block of a segment was written; null when it is damaged itself. */
export async function firstBlockAtMs(path: string): Promise<number | null> {
  const bytes = await readAt(path, 0, MAX_BATCH_BYTES);
  return readBlocks(bytes, 1).blocks[0]?.atMs ?? null;
}

async function readAt(path: string, offset: number, length: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const bytes = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await file.read(bytes, filled, length - filled, offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return bytes.subarray(0, filled);
  } finally {
    await file.close();
  }
}
