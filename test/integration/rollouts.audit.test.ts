import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { auditCommand } from '../../src/app/audit-command.js';
import { AppModule } from '../../src/app/app.module.js';
import { SigningKey } from '../../src/auth/signing-key.js';
import { Database } from '../../src/database/database.service.js';
import { experimentSchema } from '../../src/experiments/experiment.contract.js';
import { ExperimentsService } from '../../src/experiments/experiments.service.js';
import { LeasesService } from '../../src/experiments/leases.service.js';
import { ModelsService } from '../../src/models/models.service.js';
import { modelSchema, versionSchema } from '../../src/models/model.contract.js';
import { AuditService } from '../../src/rollouts/audit.service.js';
import { checkpointOf } from '../../src/rollouts/checkpoint.js';
import { EvaluationService } from '../../src/rollouts/evaluation.service.js';
import { RolloutsService } from '../../src/rollouts/rollouts.service.js';
import { decisionHash, FIRST_PREVIOUS_HASH } from '../../src/rollouts/stored-decision.js';
import { VerbsService } from '../../src/rollouts/verbs.service.js';
import { testConfig } from '../support/config.js';
import { freshDatabase, type TestDatabase } from '../support/postgres.js';

const SECRET = 'the secret of the audited installation';

const definition = experimentSchema.parse({
  name: 'audited',
  model: 'eta',
  kind: 'canary',
  variants: [
    { name: 'control', version: 'v1', control: true },
    { name: 'v2', version: 'v2' },
  ],
  metrics: [{ metric: 'error_rate', role: 'success' }],
  analysis: { minimumDetectableEffect: { relative: 0.1 }, plannedUnits: 1000, interval: '1h' },
  rollout: { steps: [{ coverage: 0.1 }, { coverage: 0.5 }, { coverage: 1 }] },
});

describe('sluice audit verify', () => {
  let database: TestDatabase;
  let app: INestApplicationContext;
  let dataDir: string;
  let pool: pg.Pool;
  let id: string;

  const environment = () => ({
    DATABASE_URL: database.url,
    SLUICE_SECRET: SECRET,
    SLUICE_DATA_DIR: dataDir,
  });
  const verify = (...args: readonly string[]) =>
    auditCommand(['verify', ...args], { ...environment() });
  /** Where and how it is broken. */
  const found = async (...args: readonly string[]): Promise<readonly string[]> => {
    const { exitCode, output } = await verify('--json', ...args);
    const { logs } = JSON.parse(output) as {
      logs: { findings: { number: number | null; problem: string }[] }[];
    };
    const findings = logs.flatMap((log) => log.findings);
    expect(exitCode).toBe(findings.length === 0 ? 0 : 1);
    return findings.map(({ number, problem }) => `${number ?? 'end'} ${problem}`);
  };
  const log = async () => (await app.get(RolloutsService, { strict: false }).log(id)).decisions;

  beforeAll(async () => {
    database = await freshDatabase();
    dataDir = await mkdtemp(join(tmpdir(), 'sluice-audit-'));
    const config = testConfig({
      databaseUrl: database.url,
      dataDir,
      roles: ['control'],
      secret: SECRET,
    });
    app = await NestFactory.createApplicationContext(AppModule.of(config), { logger: false });
    pool = new pg.Pool({ connectionString: database.url, max: 2 });
    await app.get(Database, { strict: false }).whenReady();
    const models = app.get(ModelsService, { strict: false });
    await models.put('eta', modelSchema.parse({}), 'test');
    for (const version of ['v1', 'v2']) {
      const request = versionSchema.parse({ url: 'http://127.0.0.1:9' });
      await models.putVersion({ model: 'eta', version, request, actor: 'test' });
    }
    ({ id } = await app.get(ExperimentsService, { strict: false }).create(definition));
    const verbs = app.get(VerbsService, { strict: false });
    await verbs.perform(id, 'start', { reason: 'go' }, 'ann');
    await pool.query('UPDATE experiments SET next_analysis_at = now() WHERE id = $1', [id]);
    const lease = await app.get(LeasesService, { strict: false }).claim(id, 'test', 30_000);
    await app.get(EvaluationService, { strict: false }).evaluate(lease!);
    for (const verb of ['pause', 'resume', 'pause'] as const) {
      await verbs.perform(id, verb, { reason: `${verb}, please` }, 'bob');
    }
    for (const table of ['decisions', 'decision_checkpoints', 'experiments']) {
      await pool.query(`CREATE TABLE honest_${table} AS SELECT * FROM ${table}`);
    }
  });

  // every test begins with the log as the product wrote it
  beforeEach(async () => {
    for (const table of ['decisions', 'decision_checkpoints']) {
      await pool.query(`DELETE FROM ${table}`);
      await pool.query(`INSERT INTO ${table} SELECT * FROM honest_${table}`);
    }
    await pool.query(
      'UPDATE experiments SET revision = honest.revision FROM honest_experiments AS honest WHERE honest.id = experiments.id',
    );
  });

  afterAll(async () => {
    await pool.end();
    await app.close();
    await database.close();
    await rm(dataDir, { recursive: true, force: true });
  });

  it('finds an honest log intact, and computes what the policy decided again', async () => {
    const { exitCode, output } = await verify('--replay');
    expect(exitCode).toBe(0);
    expect(output).toMatch(/^audited +paused +5 +5 +1 +intact$/m);
    expect(output).toContain('5 decisions of 1 experiments are intact');
  });

  it('finds an edited summary', async () => {
    await pool.query(`UPDATE decisions SET summary = 'all is well' WHERE number = 3`);
    expect(await found()).toEqual(['3 content']);
    const { output } = await verify();
    expect(output).toContain('first broken link: audited #3: content: ');
  });

  it('finds edited evidence', async () => {
    await pool.query(
      `UPDATE decisions SET inputs = jsonb_set(inputs::jsonb, '{nowMs}', '1')::json WHERE number = 2`,
    );
    expect((await found())[0]).toBe('2 content');
    expect(await found('--replay')).toContain('2 replay');
  });

  it('finds that the last decision was deleted, with its checkpoint or without', async () => {
    await pool.query('DELETE FROM decisions WHERE number = 5');
    expect(await found()).toEqual(['5 truncated', 'end behind']);
    await pool.query('DELETE FROM decision_checkpoints WHERE number = 5');
    expect(await found()).toEqual(['end behind']);
  });

  it('finds it even after the experiment was set back, with checkpoints that were kept elsewhere', async () => {
    const kept = join(dataDir, 'checkpoints.json');
    const checkpoints = await app.get(AuditService, { strict: false }).heads();
    await writeFile(kept, JSON.stringify({ checkpoints }));
    await pool.query('DELETE FROM decisions WHERE number = 5');
    await pool.query('DELETE FROM decision_checkpoints WHERE number = 5');
    await pool.query('UPDATE experiments SET revision = revision - 1');
    expect(await found()).toEqual([]);
    expect(await found('--anchor', kept)).toEqual(['5 truncated']);
  });

  it('finds two decisions that were swapped', async () => {
    await pool.query('UPDATE decisions SET number = 99 WHERE number = 3');
    await pool.query('UPDATE decisions SET number = 3 WHERE number = 4');
    await pool.query('UPDATE decisions SET number = 4 WHERE number = 99');
    const findings = await found();
    expect(findings).toContain('3 content');
    expect(findings).toContain('4 content');
  });

  it('finds a decision that was taken out of the middle', async () => {
    await pool.query('DELETE FROM decisions WHERE number = 2');
    expect(await found()).toEqual(['2 gap']);
  });

  it('finds a whole chain that was forged anew by somebody without the key', async () => {
    const stranger = new SigningKey(Buffer.alloc(32, 1));
    let previousHash = FIRST_PREVIOUS_HASH;
    for (const decision of await log()) {
      const forged = { ...decision, actor: 'nobody', previousHash };
      const hash = decisionHash(forged);
      await pool.query(
        'UPDATE decisions SET actor = $1, previous_hash = $2, hash = $3 WHERE number = $4',
        [forged.actor, previousHash, hash, forged.number],
      );
      const { signature } = checkpointOf({ ...forged, hash }, stranger);
      await pool.query(
        'UPDATE decision_checkpoints SET hash = $1, signature = $2 WHERE number = $3',
        [hash, signature, forged.number],
      );
      previousHash = hash;
    }
    const { chain } = await app.get(RolloutsService, { strict: false }).log(id);
    expect(chain.intact).toBe(true);
    expect(await found()).toEqual([1, 2, 3, 4, 5].map((number) => `${number} signature`));
    await pool.query('DELETE FROM decision_checkpoints');
    expect(await found()).toEqual(['5 unsigned']);
  });

  it('needs no secret when it is given the public key, and refuses another one', async () => {
    const { publicKey } = app.get(AuditService, { strict: false }).key;
    const file = join(dataDir, 'audit.pem');
    await writeFile(file, publicKey);
    const env = { DATABASE_URL: database.url, SLUICE_DATA_DIR: join(dataDir, 'nothing-here') };
    await expect(auditCommand(['verify'], env)).rejects.toThrow('signatures cannot be checked');
    expect((await auditCommand(['verify', '--public-key', file], env)).exitCode).toBe(0);
    await writeFile(file, new SigningKey(Buffer.alloc(32, 1)).public.pem);
    expect((await auditCommand(['verify', '--public-key', file], env)).exitCode).toBe(1);
    await expect(verify('--experiment', 'nobody')).rejects.toThrow('no started experiment nobody');
    await expect(verify('--fast')).rejects.toMatchObject({ code: 'invalid_input' });
  });

  it('is a command that ends with 0, 1 or 2', async () => {
    const top = join(import.meta.dirname, '..', '..');
    const run = (...args: readonly string[]) =>
      new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
        const child = spawn(
          process.execPath,
          [
            '--import',
            join(top, 'test/support/run-typescript.mjs'),
            join(top, 'src/cli.ts'),
            ...args,
          ],
          { env: { PATH: process.env['PATH'], ...environment() } },
        );
        let [out, err] = ['', ''];
        child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
        child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
        child.on('close', (code) => resolve({ code, out, err }));
      });
    const intact = await run('audit', 'verify', '--experiment', 'audited', '--replay');
    expect(intact).toMatchObject({ code: 0, err: '' });
    await pool.query(`UPDATE decisions SET actor = 'nobody' WHERE number = 4`);
    const broken = await run('audit', 'verify');
    expect(broken.code).toBe(1);
    expect(broken.out).toContain('first broken link: audited #4: content');
    const puzzled = await run('audit', 'check');
    expect(puzzled.code).toBe(2);
    expect(puzzled.out).toContain('sluice audit verify [options]');
  });
});
