// Compiles the server unless what is compiled is newer than every source; without a compiler (npm ci --omit=dev)
// what is there has to do.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { newestMs } from './newest.mjs';
import './require-node.mjs';

const top = fileURLToPath(new URL('..', import.meta.url));
const SOURCES = ['src', 'demo', 'test/vectors', 'tsconfig.json', 'tsconfig.build.json'];

const built = join(top, 'dist', '.tsbuildinfo');
const compiler = join(top, 'node_modules', 'typescript', 'bin', 'tsc');
const isFresh =
  existsSync(built) &&
  statSync(built).mtimeMs >= Math.max(...SOURCES.map((name) => newestMs(join(top, name))));

if (!isFresh && existsSync(compiler)) {
  const run = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
    cwd: top,
    stdio: 'inherit',
  });
  if (run.status !== 0) process.exit(run.status ?? 1);
}
