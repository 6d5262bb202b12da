import { readFileSync } from 'node:fs';

interface Package {
  readonly scripts: Readonly<Record<string, string>>;
}

/** The flags that `npm start` gives to Node, so that what is tested and measured is what is started. */
export const START_FLAGS: readonly string[] =
  (
    JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as Package
  ).scripts['start']?.match(/--[a-z][a-z-]*(?:=\S+)?/g) ?? [];
