import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** One built file, ready to be sent. */
export interface ConsoleFile {
  readonly type: string;
  readonly body: Buffer;
  /** Null where compression gains nothing. */
  readonly gzipped: Buffer | null;
  readonly etag: string;
}

/** The console as `npm run build` left it. */
export interface ConsoleFiles {
  readonly page: ConsoleFile;
  /** By name, for example `app-BX3q1c.js`: the name changes with the content. */
  readonly assets: ReadonlyMap<string, ConsoleFile>;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Reads every file once; null when the console has not been built. Nothing outside of its folder is ever read. */
export function readConsole(folder = builtFolder()): ConsoleFiles | null {
  const page = folder === null ? null : join(folder, 'index.html');
  if (folder === null || page === null || !existsSync(page)) return null;
  const assets = join(folder, 'assets');
  const names = existsSync(assets) ? readdirSync(assets) : [];
  return {
    page: read(page),
    assets: new Map(names.map((name) => [name, read(join(assets, name))])),
  };
}

function read(path: string): ConsoleFile {
  const body = readFileSync(path);
  const gzipped = gzipSync(body);
  return {
    type: TYPES[extname(path)] ?? 'application/octet-stream',
    body,
    gzipped: gzipped.length < body.length ? gzipped : null,
    etag: `"${body.length.toString(36)}-${checksum(body)}"`,
  };
}

/** Cheap, and enough to tell two builds apart; the names of assets carry a real hash already. */
function checksum(body: Buffer): string {
  let sum = 0x811c9dc5;
  for (const byte of body) sum = Math.imul(sum ^ byte, 0x01000193) >>> 0;
  return sum.toString(36);
}

/** Found upwards, so that it is the same from `src` and from `dist/src`. */
function builtFolder(folder = import.meta.dirname): string | null {
  if (existsSync(join(folder, 'package.json'))) return join(folder, 'console', 'dist');
  const parent = dirname(folder);
  return parent === folder ? null : builtFolder(parent);
}
