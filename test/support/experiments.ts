import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { APP_FILTER, APP_PIPE, RouterModule } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { controlServer } from '../../src/app/control-server.js';
import { ProblemFilter } from '../../src/app/problem.filter.js';
import { ContractPipe } from '../../src/app/validation.js';
import { AuthModule } from '../../src/auth/auth.module.js';
import { FirstKeyService } from '../../src/auth/first-key.service.js';
import { ConfigModule } from '../../src/config/config.module.js';
import { DatabaseModule } from '../../src/database/database.module.js';
import { Database } from '../../src/database/database.service.js';
import { ExperimentsModule } from '../../src/experiments/experiments.module.js';
import { MetricsModule } from '../../src/metrics/metrics.module.js';
import { ModelsModule } from '../../src/models/models.module.js';
import { testConfig } from './config.js';
import { freshDatabase } from './postgres.js';

const API = [AuthModule, ModelsModule, MetricsModule, ExperimentsModule];

/** The control plane up to experiments: the real server, the real database, no gateway, no jobs. */
export interface ExperimentsPlane {
  readonly app: NestFastifyApplication;
  readonly call: (method: string, path: string, body?: unknown) => Promise<Answer>;
  close(): Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly body: any; // eslint-disable-line @typescript-eslint/no-explicit-any -- asserted by each test
}

export async function experimentsPlane(): Promise<ExperimentsPlane> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-experiments-'));
  const database = await freshDatabase();
  const config = testConfig({ dataDir, databaseUrl: database.url, roles: ['control'] });
  const wiring = await Test.createTestingModule({
    imports: [
      ConfigModule.forRoot(config),
      DatabaseModule,
      ...API,
      RouterModule.register(API.map((module) => ({ path: 'api/v1', module }))),
    ],
    providers: [
      { provide: APP_PIPE, useClass: ContractPipe },
      { provide: APP_FILTER, useClass: ProblemFilter },
    ],
  }).compile();
  const app = wiring.createNestApplication<NestFastifyApplication>(controlServer(config), {
    bodyParser: false,
  });
  await app.listen(0, '127.0.0.1');
  await app.get(Database).whenReady();
  const first = await app.get(FirstKeyService).ensure();
  const key = first.kind === 'present' ? '' : first.key;
  const url = await app.getUrl();
  return {
    app,
    call: async (method, path, body) => {
      const response = await fetch(`${url}/api/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, body: await response.json() };
    },
    close: async () => {
      await app.close();
      await database.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** A model with two versions, a captured answer and the metric `correct`: what `postedCanary` refers to. */
export async function registerSpam({ call }: ExperimentsPlane, model = 'spam'): Promise<void> {
  await call('PUT', `/models/${model}`, { capture: { output: { spam: '/spam' }, input: {} } });
  for (const version of ['v1', 'v2', 'v3']) {
    await call('PUT', `/models/${model}/versions/${version}`, { url: 'http://127.0.0.1:9' });
  }
  await call('PUT', '/metrics/correct', {
    kind: 'proportion',
    source: { label: { outcome: 'is_spam', output: 'spam', loss: 'zero_one' } },
    direction: 'decrease',
  });
}
