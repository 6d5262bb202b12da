import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A process id is reused by the system; together with the start time it names one process for ever. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startedAt: string;
}

export function ownIdentity(): ProcessIdentity {
  return { pid: process.pid, startedAt: startTimeOf(process.pid) ?? 'unknown' };
}

/** True while that very process lives, not merely one with the same number. */
export function isAlive(identity: ProcessIdentity): boolean {
  if (!pidExists(identity.pid)) return false;
  const startedAt = startTimeOf(identity.pid);
  return startedAt === null || startedAt === identity.startedAt;
}

export function pidExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Null when there is no such process, or no way to ask. A zombie counts as dead: it holds nothing any more. */
export function startTimeOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // the command may contain blanks and brackets; fields are counted after its closing bracket
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return 'zombie';
    return `${bootId()}:${fields[19] ?? ''}`;
  } catch {
    return process.platform === 'linux' ? null : startTimeFromPs(pid);
  }
}

/** Start times in /proc count from the boot: without its id, a lock from before a reboot might match by chance. */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

function startTimeFromPs(pid: number): string | null {
  try {
    const output = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      timeout: 5_000,
      env: { ...process.env, LC_ALL: 'C' },
    });
    return output.trim() === '' ? null : output.trim();
  } catch {
    return null;
  }
}
