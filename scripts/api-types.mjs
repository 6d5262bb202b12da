// Writes console/src/api/schema.d.ts from the API document of this very source; `--check` only compares.
import { readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import openapiTS, { astToString } from 'openapi-typescript';
import { format } from 'prettier';
import './build-server.mjs';

const { createApp } = await import('../dist/src/app/start.js');
const { controlServer } = await import('../dist/src/app/control-server.js');
const { DocsController } = await import('../dist/src/app/docs.controller.js');

const FILE = fileURLToPath(new URL('../console/src/api/schema.d.ts', import.meta.url));
const CONFIG = {
  roles: ['control'],
  gatewayHost: '127.0.0.1',
  gatewayPort: 0,
  controlHost: '127.0.0.1',
  controlPort: 0,
  dataDir: tmpdir(),
  // never asked: the routes are listed without listening
  databaseUrl: 'postgres://nobody@127.0.0.1:1/none',
  redisUrl: null,
  adminKey: null,
  secret: 'the document needs no secret',
  upstreamAllow: [],
  allowLoopback: false,
  gatewayAuth: 'open',
  logLevel: 'silent',
};

const app = await createApp(CONFIG, controlServer(CONFIG));
const document = app.get(DocsController).document();
const types = astToString(
  await openapiTS(JSON.parse(JSON.stringify(document)), { defaultNonNullable: false }),
);
const head = '// Made by `npm run console:types` from the API document. Not edited by hand.\n';
const text = await format(head + types, {
  parser: 'typescript',
  printWidth: 100,
  singleQuote: true,
});
if (!process.argv.includes('--check')) writeFileSync(FILE, text);
else if (readFileSync(FILE, 'utf8') !== text) {
  console.error('console/src/api/schema.d.ts is not what the API says: npm run console:types');
  process.exit(1);
}
process.exit(0);
