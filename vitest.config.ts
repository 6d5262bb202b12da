import { defineConfig } from 'vitest/config';

// Three projects: pure tests run in parallel threads; tests that start servers, databases or child
// processes run in forks, few at a time, because the machine that runs them may have two cores.
export default defineConfig({
  test: {
    reporters: ['default', './test/support/closing-line.reporter.ts'],
    projects: [
      {
        test: {
          name: 'pure',
          include: ['test/{unit,property,vectors,architecture}/**/*.test.ts'],
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/{integration,e2e,faults}/**/*.test.ts'],
          globalSetup: ['test/support/postgres.global.ts'],
          pool: 'forks',
          maxWorkers: 2,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
