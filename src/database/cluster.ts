import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { pidExists, startTimeOf } from '../config/process-identity.js';
import { SluiceError } from '../kernel/errors.js';
import type { ClusterPlace } from './cluster-place.js';
import type { PostgresBinaries } from './postgres-binaries.js';
import type { ServerAccount } from './server-account.js';

export const SUPERUSER = 'sluice';
/** initdb writes 40 MB; half a minute on a very slow disk. */
const INITDB_TIMEOUT_MS = 120_000;
/** Fast shutdown writes a checkpoint; after that immediate shutdown loses nothing that was committed. */
const STOP_FAST_MS = 10_000;
const STOP_IMMEDIATE_MS = 5_000;
const POLL_MS = 25;

const run = promisify(execFile);

/** Makes the cluster beside its final place and renames it, so that a start that dies half-way leaves nothing behind. */
export async function initialiseCluster(
  place: ClusterPlace,
  binaries: PostgresBinaries,
  account: ServerAccount,
  password: string,
): Promise<void> {
  const draft = join(place.root, 'data.partial');
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { mode: 0o700 });
  const passwordFile = join(place.socketDir, `.password-${randomBytes(4).toString('hex')}`);
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  if (account.isOther) {
    chownSync(draft, account.uid, account.gid);
    chownSync(passwordFile, account.uid, account.gid);
  }
  try {
    const flags = [
      '-D',
      draft,
      '-U',
      SUPERUSER,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--data-checksums',
    ];
    const locale = [
      '--encoding=UTF8',
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
    ];
    await run(binaries.initdb, [...flags, ...locale, '--no-instructions'], {
      ...childOptions(account, draft),
      timeout: INITDB_TIMEOUT_MS,
    });
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    throw new SluiceError('unavailable', `initdb failed: ${stderr?.trim() || message}`, [], {
      cause: error,
    });
  } finally {
    rmSync(passwordFile, { force: true });
  }
  if (existsSync(place.data)) rmdirSync(place.data);
  renameSync(draft, place.data);
}

/** Nothing of our environment reaches the server: PGDATA, PGPORT or LD_PRELOAD of the caller would change what it does. */
export function childOptions(
  account: ServerAccount,
  cwd: string,
): { cwd: string; env: NodeJS.ProcessEnv; uid?: number; gid?: number } {
  const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };
  return account.isOther ? { cwd, env, uid: account.uid, gid: account.gid } : { cwd, env };
}

export interface LeftServer {
  readonly pid: number;
  /** False: the number now belongs to a thread or process that has nothing to do with this cluster. */
  readonly isPostmaster: boolean;
}

/** What postmaster.pid says, checked against the process that has this number today. */
export function leftServer(place: ClusterPlace): LeftServer | null {
  let pid: number;
  try {
    pid = Number.parseInt(readFileSync(join(place.data, 'postmaster.pid'), 'utf8'), 10);
  } catch {
    return null;
  }
  if (!Number.isInteger(pid) || pid <= 0 || !pidExists(pid)) return null;
  return { pid, isPostmaster: startTimeOf(pid) !== 'zombie' && servesFolder(pid, place.data) };
}

/** A postmaster's working folder is its data folder. */
function servesFolder(pid: number, data: string): boolean {
  if (process.platform === 'linux') {
    try {
      return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(data);
    } catch {
      return false;
    }
  }
  // elsewhere only PostgreSQL itself can tell; a live process of the same number is taken for it
  return pid !== process.pid && pid !== process.ppid;
}

/**
 * Stops a server that its own supervisor can no longer stop. The lock of the data folder is ours, so its supervisor is
 * dead; a fast shutdown, then an immediate one, then SIGKILL (PostgreSQL recovers from each).
 */
export async function stopServer(pid: number): Promise<void> {
  const steps = [
    ['SIGINT', STOP_FAST_MS],
    ['SIGQUIT', STOP_IMMEDIATE_MS],
    ['SIGKILL', STOP_IMMEDIATE_MS],
  ] as const;
  for (const [signal, waitMs] of steps) {
    try {
      process.kill(pid, signal);
      // a frozen server acts on no signal but this one
      process.kill(pid, 'SIGCONT');
    } catch {
      return;
    }
    const until = Date.now() + waitMs;
    while (Date.now() < until) {
      if (!pidExists(pid) || startTimeOf(pid) === 'zombie') return;
      await sleep(POLL_MS);
    }
  }
}
