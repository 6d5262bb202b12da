import { writeSync } from 'node:fs';
import type { Reporter, SerializedError, TestModule } from 'vitest/node';

/**
 * Ends the output with `N passed, N failed, N skipped`. It is written when the process exits, after everything
 * that other reporters, teardown and vitest itself have to say. A file that cannot be loaded and an error outside
 * any test count as failed, so that the line never looks better than the exit code.
 */
export default class ClosingLineReporter implements Reporter {
  private passed = 0;
  private failed = 0;
  private skipped = 0;
  private retried: string[] = [];

  onInit(): void {
    process.once('exit', (code) => {
      for (const name of this.retried) writeLine(`passed at the second attempt only: ${name}`);
      if (code !== 0 && this.failed === 0) this.failed = 1;
      writeLine(`${this.passed} passed, ${this.failed} failed, ${this.skipped} skipped`);
    });
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    this.passed = this.skipped = 0;
    this.failed = unhandledErrors.length;
    this.retried = [];
    for (const module of modules) this.count(module);
  }

  private count(module: TestModule): void {
    let failedTests = 0;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === 'passed') this.passed += 1;
      if (test.diagnostic()?.flaky === true) this.retried.push(test.fullName);
      if (state === 'failed') failedTests += 1;
      if (state === 'skipped') this.skipped += 1;
    }
    if (failedTests === 0 && module.state() === 'failed') failedTests = 1;
    this.failed += failedTests;
  }
}

/** A pipe may be full for a moment; the line is worth waiting for. */
function writeLine(line: string): void {
  for (let attempt = 0; attempt < 1000; attempt += 1) {
    try {
      writeSync(1, `${line}\n`);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}
