import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase, type TestDatabase } from '../support/postgres.js';
import { startTestSluice, type TestSluice, until } from '../support/sluice.js';

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

/** The shell blocks between the walk-through's marks, as a reader would paste them. */
function commandsOf(text: string): string {
  const [, walk = ''] = text.split('<!-- walk-through: commands -->');
  const [before = ''] = walk.split('\n## ');
  return [...before.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block]) => block).join('\n');
}

function settingsOf(text: string): string {
  const [, settings = ''] = text.split('<!-- walk-through: settings -->');
  return /```sh\n([\s\S]*?)```/.exec(settings)?.[1] ?? '';
}

async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const server of servers) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ports.push((server.address() as AddressInfo).port);
  }
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** Runs a script and its background processes in a group of their own; both end with it. */
function bash(script: string): Promise<{ readonly code: number | null; readonly output: string }> {
  return new Promise((resolve) => {
    const child = spawn('bash', ['-c', script], { detached: true });
    let output = '';
    child.stdout.on('data', (text: Buffer) => (output += text.toString()));
    child.stderr.on('data', (text: Buffer) => (output += text.toString()));
    child.on('exit', (code) => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      resolve({ code, output });
    });
  });
}

describe('the walk-through of the README', () => {
  let database: TestDatabase;
  let sluice: TestSluice;

  beforeEach(async () => {
    database = await freshDatabase();
    sluice = await startTestSluice({ databaseUrl: database.url });
  });

  afterEach(async () => {
    await sluice.close();
    await database.close();
  });

  it('works as printed, request by request, and ends with the better version promoted', async () => {
    const { gatewayUrl, controlUrl, adminKey } = sluice.client.address;
    const [first, second] = await freePorts(2);
    const settings = settingsOf(README)
      .replace('http://127.0.0.1:8080', gatewayUrl)
      .replace('http://127.0.0.1:8081', controlUrl)
      .replace('change-me-0123456789', adminKey);
    const commands = commandsOf(README)
      .replaceAll('9101', String(first))
      .replaceAll('9102', String(second));
    expect(commands.match(/^curl/gm)?.length).toBeGreaterThanOrEqual(11);
    const { code, output } = await bash(`set -euo pipefail\n${settings}\n${commands}\n`);
    // Which one is drawn anew with every experiment: ann is in the first tenth as often as anybody.
    expect(output, output.slice(-2_000)).toMatch(/x-sluice-version: v[12]\r?\n/);
    expect(code, output.slice(-4_000)).toBe(0);
    expect(output).toContain('"identical":true');
    const champion = await until('v2 is promoted', async () =>
      (await sluice.client.champion('spam')) === 'v2' ? 'v2' : null,
    );
    expect(champion).toBe('v2');
  });
});
