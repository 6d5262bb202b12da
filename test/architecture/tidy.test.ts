import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

// What STYLE asks of every file and what no linter rule says well. Limits are those of rule 9.
const FUNCTION_LINES = 70;
const FILE_LINES = 400;
const DRAWERS = ['common', 'utils', 'util', 'helpers', 'shared', 'misc', 'lib'];

const top = join(import.meta.dirname, '..', '..');
const at = (path: string): string => relative(top, path);

function filesUnder(folder: string): string[] {
  const path = join(top, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
    const child = join(path, entry.name);
    if (entry.isDirectory()) return filesUnder(at(child));
    return /\.tsx?$/.test(entry.name) && !entry.name.endsWith('.d.ts') ? [child] : [];
  });
}

const page = filesUnder('console/src');
const product = [...filesUnder('src'), ...page];
const tests = filesUnder('test');
const everything = [...product, ...filesUnder('demo'), ...filesUnder('bench'), ...tests];
const textOf = (path: string): string => readFileSync(path, 'utf8');

/** Lines of code of a text: blank lines and lines that hold nothing but a comment do not count. */
function codeLines(text: string): number {
  return text.split('\n').filter((line) => !/^\s*(\/\/.*|\/\*.*|\*.*)?$/.test(line)).length;
}

function longFunctions(path: string): string[] {
  const source = ts.createSourceFile(path, textOf(path), ts.ScriptTarget.ES2024, true);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && 'body' in node && node.body !== undefined) {
      const lines = codeLines(node.getText(source));
      const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
      if (lines > FUNCTION_LINES) found.push(`${at(path)}:${line + 1} has ${lines} lines`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** `file:line` of every line that matches, in code without comments. */
function lines(paths: readonly string[], pattern: RegExp): string[] {
  return paths.flatMap((path) =>
    textOf(path)
      .split('\n')
      .flatMap((line, index) =>
        pattern.test(line.replace(/\/\/.*$|^\s*\*.*$/, '')) ? [`${at(path)}:${index + 1}`] : [],
      ),
  );
}

describe('tidy', () => {
  it(`keeps every function of the product within ${FUNCTION_LINES} lines`, () => {
    expect(product.flatMap(longFunctions)).toEqual([]);
  });

  it(`keeps every file within ${FILE_LINES} lines`, () => {
    const long = everything.filter(
      (path) => textOf(path).split('\n').length - 1 > FILE_LINES && !path.endsWith('.test.ts'),
    );
    expect(long.map(at)).toEqual([]);
  });

  it('has no drawer folders', () => {
    const drawers = everything.filter((path) =>
      at(path)
        .split('/')
        .slice(0, -1)
        .some((folder) => DRAWERS.includes(folder)),
    );
    expect(drawers.map(at)).toEqual([]);
  });

  it('has no barrels', () => {
    expect(everything.filter((path) => basename(path) === 'index.ts').map(at)).toEqual([]);
  });

  it('has no circular injection, no schema written by an ORM, no listeners between domains', () => {
    expect(lines(product, /\bforwardRef\b|synchronize:\s*true|@OnEvent\b/)).toEqual([]);
  });

  it('logs through the logger', () => {
    expect(lines(product, /\bconsole\./)).toEqual([]);
  });

  it('runs every test: none alone, none waiting for a human', () => {
    // put together here so that this file does not find itself
    const alone = new RegExp(String.raw`\b(it|test|describe)\.` + 'only\\b');
    expect(lines(tests, alone)).toEqual([]);
  });

  it('reads new events by transaction horizon, never by a growing id alone', () => {
    expect(lines(product, /WHERE\s+(\w+\.)?id\s*>\s*\$/i)).toEqual([]);
  });

  it('keeps SQL in stores', () => {
    const elsewhere = product.filter(
      (path) =>
        !/\.(store|sql)\.ts$/.test(path) &&
        !at(path).startsWith('src/database/') &&
        /\.query(<[^(]*>)?\(\s*[`'](SELECT(?! 1['`])|INSERT|UPDATE|DELETE|WITH)\b/i.test(
          textOf(path),
        ),
    );
    expect(elsewhere.map(at)).toEqual([]);
  });

  it('explains every folder of src in ARCHITECTURE.md, in 150 lines at most', () => {
    const page = textOf(join(top, 'ARCHITECTURE.md'));
    const folders = readdirSync(join(top, 'src')).filter((name) =>
      statSync(join(top, 'src', name)).isDirectory(),
    );
    expect(folders.filter((name) => !page.includes(`src/${name}/`))).toEqual([]);
    expect(page.trimEnd().split('\n').length).toBeLessThanOrEqual(150);
  });

  it('locks packages by checksum, not by the host they were fetched from', () => {
    const lock = JSON.parse(textOf(join(top, 'package-lock.json'))) as {
      packages: Record<string, { resolved?: string; integrity?: string }>;
    };
    const entries = Object.entries(lock.packages).filter(([name]) => name !== '');
    expect(entries.filter(([, entry]) => entry.resolved !== undefined)).toEqual([]);
    expect(entries.filter(([, entry]) => entry.integrity === undefined)).toEqual([]);
  });
});
