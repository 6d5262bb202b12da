import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ShipmentStore } from '../../src/events/shipment.store.js';
import { Shipper } from '../../src/events/shipper.service.js';
import { listSpools } from '../../src/events/spool-folder.js';
import { Spool } from '../../src/events/spool.service.js';
import { poolOf, temporaryDataDir, until } from '../support/events.js';
import { freshDatabase } from '../support/postgres.js';

const ROUNDS = process.env['SLUICE_FAULTS'] === 'full' ? 20 : 4;
const AT_ONCE = 2;

let database: Awaited<ReturnType<typeof freshDatabase>>;
let pool: pg.Pool;
beforeAll(async () => {
  Logger.overrideLogger(false);
  database = await freshDatabase();
  pool = poolOf(database.url);
});
afterAll(async () => {
  await pool.end();
  await database.close();
});
beforeEach(async () => {
  await pool.query('TRUNCATE exposures, predictions, spool_watermarks, event_gaps');
});

/** Runs a process that kills itself; the request ids that it acknowledged before. */
function killed(dataDir: string, dieAt: string, seed: number): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [
        ...['--import', './test/support/run-typescript.mjs', './test/support/events.child.ts'],
        ...[dataDir, database.url, dieAt, String(seed)],
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let ledger = '';
    let complaints = '';
    child.stdout.on('data', (bytes: Buffer) => (ledger += bytes.toString()));
    child.stderr.on('data', (bytes: Buffer) => (complaints += bytes.toString()));
    child.on('close', (_code, signal) => {
      if (signal === 'SIGKILL') resolve(ledger.split('\n').filter((line) => line !== ''));
      else reject(new Error(`the child was to be killed, but: ${signal} ${complaints}`));
    });
  });
}

/** What the next process on the same data folder does: finds the spools of the dead and ships them. */
async function recover(dataDir: string): Promise<void> {
  const shipper = new Shipper(
    new Spool({ dataDir } as ConstructorParameters<typeof Spool>[0]),
    new ShipmentStore({ pool }),
  );
  shipper.start();
  await until(
    'the spools of dead processes are shipped and removed',
    async () => (await listSpools(join(dataDir, 'spool'))).length === 0,
  );
  await shipper.drain(2_000);
}

async function idsIn(table: 'exposures' | 'predictions'): Promise<readonly string[]> {
  const { rows } = await pool.query<{ request_id: string }>(
    `SELECT request_id FROM ${table} ORDER BY request_id`,
  );
  return rows.map((row) => row.request_id);
}

describe.each(['after_write', 'after_commit', 'any_turn'])('a process killed %s', (dieAt) => {
  it(`loses nothing that it acknowledged and doubles nothing, ${ROUNDS} times`, async () => {
    const ledger: string[] = [];
    for (let round = 0; round < ROUNDS; round += AT_ONCE) {
      const dirs = Array.from({ length: AT_ONCE }, () => temporaryDataDir());
      const ledgers = await Promise.all(
        dirs.map(({ dataDir }, index) => killed(dataDir, dieAt, round + index)),
      );
      for (const one of ledgers) expect(one.length).toBeGreaterThan(0);
      ledger.push(...ledgers.flat());
      for (const { dataDir, remove } of dirs) {
        await recover(dataDir);
        expect(
          existsSync(join(dataDir, 'spool', 'rejected')),
          'no line was refused as a double',
        ).toBe(false);
        expect(readdirSync(join(dataDir, 'spool'))).toEqual([]);
        remove();
      }
    }
    expect(await idsIn('exposures')).toEqual([...ledger].sort());
    expect(await idsIn('predictions')).toEqual([...ledger].sort());
    expect((await pool.query('SELECT FROM event_gaps')).rowCount).toBe(0);
  });
});
