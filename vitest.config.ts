import { defineConfig } from 'vitest/config';

// Real servers, databases and child processes: forks, and time for machines that are slow.
const withServers = {
  globalSetup: ['test/support/postgres.global.ts'],
  pool: 'forks' as const,
  testTimeout: 120_000,
  hookTimeout: 120_000,
  // What is waited for comes on a busy machine too, only later.
  expect: { poll: { timeout: 20_000 } },
  // A second chance on machines that build changes: the closing lines name every test that needed it.
  retry: process.env['CI'] === undefined ? 0 : 1,
};

// One group after the other. Tests that keep times and rates of a whole process run alone, one file at a time: beside
// others on two cores they would measure their neighbours.
export default defineConfig({
  test: {
    reporters: [
      'default',
      './test/support/scoreboard.reporter.ts',
      './test/support/closing-line.reporter.ts',
    ],
    projects: [
      {
        test: {
          name: 'pure',
          include: ['test/{unit,property,vectors,architecture,simulation}/**/*.test.ts'],
          testTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...withServers,
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          ...withServers,
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          maxWorkers: 1,
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          ...withServers,
          name: 'console',
          include: ['test/console/**/*.test.ts'],
          maxWorkers: 1,
          sequence: { groupOrder: 5 },
        },
      },
      {
        test: {
          ...withServers,
          name: 'faults',
          include: ['test/faults/**/*.test.ts'],
          maxWorkers: 1,
          sequence: { groupOrder: 4 },
        },
      },
      {
        test: {
          ...withServers,
          name: 'scenarios',
          include: ['test/scenarios/**/*.test.ts'],
          maxWorkers: 1,
          sequence: { groupOrder: 5 },
        },
      },
    ],
  },
});
