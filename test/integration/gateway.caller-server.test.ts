import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { CallerLimits } from '../../src/gateway/caller-connection.js';
import { echo, LIMIT_BYTES, open, say, serve } from '../support/caller-server.js';

function post(body: string, extra = ''): string {
  return `POST /p HTTP/1.1\r\nHost: here\r\n${extra}Content-Length: ${body.length}\r\n\r\n${body}`;
}

const statuses = (text: string): readonly string[] =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status = '']) => status);

describe('the server of the data plane', () => {
  it('answers requests that come behind one another in their order, however long each takes', async () => {
    const { port, seen, closes } = await serve((res, body, count) => {
      setTimeout(() => echo(res, body, count), 20 - 5 * count);
    });
    const heard = await say(port, [0, 1, 2, 3].map((n) => post(`body ${n}`)).join(''));
    expect([...heard.matchAll(/body \d/g)].map(String)).toEqual(
      [0, 1, 2, 3].map((n) => `body ${n}`),
    );
    expect(seen).toHaveLength(4);
    expect(closes).toEqual([1, 1, 1, 1]);
  });

  it('says when it keeps the connection, and ends it when the caller asks for that', async () => {
    const { port } = await serve();
    expect(await say(port, post('a'))).toMatch(
      /connection: keep-alive\r\nkeep-alive: timeout=75\r\n/,
    );
    const closed = await say(port, post('a', 'Connection: close\r\n') + post('b'), 5_000);
    expect(statuses(closed)).toEqual(['200']);
    expect(closed).toContain('connection: close');
    const old = await say(port, 'GET /p HTTP/1.0\r\n\r\n', 5_000);
    expect(old).toContain('connection: close');
  });

  it('sends what has no length in chunks, and to HTTP/1.0 until it closes', async () => {
    const { port } = await serve((res) => {
      res.writeHead(200, ['content-type', 'text/plain']);
      res.write(Buffer.from('one '));
      res.end(Buffer.from('two'));
    });
    expect(await say(port, post(''))).toContain('\r\n\r\n4\r\none \r\n3\r\ntwo\r\n0\r\n\r\n');
    const old = await say(port, 'GET /p HTTP/1.0\r\n\r\n', 5_000);
    expect(old).toMatch(/\r\n\r\none two$/);
    expect(old).not.toContain('chunked');
  });

  it('sends no body to HEAD and with 204 and 304', async () => {
    const { port } = await serve((res, _body, count) => {
      res.writeHead([200, 204, 304, 200][count] ?? 500, count < 2 ? ['content-length', '5'] : []);
      res.end(Buffer.from('never'));
    });
    const head = 'HEAD /p HTTP/1.1\r\nHost: here\r\n\r\n';
    const get = head.replace('HEAD', 'GET');
    const heard = await say(port, head + get + get + get);
    expect(statuses(heard)).toEqual(['200', '204', '304', '200']);
    expect(heard.match(/never/g)).toHaveLength(1);
    expect(heard.match(/content-length/g), 'none with 204').toHaveLength(1);
  });

  it('lets nobody end a line in a header', async () => {
    const refusals: unknown[] = [];
    const { port } = await serve((res) => {
      for (const value of ['a\r\nx: y', 'a\nb', 'a\0', 'snow \u2603']) {
        try {
          res.writeHead(200, ['x-a', value]);
        } catch (error) {
          refusals.push(error);
        }
      }
      res.writeHead(200, ['content-length', '0', 'x-a', 'tab\tand \xe9']);
      res.end();
    });
    expect(await say(port, post(''))).toContain('x-a: tab\tand \xe9\r\n');
    expect(refusals).toHaveLength(4);
  });

  it('asks for a body that waits to be asked for, once it is wanted', async () => {
    const { port, seen } = await serve();
    const socket = await open(port);
    let heard = '';
    socket.on('data', (bytes: Buffer) => (heard += bytes.toString()));
    socket.write(
      'POST /p HTTP/1.1\r\nHost: here\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n',
    );
    await expect.poll(() => heard).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    socket.write('abc');
    await expect.poll(() => statuses(heard)).toEqual(['100', '200']);
    expect(seen).toEqual([{ line: 'POST /p', body: 'abc' }]);
  });

  it('keeps the connection of a request that it refuses, and reads its body away', async () => {
    const { port, closes } = await serve(echo, { refuse: true });
    const socket = await open(port);
    let heard = '';
    socket.on('data', (bytes: Buffer) => (heard += bytes.toString()));
    socket.write('POST /p HTTP/1.1\r\nHost: here\r\nContent-Length: 6\r\n\r\nabc');
    await expect.poll(() => statuses(heard)).toEqual(['503']);
    socket.write(`def${post('xy')}`);
    await expect.poll(() => statuses(heard)).toEqual(['503', '503']);
    expect(heard).not.toContain('connection: close');
    expect(closes).toEqual([1, 1]);
  });

  it('ends the connection of a refused request whose body may never come', async () => {
    const { port } = await serve(echo, { refuse: true });
    const waiting =
      'POST /p HTTP/1.1\r\nHost: here\r\nExpect: 100-continue\r\nContent-Length: 40\r\n\r\n';
    const heard = await say(port, waiting, 8_000);
    expect(statuses(heard)).toEqual(['503']);
    expect(heard).toContain('connection: close');
    const long = 'POST /p HTTP/1.1\r\nHost: here\r\nContent-Length: 3000000\r\n\r\nabc';
    expect(await say(port, long, 8_000)).toContain('connection: close');
  });

  it('does not ask HTTP/1.0 for a body', async () => {
    const { port } = await serve();
    const old = 'POST /p HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na';
    expect(statuses(await say(port, old))).toEqual(['200']);
  });

  it('counts a line end behind a body as nothing', async () => {
    const { port, server } = await serve();
    const socket = await open(port);
    let heard = '';
    socket.on('data', (bytes: Buffer) => (heard += bytes.toString()));
    for (const text of [post('a') + '\r\n', post('a') + '\r', '\n\r\n' + post('a') + '\r\n']) {
      socket.write(text);
      await sleep(50);
    }
    await expect.poll(() => statuses(heard)).toEqual(['200', '200', '200']);
    const gone = once(socket, 'close');
    server.closeIdleConnections();
    await gone;
  });

  it.each([
    ['announced', `Content-Length: ${LIMIT_BYTES + 1}\r\n\r\n`],
    ['chunked', `Transfer-Encoding: chunked\r\n\r\nfff\r\n${'x'.repeat(0xfff)}\r\n`],
  ])('refuses a body that is too long (%s), and lets its caller see that', async (_how, rest) => {
    const { port, seen } = await serve();
    const heard = await say(port, `POST /p HTTP/1.1\r\nHost: here\r\n${rest}`, 6_000);
    expect(statuses(heard)).toEqual(['413']);
    expect(heard).toContain('connection: close');
    expect(seen).toEqual([]);
  });

  it('answers what is no request with a problem, once, and ends the connection', async () => {
    const { port, seen } = await serve();
    const heard = await say(port, `${post('a')}NONSENSE\r\n\r\n${post('b')}`, 6_000);
    expect(statuses(heard)).toEqual(['200', '400']);
    expect(heard).toContain('application/problem+json');
    expect(seen).toHaveLength(1);
    const inBody = 'POST /p HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n';
    expect(statuses(await say(port, inBody + post('b'), 6_000))).toEqual(['400']);
    expect(seen).toHaveLength(1);
  });

  it.each([
    ['before its body is there', 'POST /p HTTP/1.1\r\nHost: here\r\nContent-Length: 9\r\n\r\nabc'],
    ['while it waits', post('wait')],
  ])('hears that a caller has gone %s', async (_when, text) => {
    const { port, closes } = await serve(() => undefined);
    const socket = await open(port);
    socket.write(text);
    await expect.poll(() => closes).toEqual([0]);
    socket.destroy();
    await expect.poll(() => closes).toEqual([1]);
  });

  it('hears that a caller has gone whose next request is there already', async () => {
    const { port, closes, seen } = await serve(() => undefined);
    const socket = await open(port);
    socket.write(post('one'));
    await expect.poll(() => closes).toEqual([0]);
    socket.write(post('two'));
    await sleep(50);
    socket.end();
    await expect.poll(() => closes).toEqual([1]);
    expect(seen).toHaveLength(1);
  });

  it('lets a caller that ends its side have the answer that is there', async () => {
    const size = 8 * 1024 * 1024;
    const { port } = await serve((res) => {
      res.writeHead(200, ['content-length', String(size)]);
      res.end(Buffer.alloc(size, 'x'));
    });
    const socket = await open(port);
    let bytes = 0;
    socket.write(post(''));
    await sleep(50);
    socket.end();
    socket.on('data', (piece: Buffer) => (bytes += piece.length));
    await once(socket, 'close');
    expect(bytes).toBeGreaterThan(size);
  });

  it('does not take an answer that begins late for one that nobody takes', async () => {
    const size = 16 * 1024 * 1024;
    const { port } = await serve(
      (res) => {
        setTimeout(() => {
          res.writeHead(200, ['content-length', String(size)]);
          res.end(Buffer.alloc(size, 'x'));
        }, 2_600);
      },
      { limits: { stalledMs: 1_500 } },
    );
    const socket = await open(port);
    let bytes = 0;
    socket.on('data', (piece: Buffer) => {
      bytes += piece.length;
      // about two seconds for the whole: a check comes in between for certain
      socket.pause();
      setTimeout(() => socket.resume(), 8);
    });
    socket.write(post(''));
    await expect.poll(() => bytes, { timeout: 15_000 }).toBeGreaterThan(size);
  }, 20_000);

  it('waits for a caller that reads slowly', async () => {
    let fast = 0;
    let drains = 0;
    const size = 256 * 1024;
    const { port } = await serve((res) => {
      res.writeHead(200, []);
      const more = (): void => {
        while (fast < 40) {
          fast += 1;
          if (!res.write(Buffer.alloc(size, 'x'))) {
            res.onceDrained(() => {
              drains += 1;
              more();
            });
            return;
          }
        }
        res.end();
      };
      more();
    });
    const socket = await open(port);
    socket.pause();
    socket.write(post(''));
    await sleep(300);
    expect(fast).toBeLessThan(40);
    let bytes = 0;
    socket.on('data', (piece: Buffer) => (bytes += piece.length));
    socket.resume();
    await expect.poll(() => bytes, { timeout: 10_000 }).toBeGreaterThan(40 * size);
    expect(drains).toBeGreaterThan(0);
  });

  it.each<[string, Partial<CallerLimits>, string, readonly string[]]>([
    ['a connection that says nothing', { headMs: 300 }, '', []],
    ['one that is idle again', { idleMs: 300 }, post('a'), ['200']],
    ['half a head', { headMs: 300 }, 'GET / HT', ['408']],
    ['half a body', { requestMs: 300 }, post('abc').slice(0, -1), ['408']],
  ])('ends %s when its time is over', async (_what, limits, text, expected) => {
    const { port } = await serve(echo, { limits });
    const startMs = performance.now();
    const heard = await say(port, text, 8_000);
    expect(statuses(heard)).toEqual(expected);
    expect(performance.now() - startMs).toBeLessThan(7_000);
  });

  it('gives up an answer that nobody takes', async () => {
    const { port, closes } = await serve(
      (res) => {
        res.writeHead(200, []);
        res.end(Buffer.alloc(32 * 1024 * 1024));
      },
      { limits: { stalledMs: 300 } },
    );
    const socket = await open(port);
    socket.pause();
    socket.write(post(''));
    await expect.poll(() => closes, { timeout: 8_000 }).toEqual([1]);
  });

  it('gives it up also when its request does not end', async () => {
    const { port, closes } = await serve(
      (res) => {
        res.writeHead(200, []);
        res.end(Buffer.alloc(32 * 1024 * 1024));
      },
      { limits: { stalledMs: 300, requestMs: 300 }, early: true },
    );
    const socket = await open(port);
    socket.pause();
    socket.write(post('abc').slice(0, -1));
    await expect.poll(() => closes, { timeout: 8_000 }).toEqual([1]);
  });

  it('ends connections with their answers once it closes, idle ones when told', async () => {
    const { port, server, closes } = await serve((res, body, count) => {
      setTimeout(() => echo(res, body, count), 200);
    });
    const idle = await open(port);
    const busy = say(port, post('a'), 5_000);
    await expect.poll(() => closes).toEqual([0]);
    server.beginClosing();
    const gone = once(idle, 'close');
    server.closeIdleConnections();
    await gone;
    expect(await busy).toContain('connection: close');
  });
});
