import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { readdir, rm, rmdir, stat, unlink, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

const SPOOL_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const SEGMENT = /^(\d{8,})\.seg$/;
const OWNER_FILE = 'owner.json';
/** An owner on another host (a shared volume) that has not touched its file for so long is gone. */
const FOREIGN_OWNER_SILENT_MS = 10 * 60_000;
/** A folder without an owner file is being made, or was being made when its process died. */
const UNOWNED_YOUNG_MS = 60_000;

interface Owner {
  readonly host: string;
  readonly pid: number;
  /** Start of the process in clock ticks since boot, null where the system does not tell: pids are used again. */
  readonly startTicks: string | null;
}

/** Says which process writes into a spool folder; called when the folder is made. */
export function claimFolder(folder: string): void {
  const owner: Owner = { host: hostname(), pid: process.pid, startTicks: startTicks(process.pid) };
  writeFileSync(join(folder, OWNER_FILE), JSON.stringify(owner), { mode: 0o600 });
}

/** Shows processes on other hosts that share the folder that the owner lives. */
export async function touchClaim(folder: string, nowMs: number): Promise<void> {
  await utimes(join(folder, OWNER_FILE), nowMs / 1000, nowMs / 1000).catch(ignoreMissing);
}

/** True while a process may still append to the folder; then its last segment is neither damaged nor deleted. */
export function hasLiveOwner(folder: string, nowMs: number): boolean {
  let owner: Owner;
  let touchedMs: number;
  try {
    touchedMs = statSync(join(folder, OWNER_FILE)).mtimeMs;
    owner = JSON.parse(readFileSync(join(folder, OWNER_FILE), 'utf8')) as Owner;
  } catch {
    return folderAgeMs(folder, nowMs) < UNOWNED_YOUNG_MS;
  }
  if (owner.host !== hostname()) return nowMs - touchedMs < FOREIGN_OWNER_SILENT_MS;
  // This process owns one folder only and never asks about it: our pid in another folder is a pid used again.
  if (owner.pid === process.pid || !isRunning(owner.pid)) return false;
  return owner.startTicks === null || owner.startTicks === startTicks(owner.pid);
}

/** Ids of all spools in a data folder. */
export async function listSpools(root: string): Promise<readonly string[]> {
  const names = await readdir(root).catch(noNames);
  return names.filter((name) => SPOOL_ID.test(name));
}

/** Numbers of the segments in a folder, ascending. */
export async function listSegments(folder: string): Promise<readonly number[]> {
  const names = await readdir(folder).catch(noNames);
  return names
    .map((name) => SEGMENT.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
}

/** Bytes of all segments of all spools. */
export async function spoolBytes(root: string): Promise<number> {
  let bytes = 0;
  for (const id of await listSpools(root)) bytes += await folderBytes(join(root, id));
  return bytes;
}

/** Bytes of all segments in a folder. */
export async function folderBytes(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(folder).catch(noNames)) {
    if (SEGMENT.test(name)) bytes += await fileBytes(join(folder, name));
  }
  return bytes;
}

/** Size of a file; 0 when it is not there. */
export async function fileBytes(path: string): Promise<number> {
  const found = await stat(path).catch(ignoreMissing);
  return found?.size ?? 0;
}

/** Deletes a file; one that is gone already is fine. */
export async function removeFile(path: string): Promise<void> {
  await unlink(path).catch(ignoreMissing);
}

/** Removes a spool folder that holds no segments any more. */
export async function removeFolder(folder: string): Promise<void> {
  await rm(join(folder, OWNER_FILE), { force: true });
  await rmdir(folder).catch(ignoreMissing);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Field 22 of /proc/<pid>/stat (proc(5)); the command in field 2 may hold spaces, so count from behind it. */
function startTicks(pid: number): string | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}

function folderAgeMs(folder: string, nowMs: number): number {
  try {
    return nowMs - statSync(folder).mtimeMs;
  } catch {
    return 0;
  }
}

function noNames(error: unknown): string[] {
  ignoreMissing(error);
  return [];
}

function ignoreMissing(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
  throw error;
}
