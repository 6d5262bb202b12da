import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const top = join(import.meta.dirname, '..', '..');

/** Names of the rules that a small source tree breaks under the layers of this repository. */
function brokenRules(files: Readonly<Record<string, string>>): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-layers-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    for (const name of ['node_modules', 'tsconfig.json', 'package.json']) {
      symlinkSync(join(top, name), join(folder, name));
    }
    const run = spawnSync(
      process.execPath,
      [
        join(top, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs'),
        ...['--config', join(top, '.dependency-cruiser.cjs'), '--output-type', 'json', 'src'],
      ],
      { cwd: folder, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
    );
    const report = JSON.parse(run.stdout) as {
      summary: { violations: { rule: { name: string } }[] };
    };
    return [...new Set(report.summary.violations.map((violation) => violation.rule.name))].sort();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

// The layers themselves are checked by `npm run check`; these show that each rule can fail.
describe('layers', () => {
  const constant = 'export const one = 1;\n';
  const imports = (path: string): string =>
    `import { one } from '${path}';\nexport const two = one;\n`;

  it.each([
    ['an import that goes up a floor', 'floor-of-models', 'models/a.ts', 'gateway/b.ts'],
    ["another folder's store", 'rooms-are-private', 'gateway/a.ts', 'models/models.store.ts'],
    ['a policy that reads experiments', 'policy-is-pure', 'rollouts/policy/a.ts', 'models/b.ts'],
    ['metrics that run event code', 'events-are-types-to-metrics', 'metrics/a.ts', 'events/b.ts'],
    ['a folder without a floor', 'floor-is-known', 'drawer/a.ts', 'kernel/b.ts'],
  ])('refuses %s', (_what, rule, from, to) => {
    const depth = '../'.repeat(from.split('/').length - 1);
    expect(
      brokenRules({
        [`src/${from}`]: imports(`${depth}${to.replace(/\.ts$/, '.js')}`),
        [`src/${to}`]: constant,
      }),
    ).toContain(rule);
  });

  it.each([
    ['kernel/a.ts', 'node:fs'],
    ['routing/a.ts', 'zod'],
    ['rollouts/policy/a.ts', 'node:crypto'],
  ])('refuses %s importing %s', (from, name) => {
    const text = `import * as it from '${name}';\nexport const two = it;\n`;
    expect(brokenRules({ [`src/${from}`]: text })).toContain('pure-folders-touch-no-package');
  });

  it('refuses special functions outside of numerics', () => {
    const text = `import * as it from '@stdlib/math-base-special-erfc';\nexport const two = it;\n`;
    expect(brokenRules({ 'src/statistics/a.ts': text })).toEqual([
      'statistics-describes-with-one-library',
    ]);
  });

  it('lets numerics and the hash import what they are for', () => {
    const crypto = `import { createHash } from 'node:crypto';\nexport const two = createHash;\n`;
    const library = `import erfc from '@stdlib/math-base-special-erfc';\nexport const two = erfc;\n`;
    expect(
      brokenRules({ 'src/kernel/hash.ts': crypto, 'src/statistics/numerics.ts': library }),
    ).toEqual([]);
  });

  it('refuses a circle', () => {
    expect(
      brokenRules({ 'src/kernel/a.ts': imports('./b.js'), 'src/kernel/b.ts': imports('./a.js') }),
    ).toContain('no-cycles');
  });
});
