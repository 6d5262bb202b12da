import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../support/postgres.js';
import type { TestDatabase } from '../support/postgres.js';
import { startSpreading } from '../support/propagation.js';
import type { Spreading } from '../support/propagation.js';

const GATEWAYS = 2;
/** A busy machine is slow; a gateway that has missed a change never has it. `npm run bench:propagation` keeps the goals. */
const LIMIT_MS = 10_000;

let database: TestDatabase;
let scene: Spreading;

beforeAll(async () => {
  database = await freshDatabase();
  scene = await startSpreading(database.url, GATEWAYS);
});

afterAll(async () => {
  await scene.close();
  await database.close();
});

async function changes(count: number): Promise<readonly number[]> {
  const afterMs: number[] = [];
  for (let at = 0; at < count; at += 1) afterMs.push(...(await scene.change()).afterMs);
  return afterMs;
}

// Mutants that this kills: a plan adopted that is older than the one in force; no poll beside LISTEN; a poll that gives up
// after an error; a LISTEN that does not come back.
describe('a change of the configuration', () => {
  it('reaches every gateway, and none goes back', async () => {
    const afterMs = await changes(10);
    expect(afterMs).toHaveLength(10 * GATEWAYS);
    expect(Math.max(...afterMs)).toBeLessThan(LIMIT_MS);
    expect(scene.regressions).toBe(0);
  });

  it('reaches them while their connections to the database are reset again and again', async () => {
    const churn = setInterval(() => {
      for (const proxy of scene.proxies) {
        proxy.refuse();
        setTimeout(() => proxy.heal(), 15);
      }
    }, 400);
    const afterMs = await changes(6).finally(() => clearInterval(churn));
    expect(Math.max(...afterMs)).toBeLessThan(LIMIT_MS);
    expect(scene).toMatchObject({ regressions: 0, failures: 0 });
  });

  it('reaches them by the poll while LISTEN is half-open and silent', async () => {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    for (const proxy of scene.proxies) proxy.freezeListeners();
    const afterMs = await changes(4);
    expect(Math.max(...afterMs)).toBeLessThan(LIMIT_MS);
    expect(scene).toMatchObject({ regressions: 0, failures: 0 });
  });
});
