// Bundles the console unless the bundle is newer than every source; prints what a first visit loads.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { newestMs } from './newest.mjs';
import './require-node.mjs';

/** A first visit on a slow line should still take about a second. */
const FIRST_LOAD_LIMIT_KB = 300;

const top = fileURLToPath(new URL('..', import.meta.url));
const folder = join(top, 'console');
const page = join(folder, 'dist', 'index.html');
const sources = ['src', 'index.html', 'vite.config.ts'].map((name) => join(folder, name));
const isFresh = existsSync(page) && statSync(page).mtimeMs >= Math.max(...sources.map(newestMs));
const bundler = join(top, 'node_modules', 'vite');

const mustBuild = !isFresh && existsSync(bundler);

if (mustBuild) {
  const { build } = await import('vite');
  await build({ root: folder, configFile: join(folder, 'vite.config.ts'), logLevel: 'warn' });
}
if (mustBuild || process.argv.includes('--report')) reportSize();

function reportSize() {
  const files = [page, ...assetsOf(readFileSync(page, 'utf8'))];
  const kilobytes =
    files.reduce((sum, file) => sum + gzipSync(readFileSync(file)).length, 0) / 1000;
  console.log(
    `console: first load ${kilobytes.toFixed(1)} kB gzipped (limit ${FIRST_LOAD_LIMIT_KB})`,
  );
  if (kilobytes > FIRST_LOAD_LIMIT_KB) process.exit(1);
}

function assetsOf(html) {
  const assets = join(folder, 'dist', 'assets');
  return readdirSync(assets)
    .filter((name) => html.includes(name))
    .map((name) => join(assets, name));
}
