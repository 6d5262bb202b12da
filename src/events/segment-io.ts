import {
  close,
  closeSync,
  fdatasync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  writeSync,
} from 'node:fs';
import { claimFolder } from './spool-folder.js';

/** What the spool asks of a disk; tests put a disk behind it that is full or dying. */
export interface SegmentIo {
  /** Creates a segment that does not exist yet and returns its descriptor; creates its folder too. */
  create(folder: string, path: string): number;
  /** As pwrite(2): how many bytes were written, possibly fewer than asked. */
  write(fd: number, bytes: Uint8Array, offset: number): number;
  truncate(fd: number, length: number): void;
  /** Off thread. */
  sync(fd: number, done: (error: Error | null) => void): void;
  /** Off thread. */
  close(fd: number): void;
}

/** Injection token, only for tests; absent in production. */
export const SEGMENT_IO = Symbol('SEGMENT_IO');

export const diskIo: SegmentIo = {
  create(folder, path) {
    if (mkdirSync(folder, { recursive: true, mode: 0o700 }) !== undefined) claimFolder(folder);
    const fd = openSync(path, 'wx', 0o600);
    syncFolder(folder);
    return fd;
  },
  write: (fd, bytes, offset) => writeSync(fd, bytes, 0, bytes.length, offset),
  truncate: ftruncateSync,
  sync: fdatasync,
  close: (fd) => close(fd, () => undefined),
};

/** Without it a power loss may forget the name of a file whose bytes are safe. */
function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
