import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startTimeOf } from '../../src/config/process-identity.js';

const top = join(import.meta.dirname, '..', '..');
const CANARY = 'canary-31415926535';

interface Running {
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;
  readonly gatewayUrl: string;
  readonly controlUrl: string;
  readonly key: string | null;
  output(): string;
}

function launch(env: Record<string, string>): Pick<Running, 'child' | 'exited' | 'output'> {
  const child = spawn(
    process.execPath,
    ['--import', join(top, 'test/support/run-typescript.mjs'), join(top, 'src/main.ts')],
    {
      cwd: top,
      env: {
        PATH: process.env['PATH'],
        SLUICE_GATEWAY_PORT: '0',
        SLUICE_CONTROL_PORT: '0',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { child, exited, output: () => text };
}

async function start(dataDir: string, env: Record<string, string> = {}): Promise<Running> {
  const launched = launch({ SLUICE_DATA_DIR: dataDir, SLUICE_ALLOW_LOOPBACK: '1', ...env });
  const find = (pattern: RegExp) => pattern.exec(launched.output())?.[1] ?? null;
  const until = { timeout: 60_000, interval: 50 };
  await vi.waitUntil(() => find(/control {2}(http:\S+)\/api\/v1/) !== null, until);
  const controlUrl = find(/control {2}(http:\S+)\/api\/v1/)!;
  const ready = async () => (await fetch(`${controlUrl}/ready`)).status;
  await vi.waitUntil(async () => (await ready()) === 200, until);
  return {
    ...launched,
    controlUrl,
    gatewayUrl: find(/gateway {2}(http:\S+)\/models/)!,
    get key() {
      return find(/^ {4}(sl_\S+)$/m);
    },
  };
}

describe('the process', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-process-'));
  let upstream: Server;
  let upstreamUrl: string;
  const seen: string[] = [];
  let first: Running;

  const api = (method: string, path: string, body?: unknown) =>
    fetch(first.controlUrl + path, {
      method,
      headers: { authorization: `Bearer ${first.key}`, 'content-type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
    });

  beforeAll(async () => {
    chmodSync(dataDir, 0o711);
    upstream = createServer((request, response) => {
      seen.push(String(request.headers['x-upstream-key']));
      response.end('{"spam":true}');
    });
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    upstreamUrl = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
    first = await start(dataDir, { SLUICE_LOG_LEVEL: 'debug' });
    await vi.waitUntil(() => first.key !== null, { timeout: 5_000 });
  }, 120_000);

  afterAll(() => {
    first.child.kill('SIGKILL');
    upstream.close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  it('prints where it is and, the first time, the admin key once', () => {
    expect(first.key).toMatch(/^sl_[0-9A-Za-z]{33}$/);
    expect(first.output().split(first.key!)).toHaveLength(2);
    expect(first.output()).toContain(`${first.controlUrl}/api/docs`);
  });

  it('sends sealed headers upstream and shows them to nobody: answers, log, plan, files', async () => {
    const headers = { 'X-Upstream-Key': CANARY };
    const answers = [
      await api('PUT', '/api/v1/models/spam', {}),
      await api('PUT', '/api/v1/models/spam/versions/v1', { url: upstreamUrl, headers }),
      await api('PUT', '/api/v1/models/spam/versions/v1', { url: upstreamUrl, headers, wrong: 1 }),
      await api('PUT', '/api/v1/models/spam/versions/v2', {
        url: 'http://169.254.169.254',
        headers,
      }),
      await api('PUT', '/api/v1/models/spam/versions/v2', {
        url: upstreamUrl,
        headers: { 'x-upstream-key': `${CANARY}\n`, 'bad name': CANARY },
      }),
      await api('PUT', '/api/v1/models/none/versions/v1', { url: upstreamUrl, headers }),
      await api('GET', '/api/v1/models'),
      await api('GET', '/api/v1/models/spam'),
      await fetch(`${first.controlUrl}/status`),
      await fetch(`${first.controlUrl}/metrics`),
    ];
    expect(answers.map(({ status }) => status)).toEqual([
      200, 200, 422, 422, 422, 404, 200, 200, 200, 200,
    ]);
    const texts = await Promise.all(answers.map((answer) => answer.text()));
    const predict = async () => (await fetch(`${first.gatewayUrl}/models/spam/predict`)).status;
    await expect.poll(predict, { timeout: 5_000 }).toBe(200);
    expect(seen.at(-1)).toBe(CANARY);
    expect(texts.join('') + first.output()).not.toContain(CANARY);
    const found = spawnSync('grep', ['-rl', '-e', CANARY, '-e', first.key!, dataDir], {
      encoding: 'utf8',
    });
    expect(found.stdout).toBe('');
    expect(found.status).toBe(1);
  });

  it('ends with code 0 when told to, having answered what it had begun, and leaves no server behind', async () => {
    const pidFile = spawnSync('find', [dataDir, '-name', 'postmaster.pid'], {
      encoding: 'utf8',
    }).stdout.trim();
    const postgres = Number(readFileSync(pidFile, 'utf8').split('\n')[0]);
    upstream.removeAllListeners('request');
    upstream.on('request', (_request, response) => setTimeout(() => response.end('late'), 500));
    const underWay = fetch(`${first.gatewayUrl}/models/spam/slow`);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const toldMs = performance.now();
    first.child.kill('SIGTERM');
    expect(await (await underWay).text()).toBe('late');
    expect(await first.exited).toBe(0);
    expect(performance.now() - toldMs).toBeLessThan(25_000);
    expect(existsSync(pidFile)).toBe(false);
    expect([null, 'zombie']).toContain(startTimeOf(postgres));
  });

  it('finds its data again at the next start, prints no key, and ends at once at the second signal', async () => {
    const second = await start(dataDir, { SLUICE_LOG_LEVEL: 'silent' });
    expect(second.key).toBeNull();
    const headers = { authorization: `Bearer ${first.key}` };
    const models = await fetch(`${second.controlUrl}/api/v1/models`, { headers });
    expect(await models.json()).toMatchObject({ models: [{ name: 'spam', champion: 'v1' }] });
    // an upstream that never answers keeps the first signal waiting
    upstream.removeAllListeners('request');
    upstream.on('request', () => undefined);
    const cut = fetch(`${second.gatewayUrl}/models/spam/never`).catch(() => 'cut');
    await new Promise((resolve) => setTimeout(resolve, 300));
    second.child.kill('SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 300));
    second.child.kill('SIGINT');
    expect(await second.exited).toBe(130);
    expect(await cut).toBe('cut');
  });

  it.each([
    [{ SLUICE_GATEWAY_PORT: 'eighty' }, 'SLUICE_GATEWAY_PORT'],
    [{ SLUICE_ADMIN_KEY: 'short' }, 'SLUICE_ADMIN_KEY'],
    [{ SLUICE_UPSTREAM_ALLOW: '10.0.0.0/99' }, 'SLUICE_UPSTREAM_ALLOW'],
  ])('refuses to start with %j, says what to change, and exits with 1', async (env, name) => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-refused-'));
    const refused = launch({ SLUICE_DATA_DIR: folder, SLUICE_LOG_LEVEL: 'silent', ...env });
    expect(await refused.exited).toBe(1);
    expect(refused.output()).toMatch(/^sluice cannot start: /m);
    expect(refused.output()).toContain(`  ${name}: expected`);
    expect(refused.output()).not.toContain('    at ');
    rmSync(folder, { recursive: true, force: true });
  });
});
