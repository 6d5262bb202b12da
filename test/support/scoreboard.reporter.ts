import type { Reporter, TestModule } from 'vitest/node';
import { tableOf } from './scoreboard.js';

/** Ends a run with one table of what every fault scenario counted; prints nothing when none did. */
export default class ScoreboardReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const lines = modules.flatMap((module) =>
      [...module.children.allTests()].flatMap((test) => test.meta().scores ?? []),
    );
    if (lines.length > 0) process.stdout.write(`\n${tableOf(lines)}\n`);
  }
}
