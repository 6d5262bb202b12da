import { Database } from '../../src/database/database.service.js';
import { RollupService } from '../../src/metrics/rollup.service.js';
import { testConfig } from './config.js';
import { freshDatabase } from './postgres.js';

export interface TestRollups {
  readonly database: Database;
  readonly rollups: RollupService;
  close(): Promise<void>;
}

/** The rollup on a fresh database of its own. */
export async function startRollups(): Promise<TestRollups> {
  const fresh = await freshDatabase();
  const database = new Database(testConfig({ dataDir: '/nonexistent', databaseUrl: fresh.url }));
  database.start();
  await database.whenReady();
  return {
    database,
    rollups: new RollupService(database),
    close: async () => {
      await database.close();
      await fresh.close();
    },
  };
}
