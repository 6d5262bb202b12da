import { randomUUID } from 'node:crypto';
import { Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigModule } from '../../src/config/config.module.js';
import { DatabaseModule } from '../../src/database/database.module.js';
import { Database } from '../../src/database/database.service.js';
import { SluiceError } from '../../src/kernel/errors.js';
import { testConfig } from '../support/config.js';
import { freshDatabase } from '../support/postgres.js';
import type { TestDatabase } from '../support/postgres.js';

@Entity({ name: 'metrics' })
class MetricProbeRow {
  @PrimaryColumn({ type: 'text' })
  name!: string;

  @Column({ type: 'jsonb' })
  definition!: object;
}

@Module({ imports: [DatabaseModule.rows([MetricProbeRow])] })
class ProbeModule {}

let db: TestDatabase;
beforeAll(async () => {
  db = await freshDatabase();
});
afterAll(async () => {
  await db.close();
});

function database(url: string): Database {
  const made = new Database(testConfig({ dataDir: '/nonexistent', databaseUrl: url }));
  made.start();
  return made;
}

describe('the database service', () => {
  it('maps the rows that modules register and shares one pool with the hot paths', async () => {
    const module = await Test.createTestingModule({
      imports: [ConfigModule.forRoot(testConfig({ dataDir: '/nonexistent', databaseUrl: db.url })), ProbeModule],
    }).compile();
    await module.init();
    const service = module.get(Database);
    await service.whenReady();
    const name = randomUUID();
    await service.transaction((tx) => tx.getRepository(MetricProbeRow).save({ name, definition: { kind: 'mean' } }));
    const { rows } = await service.pool.query('SELECT definition FROM metrics WHERE name = $1', [name]);
    expect(rows).toEqual([{ definition: { kind: 'mean' } }]);
    await module.close();
    expect(service.isReady).toBe(false);
    expect(() => service.manager).toThrow(SluiceError);
  });

  it('rolls a transaction back when its work throws', async () => {
    const service = database(db.url);
    await service.whenReady();
    const name = randomUUID();
    const work = service.transaction(async (tx) => {
      await tx.query(`INSERT INTO metrics (name, definition) VALUES ($1, '{}')`, [name]);
      throw new Error('changed my mind');
    });
    await expect(work).rejects.toThrow('changed my mind');
    const { rowCount } = await service.pool.query('SELECT 1 FROM metrics WHERE name = $1', [name]);
    expect(rowCount).toBe(0);
    await service.close();
  });
});
