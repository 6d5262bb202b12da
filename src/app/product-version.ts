import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The version in package.json, found upwards so that it is the same from `src` and from `dist/src`. */
export const PRODUCT_VERSION = versionFrom(import.meta.dirname);

function versionFrom(folder: string): string {
  try {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      readonly version?: string;
    };
    return manifest.version ?? 'unknown';
  } catch {
    const parent = dirname(folder);
    return parent === folder ? 'unknown' : versionFrom(parent);
  }
}
