import { createServer as createHttpServer, request as httpRequest } from 'node:http';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { fc } from '../support/property.js';
import { afterEach, describe, expect, it } from 'vitest';
import type {
  UpstreamExchange,
  UpstreamHandler,
  UpstreamRequest,
} from '../../src/gateway/upstream-call.js';
import { UpstreamPool } from '../../src/gateway/upstream-pool.js';
import { guardedConnector } from '../../src/models/guarded-connector.js';

const EVERYTHING = { isAllowedAddress: () => true };
const GET: UpstreamRequest = { path: '/', method: 'GET', headerLines: '', body: null };

const later: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of later.splice(0).reverse()) await end();
});

/** What came of one request. */
interface Outcome {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Buffer;
  readonly error: string | null;
}

/** Gathers an answer; `hold` pauses it at its head until `release`. */
class Listener implements UpstreamHandler {
  isWanted = true;
  starts = 0;
  exchange: UpstreamExchange | null = null;
  readonly outcome: Promise<Outcome>;
  #status = 0;
  #headers: readonly string[] = [];
  #chunks: Buffer[] = [];
  #done!: (outcome: Outcome) => void;

  constructor(private readonly onHeadHook: (listener: Listener) => void = () => undefined) {
    this.outcome = new Promise((done) => (this.#done = done));
  }

  get received(): number {
    return this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  onStart(exchange: UpstreamExchange): void {
    this.starts += 1;
    this.exchange = exchange;
  }

  onHead(status: number, rawHeaders: string[]): void {
    this.#status = status;
    this.#headers = rawHeaders;
    this.onHeadHook(this);
  }

  onData(bytes: Buffer): void {
    this.#chunks.push(bytes);
  }

  onEnd(): void {
    this.#settle(null);
  }

  onError(error: Error): void {
    this.#settle(error.message);
  }

  #settle(error: string | null): void {
    const body = Buffer.concat(this.#chunks);
    this.#done({ status: this.#status, headers: this.#headers, body, error });
  }
}

function poolTo(port: number, maxConnections = 8): UpstreamPool {
  const pool = new UpstreamPool(
    `http://127.0.0.1:${port}`,
    guardedConnector(EVERYTHING),
    maxConnections,
  );
  later.push(() => pool.destroy());
  return pool;
}

function ask(pool: UpstreamPool, change: Partial<UpstreamRequest> = {}): Promise<Outcome> {
  const listener = new Listener();
  pool.dispatch({ ...GET, ...change }, listener);
  return listener.outcome;
}

async function listen(server: Server): Promise<number> {
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => open.delete(socket));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  later.push(async () => {
    for (const socket of open) socket.destroy();
    await new Promise((done) => server.close(done));
  });
  return (server.address() as AddressInfo).port;
}

/** A server that answers each request with these bytes, whatever was asked. */
async function scripted(
  answer: (socket: Socket, count: number, bytes: Buffer) => void,
): Promise<{ readonly port: number; readonly connections: () => number }> {
  let connections = 0;
  let count = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.on('data', (bytes: Buffer) => answer(socket, (count += 1), bytes));
  });
  return { port: await listen(server), connections: () => connections };
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

describe('connections to an upstream', () => {
  it('carry one request after the other', async () => {
    const { port, connections } = await scripted((socket) => socket.write(OK));
    const pool = poolTo(port);
    for (let i = 0; i < 20; i += 1) expect((await ask(pool)).body.toString()).toBe('ok');
    expect(connections()).toBe(1);
  });

  it('are at most as many as allowed; what waits is sent in order', async () => {
    const seen: string[] = [];
    const { port, connections } = await scripted((socket, _count, bytes) => {
      seen.push(/^GET (\S+)/.exec(bytes.toString())?.[1] ?? '');
      setTimeout(() => socket.write(OK), 5);
    });
    const pool = poolTo(port, 2);
    const all = Array.from({ length: 12 }, (_, index) => ask(pool, { path: `/${index}` }));
    expect((await Promise.all(all)).every(({ status }) => status === 200)).toBe(true);
    expect(connections()).toBe(2);
    expect(seen.map((path) => Number(path.slice(1)))).toEqual(
      [...seen.keys()].map((_, index) => index),
    );
  });

  it('do not carry a request that nobody wants any more', async () => {
    const { port } = await scripted((socket) => setTimeout(() => socket.write(OK), 50));
    const pool = poolTo(port, 1);
    const first = ask(pool);
    const given = new Listener();
    pool.dispatch(GET, given);
    given.isWanted = false;
    const third = ask(pool);
    expect((await first).status).toBe(200);
    expect((await third).status).toBe(200);
    expect(given.starts).toBe(0);
  });

  it('are not used again after an answer with more bytes than it announced', async () => {
    const { port, connections } = await scripted((socket) =>
      socket.write(`${OK}HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged`),
    );
    const pool = poolTo(port);
    for (let i = 0; i < 3; i += 1) expect((await ask(pool)).body.toString()).toBe('ok');
    expect(connections()).toBe(3);
  });

  it('are ended by bytes that come while nothing was asked for', async () => {
    const { port, connections } = await scripted((socket) => {
      socket.write(OK);
      setTimeout(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged'), 10);
    });
    const pool = poolTo(port);
    expect((await ask(pool)).body.toString()).toBe('ok');
    await new Promise((done) => setTimeout(done, 60));
    expect((await ask(pool)).body.toString()).toBe('ok');
    expect(connections()).toBe(2);
  });

  it('are not used again when the answer came before the request was out', async () => {
    const body = Buffer.alloc(8 * 1024 * 1024, 'x');
    const connections = new Set<Socket>();
    const server = createServer((socket) => {
      connections.add(socket);
      socket.once('data', () => {
        socket.pause();
        socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n');
      });
    });
    const pool = poolTo(await listen(server));
    expect((await ask(pool, { method: 'POST', body })).status).toBe(413);
    expect((await ask(pool)).status).toBe(413);
    expect(connections.size).toBe(2);
  });

  it('tell of a refusal, a reset, and an end in the middle', async () => {
    const dead = createServer();
    const port = await new Promise<number>((done) =>
      dead.listen(0, '127.0.0.1', () => done((dead.address() as AddressInfo).port)),
    );
    await new Promise((done) => dead.close(done));
    expect((await ask(poolTo(port))).error).toMatch(/ECONNREFUSED/);
    const reset = await scripted((socket) => socket.resetAndDestroy());
    expect((await ask(poolTo(reset.port))).error).toMatch(/ECONNRESET/);
    const half = await scripted((socket) =>
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab'),
    );
    expect(await ask(poolTo(half.port))).toMatchObject({ status: 200, error: /closed/ as never });
  });

  it('end an exchange that was aborted, and serve the next on another', async () => {
    const { port, connections } = await scripted((socket, count) => {
      if (count > 1) socket.write(OK);
    });
    const pool = poolTo(port);
    const given = new Listener();
    pool.dispatch(GET, given);
    await expect.poll(() => connections()).toBe(1);
    given.exchange?.abort();
    expect((await ask(pool)).body.toString()).toBe('ok');
    expect(connections()).toBe(2);
  });

  it('hold an answer back while it is paused', async () => {
    const bytes = 4 * 1024 * 1024;
    const server = createHttpServer((_request, response) => response.end(Buffer.alloc(bytes, 'x')));
    const pool = poolTo(await listen(server));
    const slow = new Listener((self) => self.exchange?.pause());
    pool.dispatch(GET, slow);
    await new Promise((done) => setTimeout(done, 100));
    const held = slow.received;
    expect(held).toBeLessThan(256 * 1024);
    slow.exchange?.resume();
    expect((await slow.outcome).body.length).toBe(bytes);
  });

  it('let what is under way end when the pool closes, and take nothing after its end', async () => {
    const { port } = await scripted((socket) => setTimeout(() => socket.write(OK), 30));
    const pool = poolTo(port);
    const running = ask(pool);
    const closed = pool.close();
    expect((await running).status).toBe(200);
    await closed;
  });

  it('tell everybody who waits when the pool is destroyed', async () => {
    const { port, connections } = await scripted(() => undefined);
    const pool = poolTo(port, 1);
    const both = [ask(pool), ask(pool)];
    await expect.poll(() => connections()).toBe(1);
    pool.destroy();
    expect((await Promise.all(both)).map(({ error }) => error)).toEqual([
      'the gateway stops',
      'the gateway stops',
    ]);
  });

  it('write requests that Node reads as they were meant', async () => {
    interface Seen {
      readonly line: string;
      readonly headers: readonly string[];
      readonly body: Buffer;
    }
    const seen: Seen[] = [];
    const server = createHttpServer((request, response) => {
      void request.toArray().then((chunks) => {
        const line = `${request.method} ${request.url}`;
        const body = Buffer.concat(chunks as Buffer[]);
        seen.push({ line, headers: request.rawHeaders, body });
        response.end();
      });
    });
    const port = await listen(server);
    const pool = poolTo(port);
    const own = ['host', `127.0.0.1:${port}`, 'connection', 'keep-alive'];
    const bodies = [null, Buffer.from([0, 255, 10, 13, 128]), Buffer.alloc(100_000, 7)];
    for (const method of ['GET', 'POST', 'DELETE', 'PUT']) {
      for (const body of bodies) {
        await ask(pool, { method, path: '/a?b=%20c', headerLines: 'X-A: \u00e9\r\n', body });
        const hasLength = body !== null || method === 'POST' || method === 'PUT';
        expect(seen.at(-1)).toEqual({
          line: `${method} /a?b=%20c`,
          headers: [
            ...own,
            ...['X-A', '\u00e9'],
            ...(hasLength ? ['content-length', String(body?.length ?? 0)] : []),
          ],
          body: body ?? Buffer.alloc(0),
        });
      }
    }
  });
});

const BYTES_BEHIND = /Expected HTTP\/|Data after `Connection: close`/;

describe('answers of an upstream', () => {
  it('are read as Node reads them, or refused where Node is more lenient, never the other way round', async () => {
    let bytes = Buffer.alloc(0);
    let cuts: readonly number[] = [];
    const { port } = await scripted((socket) => {
      let at = 0;
      for (const cut of cuts) socket.write(bytes.subarray(at, (at += cut)));
      socket.end(bytes.subarray(at));
    });
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('1.1', '1.0'),
        fc.constantFrom(200, 204, 304, 500, 100, 99, 1000),
        fc.array(
          fc.constantFrom(
            ...['Content-Length: 3', 'Content-Length: 4', 'content-length:3 ', 'Content-Length: x'],
            ...['Transfer-Encoding: chunked', 'Transfer-Encoding: gzip', 'Connection: close'],
            ...[
              'A: b',
              'A:\tb\t',
              'A : b',
              ' A: b',
              'A',
              ': b',
              'A: \u00e9',
              'A: \u0001',
              'A: b\rc',
            ],
          ),
          { maxLength: 4 },
        ),
        fc.constantFrom(
          'abc',
          '3\r\nabc\r\n0\r\n\r\n',
          '3\nabc\n0\n\n',
          '3;x=y\r\nabc\r\n0\r\nT: 1\r\n\r\n',
          '',
        ),
        fc.constantFrom('\r\n', '\r\n', '\r\n', '\n'),
        fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 4 }),
        async (version, code, lines, body, end, pieces) => {
          bytes = Buffer.from(
            [`HTTP/${version} ${code} OK`, ...lines, '', body].join(end),
            'latin1',
          );
          cuts = pieces;
          const ours = await ask(poolTo(port, 1));
          if (ours.error !== null) return;
          compared += 1;
          const theirs = await throughNode(port);
          // Node takes bytes behind an answer for the next one and fails both; ours gives the connection up.
          if (theirs.error === null || !BYTES_BEHIND.test(theirs.error))
            expect(ours).toEqual(theirs);
        },
      ),
      { numRuns: 400 },
    );
    expect(compared).toBeGreaterThan(40);
  }, 60_000);
});

function throughNode(port: number): Promise<Outcome> {
  return new Promise((done) => {
    const failed = (error: Error): void =>
      done({ status: 0, headers: [], body: Buffer.alloc(0), error: error.message });
    httpRequest({ host: '127.0.0.1', port, agent: false }, (response) => {
      response.toArray().then((chunks) => {
        const { statusCode: status = 0, rawHeaders: headers } = response;
        done({ status, headers, body: Buffer.concat(chunks as Buffer[]), error: null });
      }, failed);
    })
      .on('error', failed)
      .end();
  });
}
