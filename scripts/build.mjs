// Builds unless what is built is newer than every source; without a compiler (npm ci --omit=dev) what is
// built has to do.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import './require-node.mjs';

const top = fileURLToPath(new URL('..', import.meta.url));
const SOURCES = ['src', 'demo', 'test/vectors', 'tsconfig.json', 'tsconfig.build.json'];

function newestMs(path) {
  if (!existsSync(path)) return 0;
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newestMs(join(path, name))));
}

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
  process.exit(run.status ?? 1);
}
