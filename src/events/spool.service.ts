import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Inject, Injectable, Logger, Optional } from '@nestjs/common';
import { CONFIG } from '../config/config.js';
import type { Config } from '../config/config.js';
import { blockBound, encodeBlock } from './block.js';
import type { BlockType, NewBlock } from './block.js';
import { eventDay, exposureLine, mirrorLine, predictionLine } from './copy-line.js';
import type { Exposure, Mirror, Prediction } from './event.js';
import { GapLog } from './gap-log.js';
import type { GapCause } from './gap-log.js';
import { diskIo, SEGMENT_IO } from './segment-io.js';
import type { SegmentIo } from './segment-io.js';
import { SegmentWriter } from './segment-writer.js';
import type { SpoolPosition } from './segment-writer.js';

/** Bytes of all spools in the data folder; above it events are dropped and counted, predictions go on. */
export const MAX_SPOOL_BYTES = 1024 * 1024 * 1024;
/** A block is sealed above this, so that a reader holds little and one damaged bit costs little. */
export const SEAL_BLOCK_LENGTH = 256 * 1024;
/** A longer line (a huge captured field) is dropped and counted. */
export const MAX_LINE_LENGTH = 1024 * 1024;
/** A larger scratch buffer, needed for one extreme turn, is not kept. */
const MAX_KEPT_SCRATCH_BYTES = 4 * 1024 * 1024;
/** A dying disk logs at most this often. */
const COMPLAIN_INTERVAL_MS = 10_000;

export interface SpoolCounters {
  readonly exposures: number;
  readonly predictions: number;
  readonly mirrors: number;
  readonly dropped: number;
  readonly writtenBytes: number;
  readonly unshippedBytes: number;
  /** Age of the oldest event of this process that is not in the database yet; 0 when all are. */
  readonly oldestUnshippedMs: number;
}

/** Lines of one type that wait for the end of the turn. */
interface Pending {
  readonly type: BlockType;
  day: number;
  lines: number;
  text: string;
}

/**
 * Writes events down before anything else happens with them: one write per event-loop turn into append-only
 * segments, which the shipper copies to PostgreSQL. Survives the kill of the process from the moment `durable` is
 * called. Never throws, never waits for the database.
 */
@Injectable()
export class Spool {
  /** Made anew by every process: two writers can never meet in one folder, and old segments are never appended to. */
  readonly id: string = randomUUID();
  /** Folder of all spools of this data folder. */
  readonly root: string;
  readonly folder: string;
  readonly gaps = new GapLog();

  readonly #logger = new Logger('Spool');
  readonly #writer: SegmentWriter;
  readonly #exposures: Pending = { type: 'exposure', day: 0, lines: 0, text: '' };
  readonly #predictions: Pending = { type: 'prediction', day: 0, lines: 0, text: '' };
  readonly #mirrors: Pending = { type: 'mirror', day: 0, lines: 0, text: '' };
  #sealed: NewBlock[] = [];
  #waiting: ((ok: boolean) => void)[] = [];
  #scheduled = false;
  #scratch = Buffer.allocUnsafe(64 * 1024);
  #onAppend: (() => void) | null = null;

  #exposureCount = 0;
  #predictionCount = 0;
  #mirrorCount = 0;
  #dropped = 0;
  #written = 0;
  #shipped = 0;
  #diskBytes = 0;
  #otherBytes = 0;
  #oldestUnshippedAtMs: number | null = null;
  #complainedAtMs = 0;

  constructor(@Inject(CONFIG) config: Config, @Optional() @Inject(SEGMENT_IO) io?: SegmentIo) {
    this.root = join(config.dataDir, 'spool');
    this.folder = join(this.root, this.id);
    this.#writer = new SegmentWriter(this.folder, io ?? diskIo, (error) => this.#failed(error, 0));
  }

  /**
   * Writes an exposure down. `durable(true)` runs once it survives a kill of the process, at the end of this
   * event-loop turn; `durable(false)` when it could not be written: it is counted, and the window is marked tainted.
   */
  appendExposure(e: Exposure, durable: (ok: boolean) => void): void {
    this.#waiting.push(durable);
    this.#schedule();
    try {
      const day = eventDay(e.requestId, e.atMs);
      this.#add(this.#exposures, day, exposureLine(e, day));
      this.#exposureCount += 1;
    } catch (error) {
      this.#waiting.pop();
      this.#failed(error, 1, 'invalid_event');
      this.#answer([durable], false);
    }
  }

  /** Writes a prediction down at the end of this event-loop turn. */
  appendPrediction(p: Prediction): void {
    this.#schedule();
    try {
      const day = eventDay(p.requestId, p.atMs);
      this.#add(this.#predictions, day, predictionLine(p, day));
      this.#predictionCount += 1;
    } catch (error) {
      this.#failed(error, 1, 'invalid_event');
    }
  }

  /** Writes a mirrored request down at the end of this event-loop turn. */
  appendMirror(m: Mirror): void {
    this.#schedule();
    try {
      const day = eventDay(m.requestId, m.atMs);
      this.#add(this.#mirrors, day, mirrorLine(m, day));
      this.#mirrorCount += 1;
    } catch (error) {
      this.#failed(error, 1, 'invalid_event');
    }
  }

  counters(): SpoolCounters {
    return {
      exposures: this.#exposureCount,
      predictions: this.#predictionCount,
      mirrors: this.#mirrorCount,
      dropped: this.#dropped,
      writtenBytes: this.#written,
      unshippedBytes: this.#written - this.#shipped,
      oldestUnshippedMs:
        this.#oldestUnshippedAtMs === null
          ? 0
          : Math.max(0, Date.now() - this.#oldestUnshippedAtMs),
    };
  }

  /** How far this spool is written; the shipper reads no further. */
  get position(): SpoolPosition {
    return this.#writer.position;
  }

  /** Called after every write; for the shipper, which is the only listener. */
  onAppend(listener: () => void): void {
    this.#onAppend = listener;
  }

  /** The shipper stored this many bytes of this spool, the newest of them written at `atMs`. */
  shipped(bytes: number, atMs: number): void {
    this.#shipped += bytes;
    this.#oldestUnshippedAtMs = this.#shipped >= this.#written ? null : atMs;
  }

  /** Bytes of this spool went: a segment of it was deleted. */
  deleted(bytes: number): void {
    this.#diskBytes = Math.max(0, this.#diskBytes - bytes);
  }

  /** What the other spools of the data folder hold, as last counted: living siblings ship and delete by themselves. */
  othersHold(bytes: number): void {
    this.#otherBytes = bytes;
  }

  /** Writes what waits now instead of at the end of the turn. */
  flush(): void {
    this.#scheduled = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#seal(this.#exposures);
    this.#seal(this.#predictions);
    this.#seal(this.#mirrors);
    const blocks = this.#sealed;
    this.#sealed = [];
    this.#answer(waiting, blocks.length === 0 || this.#write(blocks));
  }

  /** Begins a new segment with the next append: the old one turned out to be damaged. */
  rotate(): void {
    this.#writer.close();
  }

  /** Flushes, syncs and closes the segment; a later append begins a new one. */
  close(): Promise<void> {
    this.flush();
    return new Promise((done) => this.#writer.close(done));
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      if (this.#scheduled) this.flush();
    });
  }

  #add(pending: Pending, day: number, line: string): void {
    if (line.length > MAX_LINE_LENGTH)
      throw new RangeError(`a line of ${line.length} characters is too long`);
    if (pending.lines > 0 && (pending.day !== day || pending.text.length > SEAL_BLOCK_LENGTH))
      this.#seal(pending);
    pending.day = day;
    pending.text += line;
    pending.lines += 1;
  }

  #seal(pending: Pending): void {
    if (pending.lines === 0) return;
    this.#sealed.push({
      type: pending.type,
      day: pending.day,
      atMs: Date.now(),
      lines: pending.lines,
      text: pending.text,
    });
    pending.lines = 0;
    pending.text = '';
  }

  #write(blocks: readonly NewBlock[]): boolean {
    const lines = blocks.reduce((sum, block) => sum + block.lines, 0);
    try {
      const bytes = this.#encode(blocks);
      if (this.#diskBytes + this.#otherBytes + bytes.length > MAX_SPOOL_BYTES) {
        this.#failed(
          new RangeError(`the spool holds its limit of ${MAX_SPOOL_BYTES} bytes`),
          lines,
          'spool_full',
        );
        return false;
      }
      this.#writer.append(bytes);
      if (this.#shipped >= this.#written) this.#oldestUnshippedAtMs = blocks[0]?.atMs ?? null;
      this.#written += bytes.length;
      this.#diskBytes += bytes.length;
    } catch (error) {
      this.#failed(error, lines);
      return false;
    }
    this.#onAppend?.();
    return true;
  }

  #encode(blocks: readonly NewBlock[]): Buffer {
    const bound = blocks.reduce((sum, block) => sum + blockBound(block.text.length), 0);
    let scratch = this.#scratch;
    if (scratch.length < bound) {
      scratch = Buffer.allocUnsafe(2 * bound);
      if (scratch.length <= MAX_KEPT_SCRATCH_BYTES) this.#scratch = scratch;
    }
    let end = 0;
    for (const block of blocks) end = encodeBlock(scratch, end, block);
    return scratch.subarray(0, end);
  }

  #answer(waiting: readonly ((ok: boolean) => void)[], ok: boolean): void {
    for (const durable of waiting) {
      try {
        durable(ok);
      } catch (error) {
        this.#logger.error({ error }, 'a caller of the spool threw in its callback');
      }
    }
  }

  /** A failed sync drops nothing that we know of (0), but taints the window: the bytes may not be on the disk. */
  #failed(error: unknown, dropped: number, cause: GapCause = causeOf(error)): void {
    const nowMs = Date.now();
    this.#dropped += dropped;
    this.gaps.add(cause, dropped, nowMs);
    this.#onAppend?.();
    if (nowMs - this.#complainedAtMs < COMPLAIN_INTERVAL_MS) return;
    this.#complainedAtMs = nowMs;
    const message = error instanceof Error ? error.message : String(error);
    this.#logger.error(`events are being dropped (${cause}, ${this.#dropped} so far): ${message}`);
  }
}

function causeOf(error: unknown): GapCause {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG' ? 'disk_full' : 'disk_error';
}
