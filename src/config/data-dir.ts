import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmdirSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { SluiceError } from '../kernel/errors.js';
import type { Config } from './config.js';
import { isAlive, ownIdentity } from './process-identity.js';
import type { ProcessIdentity } from './process-identity.js';

const SECRET_BYTES = 32;
/** A take-over is a few file operations; one that is older than this was left by a process that died in it. */
const TAKEOVER_LEFT_BEHIND_MS = 10_000;

/** Holds the folder for this process until released; every holder within the process releases its own. */
export interface DataDirLock {
  readonly dir: string;
  release(): void;
}

const holders = new Map<string, number>();

/**
 * Makes the folder if it is missing. Only its owner can list it; as root, other accounts may pass through it by
 * exact name, because PostgreSQL refuses to run as root and its account must reach the subfolder of its own.
 */
export function ensureDataDir(dir: string): void {
  const mode = process.getuid?.() === 0 ? 0o711 : 0o700;
  try {
    const isNew = mkdirSync(dir, { recursive: true, mode }) !== undefined;
    const { mode: found, uid } = statSync(dir);
    const tooTight = mode === 0o711 && uid === 0 && (found & 0o001) === 0;
    if (isNew || tooTight) chmodSync(dir, mode);
  } catch (error) {
    throw new SluiceError(
      'invalid_input',
      `the data folder ${dir} cannot be used: ${(error as Error).message}`,
      [
        {
          field: 'SLUICE_DATA_DIR',
          given: dir,
          expected: 'a folder that this account can write to',
          advice: 'set SLUICE_DATA_DIR to one, or change its owner',
        },
      ],
      { cause: error },
    );
  }
}

/** Takes the folder for this process: its spool and its database bear one writer only. */
export function lockDataDir(dir: string): DataDirLock {
  ensureDataDir(dir);
  const path = join(dir, 'lock');
  const held = holders.get(path) ?? 0;
  if (held === 0) takeLock(dir, path);
  holders.set(path, held + 1);
  let released = false;
  return {
    dir,
    release(): void {
      if (released) return;
      released = true;
      const left = (holders.get(path) ?? 1) - 1;
      if (left > 0) {
        holders.set(path, left);
        return;
      }
      holders.delete(path);
      if (readLock(path)?.pid === process.pid) removeIfThere(path);
    },
  };
}

/** The secret of this installation: what was given, or the one kept in the folder, made at the first start. */
export function readSecret(config: Pick<Config, 'secret' | 'dataDir'>): string {
  if (config.secret !== null) return config.secret;
  ensureDataDir(config.dataDir);
  return readOrMake(join(config.dataDir, 'secret'), () =>
    randomBytes(SECRET_BYTES).toString('hex'),
  );
}

/** The content of a private file; if it is missing it is made, durable before it is used, once among all processes. */
export function readOrMake(path: string, make: () => string): string {
  const present = readIfThere(path);
  if (present !== null) {
    const content = present.trim();
    if (content !== '') return content;
    throw new SluiceError('invalid_input', `${path} is empty`, [
      {
        field: path,
        expected: 'the secret that was made at the first start',
        advice: 'restore it from a backup',
      },
    ]);
  }
  writeOnce(path, make());
  return readFileSync(path, 'utf8').trim();
}

/** Writes a private file with its whole content or not at all; false when it exists already. */
export function writeOnce(path: string, content: string): boolean {
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  const file = openSync(draft, 'wx', 0o600);
  try {
    writeSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    unlinkSync(draft);
  }
  syncFolder(dirname(path));
  return true;
}

export function syncFolder(dir: string): void {
  const folder = openSync(dir, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

export function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function takeLock(dir: string, path: string): void {
  const mine = JSON.stringify(ownIdentity());
  for (let attempt = 0; attempt < 3; attempt += 1) {
    if (writeOnce(path, mine)) return;
    const owner = readLock(path);
    if (owner !== null && owner.pid !== process.pid && isAlive(owner)) throw inUse(dir, owner);
    removeStale(dir, path);
  }
  throw inUse(dir, readLock(path));
}

/** Two processes that both find a stale lock must not remove each other's fresh one: one at a time looks again. */
function removeStale(dir: string, path: string): void {
  const door = `${path}.takeover`;
  try {
    mkdirSync(door);
  } catch {
    const since = Date.now() - (statSync(door, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (since < TAKEOVER_LEFT_BEHIND_MS) throw inUse(dir, readLock(path));
    renameSync(door, `${door}.${process.pid}`);
    rmdirSync(`${door}.${process.pid}`);
    return;
  }
  try {
    const owner = readLock(path);
    if (owner === null || owner.pid === process.pid || !isAlive(owner)) removeIfThere(path);
  } finally {
    rmdirSync(door);
  }
}

/** Null when the lock is missing or unreadable: it is written whole, so an unreadable one belongs to nobody. */
function readLock(path: string): ProcessIdentity | null {
  try {
    const parsed = JSON.parse(readIfThere(path) ?? 'null') as Partial<ProcessIdentity> | null;
    if (typeof parsed?.pid !== 'number' || typeof parsed.startedAt !== 'string') return null;
    return { pid: parsed.pid, startedAt: parsed.startedAt };
  } catch {
    return null;
  }
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function inUse(dir: string, owner: ProcessIdentity | null): SluiceError {
  const by = owner === null ? 'another process' : `process ${owner.pid}`;
  return new SluiceError('conflict', `the data folder ${dir} is in use by ${by}`, [
    {
      field: 'SLUICE_DATA_DIR',
      given: dir,
      expected: 'a folder of its own for every process',
      advice: 'stop that process, or give this one another SLUICE_DATA_DIR',
    },
  ]);
}
