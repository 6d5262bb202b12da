// Does a test notice the mistakes that make engines lie? Applies each mutant of a set to a copy of the repository and runs
// the tests that have to fail; exit code 1 when a mutant survives. Run: npm run mutations, mutations:actors, mutations:policy, mutations:pairs,
// mutations:pipeline
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ACTOR_MUTANTS } from './mutants.actors.js';
import { PAIR_MUTANTS } from './mutants.pairs.js';
import { PIPELINE_MUTANTS } from './mutants.pipeline.js';
import { POLICY_MUTANTS } from './mutants.policy.js';
import { type Edit, type Mutant, MUTANTS } from './mutants.js';

const COPIED = [
  ...['src', 'test', 'demo', 'migrations'],
  ...['package.json', 'tsconfig.json', 'vitest.config.ts'],
];

/** Mutants by what they attack, and the test projects that their tests belong to. */
const SETS = {
  statistics: { mutants: MUTANTS, projects: ['pure'] },
  actors: { mutants: ACTOR_MUTANTS, projects: ['integration', 'faults'] },
  policy: { mutants: POLICY_MUTANTS, projects: ['pure'] },
  pairs: { mutants: PAIR_MUTANTS, projects: ['pure'] },
  pipeline: { mutants: PIPELINE_MUTANTS, projects: ['pure', 'integration'] },
} as const satisfies Record<string, MutantSet>;

interface MutantSet {
  readonly mutants: readonly Mutant[];
  readonly projects: readonly string[];
}

/** Rare mistakes need more worlds than the daily test lives. */
const SLUICE_SIMULATION_STEPS = '400000';
/** An iteration without an end is a failure too, but not one that a test reports. */
const RUN_LIMIT_MS = 300_000;

/** What vitest writes with `--reporter=json`, as far as we read it. */
interface VitestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

interface Verdict {
  readonly mutant: string;
  readonly failing: readonly { readonly file: string; readonly test: string }[];
}

// from bench/, or from dist/bench/ when it was compiled
const top = [new URL('..', import.meta.url), new URL('../..', import.meta.url)]
  .map((url) => fileURLToPath(url))
  .find((folder) => existsSync(join(folder, 'package.json')));
if (top === undefined) throw new Error('there is no package.json above this program');

const [setName = 'statistics', ...wanted] = process.argv.slice(2);
if (!isSet(setName)) throw new Error(`which of ${Object.keys(SETS).join(', ')}? not ${setName}`);
const chosen: MutantSet = SETS[setName];
const scratch = mkdtempSync(join(tmpdir(), 'sluice-mutations-'));
try {
  for (const name of COPIED) cpSync(join(top, name), join(scratch, name), { recursive: true });
  symlinkSync(join(top, 'node_modules'), join(scratch, 'node_modules'));
  const mutants = chosen.mutants.filter(({ name }) => wanted.every((part) => name.includes(part)));
  checkUnchanged(mutants);
  const verdicts = mutants.map(verdictOn);
  tell(verdicts);
  if (wanted.length === 0) keep(verdicts);
  if (verdicts.some(({ failing }) => failing.length === 0)) process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

function isSet(name: string): name is keyof typeof SETS {
  return Object.hasOwn(SETS, name);
}

/** A test that fails without any mutant would count as noticing every one. */
function checkUnchanged(mutants: readonly Mutant[]): void {
  const failing = failingTests([...new Set(mutants.flatMap(({ tests }) => tests))]);
  if (failing.length === 0) return;
  const names = failing.map(({ file, test }) => `${file}: ${test}`).join('\n');
  throw new Error(`these fail before anything is changed:\n${names}`);
}

function verdictOn(mutant: Mutant): Verdict {
  const before = new Map(
    mutant.edits.map(({ file }) => [file, readFileSync(join(scratch, file), 'utf8')]),
  );
  try {
    for (const edit of mutant.edits) apply(edit);
    return { mutant: mutant.name, failing: failingTests(mutant.tests) };
  } finally {
    for (const [file, text] of before) writeFileSync(join(scratch, file), text);
  }
}

function apply({ file, from, to }: Edit): void {
  const path = join(scratch, file);
  const parts = readFileSync(path, 'utf8').split(from);
  if (parts.length !== 2) {
    throw new Error(`${file} holds ${String(parts.length - 1)} times, not once: ${from}`);
  }
  writeFileSync(path, parts.join(to));
}

function failingTests(files: readonly string[]): Verdict['failing'] {
  const output = join(scratch, 'report.json');
  rmSync(output, { force: true });
  const vitest = join(scratch, 'node_modules', 'vitest', 'vitest.mjs');
  const projects = chosen.projects.flatMap((project) => ['--project', project]);
  const options = ['run', ...projects, '--reporter=json', `--outputFile=${output}`];
  const run = spawnSync(process.execPath, [vitest, ...options, ...files], {
    cwd: scratch,
    encoding: 'utf8',
    env: { ...process.env, SLUICE_SIMULATION_STEPS },
    timeout: RUN_LIMIT_MS,
  });
  if (!existsSync(output)) throw new Error(`the tests did not run:\n${run.stdout}${run.stderr}`);
  const { testResults } = JSON.parse(readFileSync(output, 'utf8')) as VitestReport;
  if (testResults.length !== files.length) throw new Error(`not all there: ${files.join(', ')}`);
  return testResults.flatMap(({ name, status, message, assertionResults }) => {
    // a file that cannot even be read notices nothing: the mutant is broken
    if (status === 'failed' && assertionResults.length === 0)
      throw new Error(`${name}: ${message}`);
    const file = relative(scratch, name).replaceAll('\\', '/');
    return assertionResults
      .filter((test) => test.status === 'failed')
      .map(({ fullName }) => ({ file, test: fullName }));
  });
}

function tell(verdicts: readonly Verdict[]): void {
  for (const { mutant, failing } of verdicts) {
    const verdict = failing.length === 0 ? 'SURVIVES' : `${String(failing.length)} tests fail`;
    process.stdout.write(`${mutant}: ${verdict}\n`);
    const shown = [...Map.groupBy(failing, ({ file }) => file)];
    for (const [file, tests] of shown) {
      const more = tests.length > 1 ? ` (and ${String(tests.length - 1)} more)` : '';
      process.stdout.write(`    ${file}: ${tests[0]?.test ?? ''}${more}\n`);
    }
  }
}

function keep(verdicts: readonly Verdict[]): void {
  const folder = join(top ?? '', 'bench', 'results');
  mkdirSync(folder, { recursive: true });
  const file = setName === 'statistics' ? 'mutations.json' : `mutations.${setName}.json`;
  writeFileSync(join(folder, file), `${JSON.stringify({ verdicts }, null, 2)}\n`);
}
