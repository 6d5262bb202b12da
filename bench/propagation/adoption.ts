import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { SecretsService } from '../../src/auth/secrets.service.js';
import { Database } from '../../src/database/database.service.js';
import { DatabasePlanSource } from '../../src/gateway/database-plan-source.service.js';
import { Fleet } from '../../src/gateway/fleet.service.js';
import { LivePlanService } from '../../src/gateway/live-plan.service.js';
import type { PlanSource } from '../../src/gateway/plan-source.js';
import { PlanService } from '../../src/models/plan.service.js';
import { PlanStore } from '../../src/models/plan.store.js';
import { testConfig } from '../../test/support/config.js';
import { largePlan } from './large-plan.js';

const MODELS = 200;
const CHANGES = 20;
/** Adopting, and the snapshot after it, are over within this, or within a few of these on a busy machine. */
const WINDOW_MS = 400;

export interface Adoption {
  readonly planBytes: number;
  /** Longest block of the event loop in a window with one adoption, median over the changes: read and prepared whole. */
  readonly wholeMs: number;
  /** The same as the product does it: only what changed. */
  readonly changesMs: number;
  /** The same without any change, for what the machine does by itself. */
  readonly idleMs: number;
}

/** What a change of one model of a large plan costs the event loop of a gateway. The database must be empty. */
export async function adoption(databaseUrl: string): Promise<Adoption> {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-adoption-'));
  const client = new pg.Client({ connectionString: databaseUrl });
  const config = testConfig({ dataDir: dir, databaseUrl, roles: ['gateway'] });
  const database = new Database(config);
  try {
    await client.connect();
    const document = JSON.stringify(largePlan(1, MODELS, 'http://127.0.0.1:9'));
    // twice through jsonb, so that the models that do not change are written as in every plan after
    await client.query(
      `INSERT INTO traffic_plans (version, document, actor, reason)
       VALUES (1, $1::jsonb::text::json, 'bench', 'start')`,
      [document],
    );
    database.start();
    await database.whenReady();
    const plans = new PlanService(database, new PlanStore());
    const follow = async (source: PlanSource): Promise<number> => {
      const blocks: number[] = [];
      const live = liveOf(config, source);
      await live.start();
      await live.refresh();
      for (let at = 0; at < CHANGES; at += 1) {
        const before = live.current?.version ?? 0;
        const isAdopted = () => (live.current?.version ?? 0) > before;
        blocks.push(await longestBlock(() => change(client), isAdopted));
      }
      await live.stop();
      rmSync(join(dir, 'plan'), { recursive: true, force: true });
      return median(blocks);
    };
    const idle: number[] = [];
    for (let at = 0; at < CHANGES; at += 1) idle.push(await longestBlock(() => sleep(1)));
    return {
      planBytes: document.length,
      wholeMs: await follow(wholeSource(database, plans)),
      changesMs: await follow(new DatabasePlanSource(database, plans)),
      idleMs: median(idle),
    };
  } finally {
    await client.end();
    await database.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

function liveOf(config: ReturnType<typeof testConfig>, source: PlanSource): LivePlanService {
  return new LivePlanService(config, source, new SecretsService('bench'), new Fleet());
}

/** A source that remembers nothing, as one that reads the newest plan does. */
function wholeSource(database: Database, plans: PlanService): PlanSource {
  return {
    isReady: true,
    latest: (afterVersion) => plans.latest(afterVersion),
    listen: (onHint) => database.listen('sluice_plan', onHint),
  };
}

/** One time-out of one model, by SQL, so that making the plan costs this process nothing. */
async function change(client: pg.Client): Promise<void> {
  await client.query(
    `INSERT INTO traffic_plans (version, document, actor, reason)
     SELECT version + 1, jsonb_set(document::jsonb, '{models,model-3,timeoutMs}', to_jsonb(1000 + version))::text::json,
       actor, 'a change' FROM traffic_plans ORDER BY version DESC LIMIT 1`,
  );
  await client.query(`SELECT pg_notify('sluice_plan', '')`);
}

async function longestBlock(
  act: () => Promise<unknown>,
  isOver: () => boolean = () => true,
): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await act();
  do await sleep(WINDOW_MS);
  while (!isOver());
  delay.disable();
  return delay.max / 1e6;
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return Math.round((sorted[sorted.length >> 1] ?? Number.NaN) * 10) / 10;
}
