import { createServer as createHttpServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fc } from '../support/property.js';
import { describe, expect, it } from 'vitest';
import { endServed, LIMIT_BYTES, say, serve } from '../support/caller-server.js';

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
          await endServed();
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
