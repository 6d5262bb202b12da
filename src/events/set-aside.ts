import { copyFile, mkdir, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Gap } from './gap-log.js';
import { segmentName } from './segment-writer.js';
import type { RefusedLine } from './shipment.store.js';
import { firstBlockAtMs } from './spool-reader.js';
import type { Batch } from './spool-reader.js';
import type { Source } from './spool-source.js';

/** Beside the spools: lines that PostgreSQL refused and damaged segments, for a person to look at. */
const REJECTED_FOLDER = 'rejected';

/**
 * Makes refused lines durable outside the spool. The file is named by its position, so that a batch that is tried again
 * after a crash writes the same file again.
 *
 * @returns its path
 */
export async function setAsideLines(
  root: string,
  spoolId: string,
  batch: Batch,
  refused: readonly RefusedLine[],
): Promise<string> {
  const { segment, offset } = batch.from;
  const path = join(await rejectedFolder(root), `${spoolId}-${segment}-${offset}.ndjson`);
  const file = await open(path, 'w', 0o600);
  try {
    await file.writeFile(refused.map((line) => `${JSON.stringify(line)}\n`).join(''));
    await file.sync();
  } finally {
    await file.close();
  }
  return path;
}

/**
 * Keeps a damaged segment after the spool has deleted it.
 *
 * @returns the stretch of time in which its lost lines can have been written: from what was last read to the last write
 */
export async function keepSegment(
  root: string,
  source: Source,
  batch: Batch,
  lostLines: number,
): Promise<Gap> {
  const name = segmentName(batch.from.segment);
  const path = join(source.folder, name);
  await copyFile(path, join(await rejectedFolder(root), `${source.id}-${name}`));
  const { mtimeMs } = await stat(path);
  const fromMs = Math.min(source.lastAtMs ?? (await firstBlockAtMs(path)) ?? mtimeMs, mtimeMs);
  return { fromMs, toMs: mtimeMs, dropped: lostLines, cause: 'corrupt_segment' };
}

async function rejectedFolder(root: string): Promise<string> {
  const folder = join(root, REJECTED_FOLDER);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return folder;
}
