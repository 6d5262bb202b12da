import { readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { permanentFailure } from './permanent-failure.js';

/** The account that PostgreSQL runs under: ours, or an unprivileged one when we are root. */
export interface ServerAccount {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** True when we are root and hand files over to that account. */
  readonly isOther: boolean;
}

/** In this order; `nobody` comes last because other services may run under it too. */
const CANDIDATES = ['sluice', 'postgres', '_postgres', 'nobody'];

/** PostgreSQL refuses to run as root, so root picks an unprivileged account that exists. */
export function serverAccount(): ServerAccount {
  const uid = process.getuid?.() ?? -1;
  const gid = process.getgid?.() ?? -1;
  if (uid !== 0) return { name: `uid ${uid}`, uid, gid, isOther: false };
  const known = accounts();
  for (const name of CANDIDATES) {
    const account = known.get(name);
    if (account !== undefined) return account;
  }
  throw permanentFailure(
    'PostgreSQL refuses to run as root, and no unprivileged account was found',
    {
      field: 'DATABASE_URL',
      given: 'started as root',
      expected: `one of the accounts ${CANDIDATES.join(', ')} in /etc/passwd`,
      advice: 'start as an ordinary user, make an account "sluice", or set DATABASE_URL',
    },
  );
}

function accounts(): Map<string, ServerAccount> {
  const found = new Map<string, ServerAccount>();
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const [name, , uid, gid] = line.split(':');
    const account = { name: name ?? '', uid: Number(uid), gid: Number(gid), isOther: true };
    if (!account.name.startsWith('#') && account.uid > 0 && account.gid >= 0)
      found.set(account.name, account);
  }
  return found;
}

/** True when the account may pass every folder on the way, and do that with the file or folder itself. */
export function canReach(
  account: ServerAccount,
  path: string,
  want: 'execute' | 'traverse',
): boolean {
  let real: string;
  try {
    real = realpathSync(path);
  } catch {
    return false;
  }
  if (!permits(account, real, want === 'execute' ? 0o5 : 0o1)) return false;
  for (let dir = dirname(real); ; dir = dirname(dir)) {
    if (!permits(account, dir, 0o1)) return false;
    if (dir === dirname(dir)) return true;
  }
}

function permits(account: ServerAccount, path: string, bits: number): boolean {
  try {
    const { mode, uid, gid } = statSync(path);
    const shift = uid === account.uid ? 6 : gid === account.gid ? 3 : 0;
    return ((mode >> shift) & bits) === bits;
  } catch {
    return false;
  }
}
