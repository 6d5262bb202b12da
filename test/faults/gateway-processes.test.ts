import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pidExists } from '../../src/config/process-identity.js';
import { audit, CLEAN, scoreboard } from '../support/audit.js';
import { drained, MODEL, type Scene, setScene, STEADY_AB } from '../support/fault-scene.js';
import { Load, unitName } from '../support/load.js';
import { freshDatabase } from '../support/postgres.js';
import { type Line, lineToEach, metricOf } from '../support/processes.js';
import { Product } from '../support/product.js';
import { until } from '../support/sluice.js';

const UNITS = 400;
const LOAD_MS = 2_500;
/** Requests under way in a process that is killed, and the completions of those that it had just answered. */
const TAKEN_ALONG = 96;
/** A killed process needs a processor to fall apart; until then the system gives it connections. */
const FALLEN_APART_MS = 3_000;
/** A process loads the whole product; on a busy machine that takes its time. */
const RETURN_MS = 90_000;
/** Less than what makes a process one that hangs. */
const MOMENT_MS = 5_000;
const STOP_LIMIT_MS = 25_000;
/** A busy machine is slow; a process that missed the change never has it. */
const CHANGE_LIMIT_MS = 1_000;
/** Faults find requests under way. */
const UPSTREAM_MS = 600;

const later: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const end of later.reverse()) await end();
});

async function gatewaysOf(product: Product) {
  return (await product.status()).gateways;
}

async function metricsOf(product: Product): Promise<string> {
  return (await fetch(`${product.admin.address.controlUrl}/metrics`)).text();
}

/** Milliseconds until a process answers by a plan at least as new as this. */
async function followed(line: Line, version: number, sinceMs: number): Promise<number> {
  await until(`process ${line.gateway} follows plan ${version}`, async () => {
    const { configVersion } = JSON.parse((await line.send('/ready')).text) as Ready;
    return configVersion >= version ? true : null;
  });
  return performance.now() - sinceMs;
}

interface Ready {
  readonly configVersion: number;
}

// Mutants that this kills: the spool of a killed process left alone (exposures lost); sums without the dead (a counter
// falls); no restart; a restart without the address of the database; Node's own end of a process whose main process is
// gone (requests cut, process.exit at once); no watch over a process that hangs; the main process ending before its gateways have shipped.
describe('a gateway of two processes', () => {
  let product: Product;
  let scene: Scene;
  let load: Load;
  let lines: readonly Line[];

  beforeAll(async () => {
    product = await Product.in(null, { env: { SLUICE_GATEWAY_PROCESSES: '2' } });
    later.push(() => product.dispose());
    await product.start();
    scene = await setScene(product, STEADY_AB, UPSTREAM_MS);
    later.push(() => scene.close());
    load = new Load({ client: scene.client, model: MODEL, ratePerSecond: 120, units: UNITS });
    later.push(() => load.close());
    lines = await lineToEach(product.admin.address.gatewayUrl, 2);
    later.push(() => {
      for (const line of lines) line.close();
      return Promise.resolve();
    });
  });

  it('gives a unit the same version, whichever process answers', async () => {
    const versions = await Promise.all(
      lines.map(async (line) => {
        const got: string[] = [];
        for (let mail = 0; mail < 12; mail += 1) {
          got.push((await line.send(`/models/${MODEL}/score`, unitName(mail))).version);
        }
        return got;
      }),
    );
    expect(lines.map(({ gateway }) => gateway)).toEqual(['1', '2']);
    expect(new Set(versions[0])).toEqual(new Set(['v1', 'v2']));
    expect(versions[1]).toEqual(versions[0]);
  });

  it('brings a change of the plan to both', async () => {
    const before = (await product.status()).configVersion ?? 0;
    const sinceMs = performance.now();
    await product.admin.putVersion(MODEL, 'v3', { url: 'http://127.0.0.1:9' });
    const tookMs = performance.now() - sinceMs;
    const afterMs = await Promise.all(lines.map((line) => followed(line, before + 1, sinceMs)));
    process.stderr.write(
      `change answered after ${Math.round(tookMs)} ms, in force after ${afterMs.map(Math.round).join(' and ')} ms\n`,
    );
    expect(Math.max(...afterMs)).toBeLessThan(CHANGE_LIMIT_MS);
  });

  it('serves on when one is killed, starts another, and loses and doubles nothing', async () => {
    load.start();
    await sleep(LOAD_MS);
    const countedBefore = metricOf(await metricsOf(product), 'sluice_gateway_requests_total');
    const [victim] = await gatewaysOf(product);
    process.kill(victim?.pid ?? 0, 'SIGKILL');
    const killedAtMs = Date.now();
    const back = async () => {
      const [returned] = await gatewaysOf(product);
      return returned?.listening === true && returned.restarts === 1 ? true : null;
    };
    await until('another process is back', back, RETURN_MS);
    const backMs = Date.now() - killedAtMs;
    const { answered, unanswered } = load.ledger;
    expect(
      answered.filter(({ atMs }) => atMs > killedAtMs && atMs < killedAtMs + backMs).length,
    ).toBeGreaterThan(20);
    await lineToEach(product.admin.address.gatewayUrl, 2).then((both) => {
      for (const line of both) line.close();
    });
    await sleep(LOAD_MS);
    await load.pause();
    await drained(product, load);
    const metrics = await metricsOf(product);
    expect(metricOf(metrics, 'sluice_gateway_requests_total')).toBeGreaterThan(countedBefore);
    expect(metricOf(metrics, 'sluice_gateway_process_up')).toBe(2);
    expect(metricOf(metrics, 'sluice_gateway_process_restarts_total', 'gateway="1"')).toBe(1);
    const found = await audit(product.embeddedUrl(), product.dataDir, load.ledger);
    scoreboard('one of two gateway processes killed', load.ledger, found, {
      notes: `unanswered ${unanswered.length} (${[...new Set(unanswered.map(({ why }) => why))].join()}), back after ${backMs} ms`,
    });
    // requests of the lines above are in no ledger, and were not enrolled under load
    expect(found).toMatchObject({ ...CLEAN, exposuresTooMany: expect.any(Number) as number });
    expect(found.predictionsMissing).toBeLessThan(TAKEN_ALONG);
    // a 504 says that the machine is busy, and that a gateway answered
    const late = unanswered.filter(
      ({ atMs, why }) => atMs > killedAtMs + FALLEN_APART_MS && why !== 'status 504',
    );
    expect(late).toEqual([]);
    expect(answered.length).toBeGreaterThan(5 * unanswered.length);
  });

  it('kills one that hangs, and not one that was stopped for a moment', async () => {
    const [, before] = await gatewaysOf(product);
    const pid = before?.pid ?? 0;
    process.kill(pid, 'SIGSTOP');
    await sleep(MOMENT_MS);
    process.kill(pid, 'SIGCONT');
    await sleep(MOMENT_MS);
    expect((await gatewaysOf(product))[1]).toMatchObject({ pid, restarts: 0, listening: true });
    process.kill(pid, 'SIGSTOP');
    const stoppedAtMs = performance.now();
    const back = async () => {
      const [, returned] = await gatewaysOf(product);
      return returned?.listening === true && returned.restarts === 1 ? true : null;
    };
    await until('another process is in its place', back, RETURN_MS);
    process.stderr.write(
      `a gateway process that hangs: another serves ${Math.round(performance.now() - stoppedAtMs)} ms after\n`,
    );
    expect(pidExists(pid)).toBe(false);
    expect(product.output).toContain('it gave no life sign for 12 s and was killed');
    for (const line of await lineToEach(product.admin.address.gatewayUrl, 2)) line.close();
  });

  it('counts every answer once over all processes', async () => {
    const before = metricOf(await metricsOf(product), 'sluice_gateway_requests_total');
    await Promise.all(Array.from({ length: 100 }, (_, mail) => load.predictFor(mail)));
    await expect
      .poll(async () => metricOf(await metricsOf(product), 'sluice_gateway_requests_total'))
      .toBe(before + 100);
  });

  it('ends with code 0 at SIGTERM, aborts no request and leaves no process behind', async () => {
    const pids = (await gatewaysOf(product)).map(({ pid }) => pid ?? 0);
    load.start();
    await sleep(LOAD_MS);
    const answeredBefore = load.ledger.answered.length;
    const underWay = Array.from({ length: 24 }, (_, mail) => load.predictFor(mail));
    // so that they have reached a version, whose answers take longer
    await sleep(UPSTREAM_MS / 2);
    const exit = await product.end('SIGTERM');
    const ends = await Promise.all(underWay);
    await load.pause();
    process.stderr.write(
      `SIGTERM to two gateway processes: answered after it ` +
        `${load.ledger.answered.length - answeredBefore}, gone in ${Math.round(exit.elapsedMs)} ms\n`,
    );
    expect(exit).toMatchObject({ code: 0, signal: null });
    expect(exit.elapsedMs).toBeLessThan(STOP_LIMIT_MS);
    expect(ends.filter((end) => end === null)).toEqual([]);
    expect(pids.filter((pid) => pidExists(pid))).toEqual([]);
  });
});

describe('gateway processes beside a control plane of their own', () => {
  it('serve by the plan of the shared database, and end by themselves when their main process is killed', async () => {
    const database = await freshDatabase();
    later.push(() => database.close());
    const secret = { SLUICE_SECRET: 'one secret for all of them' };
    const control = await Product.in(database.url, {
      env: { ...secret, SLUICE_ROLES: 'control,worker' },
    });
    later.push(() => control.dispose());
    await control.start();
    const gateway = await Product.in(database.url, {
      env: { ...secret, SLUICE_ROLES: 'gateway', SLUICE_GATEWAY_PROCESSES: '2' },
    });
    later.push(() => gateway.dispose());
    gateway.spawn();
    const lines = await lineToEach(gateway.admin.address.gatewayUrl, 2);
    await control.admin.putModel('m', {});
    await control.admin.putVersion('m', 'v1', { url: 'http://127.0.0.1:9' });
    await Promise.all(lines.map((line) => followed(line, 2, performance.now())));
    const pids = (await gatewaysOf(gateway)).map(({ pid }) => pid ?? 0);
    expect(pids.filter((pid) => pidExists(pid))).toHaveLength(2);
    await gateway.end('SIGKILL');
    await until('they are gone', () =>
      Promise.resolve(pids.some((pid) => pidExists(pid)) ? null : true),
    );
    for (const line of lines) line.close();
    // the port is free again for the next start on the same folder
    gateway.spawn();
    const again = await lineToEach(gateway.admin.address.gatewayUrl, 2);
    for (const line of again) {
      expect(JSON.parse((await line.send('/ready')).text)).toMatchObject({ ready: true });
      line.close();
    }
  });
});
