import { copyFile, mkdir, open } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { RefusedLine } from './shipment.store.js';
import type { Batch } from './spool-reader.js';

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

/** Keeps a damaged segment after the spool has deleted it. */
export async function keepSegment(root: string, spoolId: string, path: string): Promise<void> {
  await copyFile(path, join(await rejectedFolder(root), `${spoolId}-${basename(path)}`));
}

async function rejectedFolder(root: string): Promise<string> {
  const folder = join(root, REJECTED_FOLDER);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return folder;
}
