import type { SpoolPosition } from './segment-writer.js';
import type { Batch } from './spool-reader.js';

/** One folder of segments that this process ships: its own, or one left behind. */
export interface Source {
  readonly id: string;
  readonly folder: string;
  readonly isOwn: boolean;
  /** The watermark as last seen; null until read from the database, and again after anything unexpected. */
  cursor: SpoolPosition | null;
  /** Sent, but whether it was committed is unknown until the watermark is read again. */
  unsure: Batch | null;
  /** When the newest shipped block was written; where a gap behind it begins. */
  lastAtMs: number | null;
}

export function sourceOf(id: string, folder: string, isOwn: boolean): Source {
  return { id, folder, isOwn, cursor: null, unsure: null, lastAtMs: null };
}
