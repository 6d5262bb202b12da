import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const hooks = fileURLToPath(new URL('./run-typescript.mjs', import.meta.url));

export interface ChildAccount {
  readonly uid?: number;
  readonly gid?: number;
}

/** A Node process of its own that runs a TypeScript file of test/support. */
export function nodeChild(
  file: string,
  args: readonly string[],
  account: ChildAccount = {},
): ChildProcess {
  const script = fileURLToPath(new URL(file, import.meta.url));
  return spawn(process.execPath, ['--import', hooks, script, ...args], {
    ...account,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** The first line that it prints; '' when it ends without one. */
export async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) return '';
  for await (const line of createInterface({ input: child.stdout })) return line;
  return '';
}

/** Everything that it prints, once it has ended well. */
export async function outputOf(child: ChildProcess): Promise<string> {
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`the child ended with ${code}: ${output}`);
  return output;
}
