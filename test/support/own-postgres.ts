import { readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedPostgres } from '../../src/database/embedded-postgres.js';

/** A PostgreSQL of its own, whose processes can be stopped, continued and killed; it is started again under the same URL. */
export interface OwnPostgres {
  readonly url: string;
  /** How often it died and was started again. */
  readonly restarts: number;
  /** SIGSTOP to the server and everything below it. */
  freeze(): void;
  thaw(): void;
  /** SIGKILL to the postmaster; a new one is started at once. */
  kill(): void;
  /** SIGKILL to one backend, by chance; the server then ends all others and recovers. False: there was none. */
  killBackend(pick: (count: number) => number): boolean;
  close(): Promise<void>;
}

export async function startOwnPostgres(): Promise<OwnPostgres> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-postgres-'));
  await chmod(folder, 0o711); // the server may run under an account of its own
  const server = new EmbeddedPostgres(folder);
  const url = await server.start();
  let frozen: readonly number[] = [];
  const thaw = (): void => {
    for (const pid of frozen.toReversed()) signal(pid, 'SIGCONT');
    frozen = [];
  };
  return {
    url,
    get restarts() {
      return server.restartCount;
    },
    freeze: () => {
      const root = server.pid ?? 0;
      signal(root, 'SIGSTOP'); // first, so that it starts no more children
      frozen = [root, ...childrenOf(root)];
      for (const pid of frozen) signal(pid, 'SIGSTOP');
    },
    thaw,
    kill: () => signal(server.pid ?? 0, 'SIGKILL'),
    killBackend: (pick) => {
      const backends = childrenOf(server.pid ?? 0).filter(isBackend);
      const victim = backends[pick(backends.length)];
      if (victim !== undefined) signal(victim, 'SIGKILL');
      return victim !== undefined;
    },
    close: async () => {
      thaw();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    if (pid > 0) process.kill(pid, name);
  } catch {
    // gone meanwhile
  }
}

/** Processes of Linux whose parent this is. */
function childrenOf(parent: number): readonly number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      if (Number.isNaN(pid)) return false;
      const stat = readOrEmpty(`/proc/${pid}/stat`);
      // the name may hold blanks and parentheses
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent;
    });
}

/** Whether a child of the postmaster serves a client; they are titled `postgres: user database …`. */
function isBackend(pid: number): boolean {
  return /^postgres: sluice /.test(readOrEmpty(`/proc/${pid}/cmdline`).replaceAll('\0', ' '));
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
