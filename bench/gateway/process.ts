import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { once } from 'node:events';

/** Core of the load generator and of the stub, and core of what is measured. */
export const LOAD_CORE = 0;
export const MEASURED_CORE = 1;

/** `USER_HZ` of Linux, in which /proc counts processor time: 100 on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;
const STOP_LIMIT_MS = 15_000;

/** Path of a program on this machine; null: it is not there. */
export function programPath(name: string): string | null {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path)) ?? null;
}

/** Starts a program on one core, where the machine can pin it; null: on any. */
export function startPinned(
  core: number | null,
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  const taskset = programPath('taskset');
  const pinned =
    taskset === null || core === null ? command : [taskset, '-c', String(core), ...command];
  const [program = '', ...args] = pinned;
  return spawn(program, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      ...env,
    },
  });
}

/** The first part of a child's output that matches; what comes later is read and forgotten. Rejects when it ends before. */
export function waitForOutput(child: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    let isFound = false;
    child.stdout?.on('data', (chunk: Buffer) => {
      if (isFound) return;
      text += chunk.toString();
      const found = pattern.exec(text)?.[1];
      if (found === undefined) return;
      isFound = true;
      resolve(found);
    });
    child.once('exit', () => {
      reject(new Error(`a process ended before it said ${pattern.source}: ${text}`));
    });
  });
}

/** Ends a child that we started; a deaf one is killed. */
export async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
  await gone;
  clearTimeout(timer);
}

/** Processor seconds that processes have used so far, user and system; NaN where the system does not tell. */
export function cpuSeconds(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + cpuOf(pid), 0);
}

/** Resident memory of processes in bytes; NaN where the system does not tell. */
export function residentBytes(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(procText(pid, 'status'))?.[1];
    return sum + Number(kib ?? Number.NaN) * 1_024;
  }, 0);
}

/** The children of a process, which servers such as nginx do their work in. */
export function childPids(pid: number): readonly number[] {
  return procText(pid, `task/${pid}/children`).split(' ').filter(Boolean).map(Number);
}

/** Fields 14 and 15 of proc(5)'s stat; the command in field 2 may hold spaces, so they count from behind it. */
function cpuOf(pid: number): number {
  const text = procText(pid, 'stat');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

function procText(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}
