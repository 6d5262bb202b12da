import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Test } from '@nestjs/testing';
import type { TestingModule } from '@nestjs/testing';
import type { Config } from '../../src/config/config.js';
import { ConfigModule } from '../../src/config/config.module.js';
import { Database } from '../../src/database/database.service.js';
import { DatabaseModule } from '../../src/database/database.module.js';
import { ModelsModule } from '../../src/models/models.module.js';
import { testConfig } from './config.js';

export interface ControlPlane {
  readonly get: TestingModule['get'];
  close(): Promise<void>;
}

/** Keys, models and the traffic plan on a real database, without HTTP and without the other folders. */
export async function controlPlane(
  databaseUrl: string,
  changes: Partial<Config> = {},
): Promise<ControlPlane> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-control-'));
  const config = testConfig({ dataDir, databaseUrl, ...changes });
  const app = await Test.createTestingModule({
    imports: [ConfigModule.forRoot(config), DatabaseModule, ModelsModule],
  }).compile();
  app.useLogger(false);
  await app.init();
  await app.get(Database).whenReady();
  return {
    get: app.get.bind(app),
    close: async () => {
      await app.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
