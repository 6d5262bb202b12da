// Lets a plain Node process run the sources as they are: `node --import ./test/support/run-typescript.mjs file.ts`.
// Node strips types by itself but knows neither decorators nor parameter properties, so TypeScript transpiles.
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const compilerOptions = {
  target: ts.ScriptTarget.ES2024,
  module: ts.ModuleKind.ESNext,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  verbatimModuleSyntax: true,
  inlineSourceMap: true,
};

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
    const fileName = fileURLToPath(url);
    const source = ts.transpileModule(readFileSync(fileName, 'utf8'), {
      fileName,
      compilerOptions,
    }).outputText;
    return { format: 'module', source, shortCircuit: true };
  },
});
