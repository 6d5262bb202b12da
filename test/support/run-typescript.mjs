// Lets a plain Node process run the sources as they are: `node --import ./test/support/run-typescript.mjs file.ts`.
// Node strips types by itself but knows neither decorators nor parameter properties, so TypeScript transpiles; the
// results are kept, because loading TypeScript takes longer than all that a child process of a test does.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire, registerHooks } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/run-typescript/', import.meta.url));
const VERSION = '1';

registerHooks({
  resolve(specifier, context, next) {
    const ours = specifier.startsWith('.') && specifier.endsWith('.js');
    if (!ours || context.parentURL?.includes('/node_modules/')) return next(specifier, context);
    try {
      return next(specifier.slice(0, -3) + '.ts', context);
    } catch {
      return next(specifier, context);
    }
  },
  load(url, context, next) {
    if (!url.endsWith('.ts') || url.includes('/node_modules/')) return next(url, context);
    return { format: 'module', source: transpiled(fileURLToPath(url)), shortCircuit: true };
  },
});

function transpiled(fileName) {
  const text = readFileSync(fileName, 'utf8');
  const key = createHash('sha256').update(VERSION).update(fileName).update('\0').update(text);
  const kept = join(CACHE, `${key.digest('hex')}.js`);
  try {
    return readFileSync(kept, 'utf8');
  } catch {
    const source = transpile(fileName, text);
    try {
      mkdirSync(CACHE, { recursive: true });
      writeFileSync(`${kept}.${process.pid}`, source);
      renameSync(`${kept}.${process.pid}`, kept);
    } catch {
      // a process of another account cannot write there; it only takes longer
    }
    return source;
  }
}

function transpile(fileName, text) {
  const ts = require('typescript');
  const compilerOptions = {
    target: ts.ScriptTarget.ES2024,
    module: ts.ModuleKind.ESNext,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    verbatimModuleSyntax: true,
    inlineSourceMap: true,
  };
  return ts.transpileModule(text, { fileName, compilerOptions }).outputText;
}
