import { once } from 'node:events';
import { createServer as createHttpServer, request as httpRequest } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { CallerLimits } from '../../src/gateway/caller-connection.js';
import type { CallerRequest } from '../../src/gateway/caller-request.js';
import type { CallerResponse } from '../../src/gateway/caller-response.js';
import { CallerServer } from '../../src/gateway/caller-server.js';
import { sendProblem } from '../../src/gateway/problem.js';
import { readBody } from '../../src/gateway/request-body.js';

const LIMITS: CallerLimits = {
  ...{ headMs: 20_000, requestMs: 60_000, idleMs: 75_000, silentMs: 60_000, stalledMs: 60_000 },
};
const LIMIT_BYTES = 1_000;

const later: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of later.splice(0).reverse()) await end();
});

interface Served {
  readonly port: number;
  readonly server: CallerServer;
  /** What came in whole, in order. */
  readonly seen: { readonly line: string; readonly body: string }[];
  /** How many answers were closed, each counted as often as it was told so. */
  readonly closes: number[];
}

type Answering = (res: CallerResponse, body: Buffer, count: number) => void;

/** Says what it was asked, by default. */
const echo: Answering = (res, body) => {
  res.writeHead(200, ['content-length', String(body.length)]);
  res.end(body);
};

async function serve(
  answer: Answering = echo,
  { limits = {}, refuse = false }: { limits?: Partial<CallerLimits>; refuse?: boolean } = {},
): Promise<Served> {
  const seen: { line: string; body: string }[] = [];
  const closes: number[] = [];
  const server = new CallerServer(
    { ...LIMITS, ...limits },
    {
      onRequest: (req: CallerRequest, res) => {
        const count = closes.push(0) - 1;
        res.onClose(() => (closes[count] = (closes[count] ?? 0) + 1));
        if (refuse) {
          sendProblem(res, { status: 503, code: 'overloaded', detail: 'not now' });
          return;
        }
        readBody(req, LIMIT_BYTES, (body) => {
          if ('status' in body) {
            res.closeAfterwards();
            sendProblem(res, body);
            return;
          }
          const text = body.bytes.toString('latin1');
          seen.push({ line: `${req.method} ${req.target}`, body: text });
          answer(res, body.bytes, count);
        });
      },
      onMalformed: (res, { status, message }) => {
        sendProblem(res, { status, code: 'malformed', detail: message });
      },
    },
  );
  await server.listen({ port: 0, host: '127.0.0.1' });
  later.push(() => {
    server.closeAllConnections();
    return new Promise<void>((done) => server.stopListening(done));
  });
  return { port: server.address?.port ?? 0, server, seen, closes };
}

/** Everything that a connection says until it ends, or for a while. */
async function say(port: number, text: string | Buffer, forMs = 400): Promise<string> {
  const socket = await open(port);
  let heard = '';
  socket.on('data', (bytes: Buffer) => (heard += bytes.toString('latin1')));
  socket.write(text, 'latin1');
  await Promise.race([once(socket, 'close'), sleep(forMs)]);
  socket.destroy();
  return heard;
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  later.push(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

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
      res.writeHead([200, 204, 304, 200][count] ?? 500, count < 2 ? ['x-a', 'b'] : []);
      res.end(Buffer.from('never'));
    });
    const head = 'HEAD /p HTTP/1.1\r\nHost: here\r\n\r\n';
    const get = head.replace('HEAD', 'GET');
    const heard = await say(port, head + get + get + get);
    expect(statuses(heard)).toEqual(['200', '204', '304', '200']);
    expect(heard.match(/never/g)).toHaveLength(1);
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
    ['an idle connection', { idleMs: 300 }, '', []],
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

/** What Node's own server makes of bytes: requests it took in whole, until it refused something. */
async function nodeHears(text: Buffer): Promise<readonly string[]> {
  const heard: string[] = [];
  const server = createHttpServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      heard.push(`${req.method} ${req.url} ${Buffer.concat(chunks).toString('latin1')}`);
      res.end();
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await say(port, text, 60);
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
  return heard;
}

describe('beside node:http', () => {
  const piece = fc.constantFrom(
    ...['GET / HTTP/1.1\r\n', 'POST /p HTTP/1.1\r\n', 'POST /p HTTP/1.0\r\n', 'Host: a\r\n'],
    ...[
      'Content-Length: 3\r\n',
      'Content-Length:3\r\n',
      'content-length: 03\r\n',
      'Content-Length: 1\r\n',
    ],
    ...[
      'Transfer-Encoding: chunked\r\n',
      'Transfer-Encoding: identity\r\n',
      'X: y\r\n',
      'X : y\r\n',
      ' X: y\r\n',
    ],
    ...[
      '\r\n',
      '\n',
      '\r',
      'abc',
      '3\r\nabc\r\n',
      '0\r\n\r\n',
      '0\r\n',
      '3;x\r\nabc\r\n',
      '-1\r\n',
      '3 \r\nabc\r\n',
    ],
    ...['Connection: close\r\n', 'Connection: keep-alive\r\n', '\0', '\t', 'Host: b\r\n'],
  );
  const whole = fc
    .tuple(fc.constantFrom('3', '1', '0', '5'), fc.constantFrom('abc', 'a', ''))
    .map(
      ([length, body]) => `POST /w HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n${body}`,
    );

  it('takes nothing in that Node does not take in, and reads the same of it', async () => {
    let both = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(piece, whole), { minLength: 2, maxLength: 9 }),
        async (parts) => {
          const text = Buffer.from(parts.join(''), 'latin1');
          const { port, seen } = await serve();
          const [theirs] = await Promise.all([nodeHears(text), say(port, text, 60)]);
          const ours = seen.map(({ line, body }) => `${line} ${body}`);
          expect(theirs.slice(0, ours.length)).toEqual(ours);
          both += ours.length;
          for (const end of later.splice(0).reverse()) await end();
        },
      ),
      { numRuns: 300 },
    );
    expect(both).toBeGreaterThan(50);
  }, 120_000);

  it('is understood by its client, for random bodies both ways', async () => {
    const { port } = await serve();
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: LIMIT_BYTES }),
        fc.boolean(),
        async (bytes, chunked) => {
          const sent = Buffer.from(bytes);
          const length = chunked ? {} : { 'content-length': String(sent.length) };
          const back = await new Promise<Buffer>((resolve, reject) => {
            const req = httpRequest({
              port,
              host: '127.0.0.1',
              path: '/',
              method: 'POST',
              headers: length,
            });
            req.on('error', reject);
            req.on('response', (res) => {
              void res.toArray().then((all) => resolve(Buffer.concat(all as Buffer[])), reject);
            });
            req.end(sent);
          });
          expect(back.equals(sent)).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });
});
