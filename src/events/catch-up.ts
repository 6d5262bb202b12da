import { MAX_BATCH_BYTES, MAX_BATCH_LINES } from './spool-reader.js';
import type { Batch } from './spool-reader.js';

/** A slow database must not make the pauses longer than its own slowness already is. */
const MAX_PAUSE_MS = 2_000;

/** Share of the time that a gateway keeps the database busy with while it catches up, unless it is told otherwise. */
export const DEFAULT_SHIP_SHARE = 0.5;

/** True for a batch that only a backlog fills: in the 75 ms between two batches a gateway writes a tenth of one. */
export function isBacklog(batch: Batch): boolean {
  const lines = batch.blocks.reduce((sum, block) => sum + block.lines, 0);
  return lines >= MAX_BATCH_LINES / 2 || batch.bytes >= MAX_BATCH_BYTES / 2;
}

/**
 * How long to leave the database to others after a batch of a backlog, so that shipping takes no more than its share of
 * one of its cores (and of the gateway's, which needs a hundredth of that). A minute of 400 events a second are three
 * batches: they take seconds at any share.
 *
 * @param busyMs how long the batch took
 * @param share in (0, 1]; 1 means no pause
 * @returns milliseconds in [0, 2000]
 */
export function catchUpPauseMs(busyMs: number, share: number): number {
  return Math.min(MAX_PAUSE_MS, (Math.max(0, busyMs) * (1 - share)) / share);
}
