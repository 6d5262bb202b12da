import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  mkdtempSync,
  openSync,
  rmSync,
  statfsSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file system of its own that can be filled to the last byte. */
export interface SmallDisk {
  readonly path: string;
  /** Takes all the space that is left. */
  fill(): void;
  /** Gives back what `fill` took. */
  empty(): void;
  close(): void;
}

const CHUNK = Buffer.alloc(256 * 1024, 1);
const BALLAST = 'ballast';

/** A tmpfs of that many MiB; null where it may not be mounted, which takes root. */
export function smallDisk(mib: number): SmallDisk | null {
  const path = mkdtempSync(join(tmpdir(), 'sluice-disk-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${mib}m`, 'tmpfs', path]);
  if (mounted.status !== 0) {
    rmSync(path, { recursive: true, force: true });
    return null;
  }
  chmodSync(path, 0o711); // an embedded database runs under an account of its own
  const ballast = join(path, BALLAST);
  return {
    path,
    fill: () => {
      const fd = openSync(ballast, 'a');
      try {
        // others write too: what they leave is taken in ever smaller pieces
        for (let size = CHUNK.length; size >= 1;) {
          if (!fits(fd, size)) size = Math.floor(size / 2);
        }
      } finally {
        closeSync(fd);
      }
      const { bavail } = statfsSync(path);
      if (bavail > 0) process.stderr.write(`notice: ${bavail} blocks of ${path} are free again\n`);
    },
    empty: () => rmSync(ballast, { force: true }),
    close: () => {
      spawnSync('umount', ['-l', path]);
      rmSync(path, { recursive: true, force: true });
    },
  };
}

function fits(fd: number, size: number): boolean {
  try {
    return writeSync(fd, CHUNK, 0, size) === size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false;
    throw error;
  }
}
