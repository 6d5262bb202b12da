import { join } from 'node:path';
import { SluiceError } from '../kernel/errors.js';
import type { SegmentIo } from './segment-io.js';

/** Small enough to be shipped and deleted soon, large enough that opening files costs nothing. */
export const MAX_SEGMENT_BYTES = 16 * 1024 * 1024;
/** At most this much of what was acknowledged is lost when the power goes (a crash of the process loses nothing). */
export const SYNC_INTERVAL_MS = 20;

/** How far a spool is written: everything before `offset` in `segment` is whole blocks. */
export interface SpoolPosition {
  readonly segment: number;
  readonly offset: number;
}

/** File name of a segment. */
export function segmentName(number: number): string {
  return `${String(number).padStart(8, '0')}.seg`;
}

/**
 * Appends bytes to numbered segments of one folder. Writes at explicit offsets: what a failed write left behind is
 * truncated, or overwritten by the next one, so damage never ends up in front of good blocks.
 */
export class SegmentWriter {
  #fd: number | null = null;
  #segment = 0;
  #offset = 0;
  #dirty = false;
  #syncing = false;
  #syncTimer: NodeJS.Timeout | null = null;
  #retired: number[] = [];

  constructor(
    private readonly folder: string,
    private readonly io: SegmentIo,
    private readonly onSyncFailed: (error: Error) => void,
  ) {}

  get position(): SpoolPosition {
    if (this.#fd === null) return { segment: this.#segment + 1, offset: 0 };
    return { segment: this.#segment, offset: this.#offset };
  }

  /** Opens the first segment; also done by the first append. */
  open(): void {
    if (this.#fd === null) this.#next();
  }

  /** Writes all bytes or throws and leaves the position where it was. */
  append(bytes: Uint8Array): void {
    if (this.#fd === null || (this.#offset > 0 && this.#offset + bytes.length > MAX_SEGMENT_BYTES))
      this.#next();
    const fd = this.#fd;
    if (fd === null) throw new SluiceError('internal', 'the spool has no open segment');
    try {
      let written = 0;
      while (written < bytes.length) {
        const count = this.io.write(fd, bytes.subarray(written), this.#offset + written);
        if (count <= 0) throw new SluiceError('unavailable', 'the disk took no bytes');
        written += count;
      }
    } catch (error) {
      this.#forgetTorn(fd);
      throw error;
    }
    this.#offset += bytes.length;
    this.#dirty = true;
    this.#scheduleSync();
  }

  /** Syncs what is unsynced and closes; a later append opens a new segment. */
  close(done: () => void = () => undefined): void {
    if (this.#syncTimer !== null) clearTimeout(this.#syncTimer);
    this.#syncTimer = null;
    const fd = this.#fd;
    this.#fd = null;
    this.#dirty = false;
    this.#settleRetired();
    if (fd === null) done();
    else this.#settle(fd, done);
  }

  #next(): void {
    const number = this.#segment + 1;
    const fd = this.io.create(this.folder, join(this.folder, segmentName(number)));
    if (this.#fd !== null) this.#retired.push(this.#fd);
    this.#fd = fd;
    this.#segment = number;
    this.#offset = 0;
  }

  #forgetTorn(fd: number): void {
    try {
      this.io.truncate(fd, this.#offset);
    } catch {
      // The next append writes over it at the same offset, and a reader stops at it.
    }
  }

  #scheduleSync(): void {
    if (this.#syncTimer !== null || this.#syncing) return;
    this.#syncTimer = setTimeout(() => this.#sync(), SYNC_INTERVAL_MS);
    this.#syncTimer.unref();
  }

  #sync(): void {
    this.#syncTimer = null;
    const fd = this.#fd;
    this.#settleRetired();
    if (fd === null) return;
    this.#syncing = true;
    this.#dirty = false;
    this.io.sync(fd, (error) => {
      this.#syncing = false;
      // EBADF: closed meanwhile, and close() syncs by itself.
      if (error !== null && fd === this.#fd) this.onSyncFailed(error);
      if (this.#dirty) this.#scheduleSync();
    });
  }

  #settleRetired(): void {
    for (const old of this.#retired.splice(0)) this.#settle(old);
  }

  #settle(fd: number, done: () => void = () => undefined): void {
    this.io.sync(fd, (error) => {
      if (error !== null) this.onSyncFailed(error);
      this.io.close(fd);
      done();
    });
  }
}
