import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readIfThere, writeOnce } from '../config/data-dir.js';
import { permanentFailure } from './permanent-failure.js';
import { canReach } from './server-account.js';
import type { ServerAccount } from './server-account.js';

/** Where the files of one embedded server live. */
export interface ClusterPlace {
  /** Holds the cluster and, where node_modules cannot be used, a copy of the programs. */
  readonly root: string;
  readonly data: string;
  /** Private folder of the Unix socket; short, because a socket path is limited to 103 bytes on macOS. */
  readonly socketDir: string;
}

/** Survives reboots, unlike /tmp; tried in this order when the data folder is below a private home. */
const REACHABLE_ROOTS = ['/var/lib/sluice', '/var/tmp/sluice'];
const SOCKET_PATH_LIMIT = 100;
const SOCKET_NAME = '.s.PGSQL.5432';

/**
 * `<dataDir>/postgres`. When the server's account cannot pass the folders above (a project below /root, mode 0700), a
 * folder under /var/lib/sluice keyed by the data folder; `<dataDir>/postgres.path` remembers which.
 */
export function clusterPlace(dataDir: string, account: ServerAccount): ClusterPlace {
  const root = rememberedRoot(dataDir) ?? chooseRoot(dataDir, account);
  makeFolder(root, account, 0o711);
  if (!canReach(account, root, 'traverse')) {
    throw permanentFailure(`the account ${account.name} cannot reach ${root}`, {
      field: 'SLUICE_DATA_DIR',
      given: dataDir,
      expected: 'a folder whose parents other accounts may pass (o+x)',
      advice: 'set SLUICE_DATA_DIR to one, start as an ordinary user, or set DATABASE_URL',
    });
  }
  const socketDir = chooseSocketDir(root);
  makeFolder(socketDir, account, 0o700);
  return { root, data: join(root, 'data'), socketDir };
}

function rememberedRoot(dataDir: string): string | null {
  const remembered = readIfThere(join(dataDir, 'postgres.path'))?.trim() ?? '';
  if (remembered === '') return null;
  if (existsSync(join(remembered, 'data'))) return remembered;
  // an empty database in place of a lost one would look like lost experiments
  throw permanentFailure(`the database that belongs to ${dataDir} is missing`, {
    field: join(dataDir, 'postgres.path'),
    given: remembered,
    expected: 'the folder of the database made at the first start',
    advice: 'restore that folder, or remove this file to begin with an empty database',
  });
}

function chooseRoot(dataDir: string, account: ServerAccount): string {
  const beside = join(dataDir, 'postgres');
  if (!account.isOther || canReach(account, dataDir, 'traverse')) return beside;
  const key = createHash('sha256').update(realpathSync(dataDir)).digest('hex').slice(0, 16);
  for (const parent of REACHABLE_ROOTS) {
    try {
      mkdirSync(parent, { recursive: true, mode: 0o711 });
      refuseForeign(parent);
      chmodSync(parent, 0o711);
      if (canReach(account, parent, 'traverse')) return join(parent, key);
    } catch {
      continue;
    }
  }
  return beside;
}

/** Written only once the cluster exists, so that a failed first start is simply tried again. */
export function rememberPlace(dataDir: string, place: ClusterPlace): void {
  if (place.root !== join(dataDir, 'postgres'))
    writeOnce(join(dataDir, 'postgres.path'), `${place.root}\n`);
}

function chooseSocketDir(root: string): string {
  const beside = join(root, 'run');
  if (Buffer.byteLength(join(beside, SOCKET_NAME)) <= SOCKET_PATH_LIMIT) return beside;
  const key = createHash('sha256').update(realpathSync(root)).digest('hex').slice(0, 16);
  const inTemp = join(tmpdir(), `sluice-${process.getuid?.() ?? 0}-${key}`);
  if (Buffer.byteLength(join(inTemp, SOCKET_NAME)) <= SOCKET_PATH_LIMIT) return inTemp;
  return join('/tmp', `sluice-${process.getuid?.() ?? 0}-${key}`);
}

function makeFolder(path: string, account: ServerAccount, mode: number): void {
  mkdirSync(path, { recursive: true, mode });
  refuseForeign(path, account);
  if (account.isOther)
    chownSync(path, mode === 0o700 ? account.uid : 0, mode === 0o700 ? account.gid : 0);
  chmodSync(path, mode);
}

/** /tmp and /var/tmp are open to everybody: a folder that somebody else put there first is not used. */
function refuseForeign(path: string, account?: ServerAccount): void {
  const { uid } = lstatSync(path);
  if (uid === process.getuid?.() || uid === account?.uid) return;
  throw permanentFailure(`${path} belongs to another account`, {
    field: path,
    given: `owner uid ${uid}`,
    expected: `owner uid ${process.getuid?.() ?? -1}`,
    advice: 'remove it or set SLUICE_DATA_DIR to another folder',
  });
}

/** What is in the data folder: nothing yet, or a cluster of the right major version; anything else is refused untouched. */
export function inspectCluster(place: ClusterPlace, major: number): 'missing' | 'present' {
  if (!existsSync(place.data)) return 'missing';
  const versionFile = join(place.data, 'PG_VERSION');
  if (!existsSync(versionFile)) {
    if (readdirSync(place.data).length === 0) return 'missing';
    throw permanentFailure(`${place.data} is neither empty nor a PostgreSQL cluster`, {
      field: place.data,
      given: 'files without PG_VERSION',
      expected: 'an empty folder or a cluster',
      advice: 'restore the cluster from a backup or set SLUICE_DATA_DIR to another folder',
    });
  }
  const found = readFileSync(versionFile, 'utf8').trim();
  if (found === String(major)) return 'present';
  throw permanentFailure(
    `the database in ${place.data} is of PostgreSQL ${found}, this release brings ${major}`,
    {
      field: versionFile,
      given: found,
      expected: String(major),
      advice: `nothing was changed. Start the release that wrote it and pg_dump, or serve it with PostgreSQL ${found} and set DATABASE_URL`,
    },
  );
}
