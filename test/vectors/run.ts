import { check } from './compare.js';
import { readFamilies } from './families.js';
import { operations } from './operations.js';

/** Runs the vector files of a folder, prints passes and misses by family and exits 1 on any miss. */
function main(folder: string | undefined): number {
  if (folder === undefined) {
    process.stderr.write('usage: vectors FOLDER   (a folder of reference vector files, *.json)\n');
    return 2;
  }
  let misses = 0;
  let total = 0;
  for (const { family, cases } of readFamilies(folder)) {
    const problems = cases.flatMap((vector) => {
      const problem = check(vector, operations[vector.op]);
      return problem === null ? [] : [`  ${vector.id} ${vector.op}: ${problem}`];
    });
    misses += problems.length;
    total += cases.length;
    const verdict = problems.length === 0 ? 'pass' : 'MISS';
    process.stdout.write(
      `${verdict} ${family}: ${String(cases.length - problems.length)} of ${String(cases.length)}\n`,
    );
    if (problems.length > 0) process.stdout.write(`${problems.join('\n')}\n`);
  }
  process.stdout.write(`${String(total - misses)} of ${String(total)} cases\n`);
  return misses === 0 && total > 0 ? 0 : 1;
}

process.exitCode = main(process.argv[2]);
