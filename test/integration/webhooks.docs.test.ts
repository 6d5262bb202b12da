import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { newSecret, signedHeaders } from '../../src/webhooks/signature.js';
import { firstLine } from '../support/node-child.js';

const PAGE = readFileSync(new URL('../../docs/webhooks.md', import.meta.url), 'utf8');

/** The block of code after a mark, as a reader would copy it. */
function example(name: string): string {
  const [, after = ''] = PAGE.split(`<!-- receiver: ${name} -->`);
  return /```\w+\n([\s\S]*?)```/.exec(after)?.[1] ?? '';
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const hasPython = spawnSync('python3', ['--version']).status === 0;
if (!hasPython) process.stderr.write('skipped: the receiver in Python, there is no python3\n');

describe.each([
  ['node', process.execPath, '-e', true],
  ['python', 'python3', '-c', hasPython],
])('the receiver of the documentation in %s', (name, program, flag, isThere) => {
  it.skipIf(!isThere)('believes what was signed, and nothing else', async () => {
    const secret = newSecret();
    const port = await freePort();
    const child = spawn(program, [flag, example(name)], {
      env: { PATH: process.env['PATH'], WEBHOOK_SECRET: secret, PORT: String(port) },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      expect(await firstLine(child)).toBe('ready');
      const event = { type: 'sluice.decision.hold', subject: 'spam-v2', data: { summary: 'ö' } };
      const body = JSON.stringify(event);
      const message = { id: 'one-message', body, nowMs: Date.now() };
      const post = async (headers: object, sent: string): Promise<readonly [number, string]> => {
        const answer = await fetch(`http://127.0.0.1:${port}/`, {
          method: 'POST',
          headers: { ...headers },
          body: sent,
        });
        return [answer.status, await answer.text()];
      };
      const genuine = signedHeaders([newSecret(), secret], message);
      const [status, text] = await post(genuine, body);
      expect(status).toBe(200);
      expect(JSON.parse(text)).toEqual({ allow: true, reason: 'office hours' });
      const refused = [
        await post(genuine, body.replace('hold', 'promote')),
        await post({ ...genuine, 'webhook-id': 'another' }, body),
        await post(signedHeaders([newSecret()], message), body),
        await post(signedHeaders([secret], { ...message, nowMs: Date.now() - 600_000 }), body),
      ];
      expect(refused.map(([code]) => code)).toEqual([401, 401, 401, 401]);
    } finally {
      child.kill('SIGKILL');
    }
  });
});
