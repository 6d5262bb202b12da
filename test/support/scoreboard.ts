import { type RunnerTestCase, TestRunner } from 'vitest';

/** One line of the table that a run of the faults ends with. */
export interface Score {
  readonly scenario: string;
  /** Requests that were sent, or bodies, or rounds: what the scenario counts. */
  readonly requests: number;
  readonly answered: number;
  readonly lost: number;
  readonly doubled: number;
  /** Until everything was in the database after the fault; null where nothing had to catch up. */
  readonly drainedMs: number | null;
  readonly notes: string;
}

declare module 'vitest' {
  interface TaskMeta {
    scores?: Score[];
  }
}

/** Hands a line to the reporter that prints the table; says it at once too, for whoever watches. */
export function score(line: Score): void {
  const test = TestRunner.getCurrentTest<RunnerTestCase | undefined>();
  if (test !== undefined) (test.meta.scores ??= []).push(line);
  process.stderr.write(`${lineOf(line)}\n`);
}

function lineOf({ scenario, requests, answered, lost, doubled, drainedMs, notes }: Score): string {
  const drained = drainedMs === null ? '' : `, drained in ${Math.round(drainedMs)} ms`;
  const more = notes === '' ? '' : `, ${notes}`;
  return `${scenario}: ${requests} sent, ${answered} answered, lost ${lost}, doubled ${doubled}${drained}${more}`;
}

const COLUMNS: readonly (readonly [string, (line: Score) => string])[] = [
  ['scenario', ({ scenario }) => scenario],
  ['requests', ({ requests }) => requests.toLocaleString('en')],
  ['answered %', ({ requests, answered }) => percent(answered, requests)],
  ['lost', ({ lost }) => String(lost)],
  ['doubled', ({ doubled }) => String(doubled)],
  ['drained', ({ drainedMs }) => (drainedMs === null ? '' : `${(drainedMs / 1_000).toFixed(1)} s`)],
  ['notes', ({ notes }) => notes],
];

/** The table as text, in columns; numbers are flush right. */
export function tableOf(lines: readonly Score[]): string {
  const cells = [
    COLUMNS.map(([title]) => title),
    ...lines.map((line) => COLUMNS.map(([, of]) => of(line))),
  ];
  const widths = COLUMNS.map((_, column) =>
    Math.max(...cells.map((row) => row[column]?.length ?? 0)),
  );
  const isNumber = (column: number): boolean => column > 0 && column < COLUMNS.length - 1;
  return cells
    .map((row) =>
      row
        .map((cell, column) =>
          isNumber(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Never rounded up: one unanswered request of a million is not 100 %. */
function percent(part: number, whole: number): string {
  if (whole === 0) return '';
  return (Math.floor((part / whole) * 10_000) / 100).toFixed(2);
}
