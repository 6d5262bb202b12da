import { join } from 'node:path';
import { readIfThere } from '../config/data-dir.js';
import { SUPERUSER } from './cluster.js';

/** Which line of postmaster.pid names the folder of the Unix socket. */
const SOCKET_LINE = 4;

/** True when an embedded database was made in this data folder. */
export function hasEmbeddedDatabase(dataDir: string): boolean {
  return readIfThere(join(dataDir, 'postgres.password')) !== null;
}

/**
 * The URL of the embedded server that runs on a data folder under another process; null when none has left its mark.
 * A mark may be stale: only a connection tells.
 */
export function recordedServerUrl(dataDir: string): string | null {
  const elsewhere = readIfThere(join(dataDir, 'postgres.path'))?.trim() ?? '';
  const root = elsewhere === '' ? join(dataDir, 'postgres') : elsewhere;
  const mark = readIfThere(join(root, 'data', 'postmaster.pid'));
  const socketDir = (mark ?? '').split('\n')[SOCKET_LINE]?.trim() ?? '';
  const password = readIfThere(join(dataDir, 'postgres.password'))?.trim() ?? '';
  if (socketDir === '' || password === '') return null;
  return `postgres://${SUPERUSER}:${password}@localhost:5432/sluice?host=${encodeURIComponent(socketDir)}`;
}
