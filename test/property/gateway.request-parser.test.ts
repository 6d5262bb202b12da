import { fc } from '../support/property.js';
import { describe, expect, it } from 'vitest';
import {
  MalformedRequest,
  RequestParser,
  type RequestHead,
} from '../../src/gateway/request-parser.js';

interface Heard {
  readonly head: RequestHead;
  body: Buffer;
  ended: boolean;
}

class Ear {
  readonly requests: Heard[] = [];

  onHead(head: RequestHead): void {
    this.requests.push({ head, body: Buffer.alloc(0), ended: false });
  }

  onBody(bytes: Buffer): void {
    const last = this.requests.at(-1);
    if (last === undefined || last.ended) throw new Error('a body of no request');
    last.body = Buffer.concat([last.body, bytes]);
  }

  onEnd(): void {
    const last = this.requests.at(-1);
    if (last === undefined || last.ended) throw new Error('an end of no request');
    last.ended = true;
  }
}

/** Feeds bytes in pieces of these lengths, the rest in one; every request is answered as soon as it is there. */
function hear(text: string | Buffer, cuts: readonly number[] = []): readonly Heard[] {
  const bytes = Buffer.from(text as string, 'latin1');
  const ear = new Ear();
  const parser = new RequestParser(ear);
  parser.begin();
  let at = 0;
  let answered = 0;
  for (const length of [...cuts, bytes.length]) {
    let piece = bytes.subarray(at, at + length);
    at += length;
    while (piece.length > 0) {
      const end = parser.take(piece);
      piece = piece.subarray(end);
      if (ear.requests[answered]?.ended !== true) continue;
      answered += 1;
      parser.begin();
    }
  }
  return ear.requests;
}

const method = fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH');
const target = fc.stringMatching(/^\/[!-~]{0,30}$/);
const name = fc.stringMatching(/^x-[a-z0-9]{1,12}$/);
const value = fc.stringMatching(
  /^([!-~\u00a0-\u00ff]([\t -~\u00a0-\u00ff]{0,20}[!-~\u00a0-\u00ff])?)?$/,
);
const headers = fc.array(fc.tuple(name, value), { maxLength: 6 });
const body = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 60 });
const sizes = fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 5 });

interface Sent {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
  readonly isChunked: boolean;
  readonly sizes: readonly number[];
}

const request: fc.Arbitrary<Sent> = fc.record({
  ...{ method, target, headers, body, sizes },
  isChunked: fc.boolean(),
});

function written(sent: Sent): Buffer {
  const framing = sent.isChunked
    ? 'Transfer-Encoding: chunked'
    : `Content-Length: ${sent.body.length}`;
  const lines = [
    `${sent.method} ${sent.target} HTTP/1.1`,
    'Host: here',
    ...sent.headers.map(([key, text]) => `${key}: ${text}`),
    framing,
  ];
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  return Buffer.concat([head, sent.isChunked ? chunked(sent.body, sent.sizes) : sent.body]);
}

function chunked(bytes: Buffer, lengths: readonly number[]): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (const size of [...lengths, bytes.length]) {
    const piece = bytes.subarray(at, at + size);
    if (piece.length === 0) continue;
    parts.push(Buffer.from(`${piece.length.toString(16)};a=b\r\n`), piece, Buffer.from('\r\n'));
    at += size;
  }
  return Buffer.concat([...parts, Buffer.from('0\r\nx-trailer: 1\r\n\r\n')]);
}

const HOST = 'Host: here\r\n';

describe('the parser of requests', () => {
  it('reads the same requests however their bytes are cut, one behind the other', () => {
    fc.assert(
      fc.property(fc.array(request, { minLength: 1, maxLength: 4 }), cuts, (all, pieces) => {
        const heard = hear(Buffer.concat(all.map(written)), pieces);
        expect(heard).toHaveLength(all.length);
        for (const [index, sent] of all.entries()) {
          const { head, body: bytes, ended } = heard[index] as Heard;
          expect(ended).toBe(true);
          expect(head.method).toBe(sent.method);
          expect(head.target).toBe(sent.target);
          expect(bytes.equals(sent.body)).toBe(true);
          expect(head.length).toBe(sent.isChunked ? null : sent.body.length);
          expect(head.rawHeaders.slice(2, 2 + 2 * sent.headers.length)).toEqual(
            sent.headers.flatMap(([key, text]) => [key, text.replace(/^[ \t]+|[ \t]+$/g, '')]),
          );
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('says nothing but MalformedRequest about bytes that are damaged', () => {
    fc.assert(
      fc.property(
        ...([request, cuts] as const),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 3 }),
        (sent, pieces, damage) => {
          const bytes = Buffer.from(written(sent));
          for (const [at, byte] of damage) bytes[at % bytes.length] = byte;
          try {
            hear(bytes, pieces);
          } catch (error) {
            expect(error).toBeInstanceOf(MalformedRequest);
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['a bare line feed', `GET / HTTP/1.1\n${HOST}\r\n`],
    ['a bare line feed between headers', 'GET / HTTP/1.1\r\nHost: here\nX: y\r\n\r\n'],
    ['a carriage return in a value', 'GET / HTTP/1.1\r\nX: a\rb\r\n\r\n'],
    ['a NUL', 'GET / HTTP/1.1\r\nX: a\0b\r\n\r\n'],
    ['a folded line', 'GET / HTTP/1.1\r\nX: a\r\n b\r\n\r\n'],
    ['a blank before the colon', 'POST / HTTP/1.1\r\nContent-Length : 3\r\n\r\nabc'],
    ['a header without a name', 'GET / HTTP/1.1\r\n: a\r\n\r\n'],
    ['a header without a colon', 'GET / HTTP/1.1\r\nabc\r\n\r\n'],
    ['two lengths', 'POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc'],
    ['a list of lengths', 'POST / HTTP/1.1\r\nContent-Length: 3, 3\r\n\r\nabc'],
    ['a signed length', 'POST / HTTP/1.1\r\nContent-Length: +3\r\n\r\nabc'],
    ['a length in hexadecimal', 'POST / HTTP/1.1\r\nContent-Length: 0x3\r\n\r\nabc'],
    [
      'a length beside chunks',
      'POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['chunks twice', 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n'],
    ['another coding', 'POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
    ['a coding in disguise', 'POST / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n'],
    ['chunks in HTTP/1.0', 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a chunk size that is none', 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n'],
    ['a signed chunk size', 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n+1\r\na\r\n'],
    [
      'a chunk longer than its size',
      'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n',
    ],
    [
      'a bare line feed behind a chunk size',
      'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\na\r\n',
    ],
    [
      'a blank behind a chunk size',
      'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1 \r\na\r\n',
    ],
    ['a method that nobody knows', `GRAB / HTTP/1.1\r\n${HOST}\r\n`],
    ['a method in small letters', `get / HTTP/1.1\r\n${HOST}\r\n`],
    ['a tunnel', 'CONNECT here:443 HTTP/1.1\r\nHost: here\r\n\r\n'],
    ['a blank in the target', `GET /a b HTTP/1.1\r\n${HOST}\r\n`],
    ['no target', `GET HTTP/1.1\r\n${HOST}\r\n`],
    ['two blanks', `GET  / HTTP/1.1\r\n${HOST}\r\n`],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\n'],
    ['HTTP/0.9', 'GET /\r\n\r\n'],
    ['another protocol', `GET / ICY/1.1\r\n${HOST}\r\n`],
    ['a blank first', ` GET / HTTP/1.1\r\n${HOST}\r\n`],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n'],
  ])('refuses %s', (_what, text) => {
    expect(() => hear(text)).toThrow(MalformedRequest);
    expect(() =>
      hear(
        text,
        Array.from({ length: text.length }, () => 1),
      ),
    ).toThrow(MalformedRequest);
  });

  it('refuses a head of more than 16 KiB, as soon as it is that long', () => {
    const text = `GET / HTTP/1.1\r\nX: ${'x'.repeat(17_000)}`;
    const refusal = (): unknown => {
      try {
        return hear(
          text,
          Array.from({ length: 34 }, () => 500),
        );
      } catch (error) {
        return error;
      }
    };
    expect(refusal()).toMatchObject({ status: 431 });
  });

  it.each([
    ['HTTP/1.1', '', true],
    ['HTTP/1.1', 'Connection: close\r\n', false],
    ['HTTP/1.1', 'Connection: x, Close\r\n', false],
    ['HTTP/1.0', '', false],
    ['HTTP/1.0', 'Connection: Keep-Alive\r\n', true],
  ])('%s %j keeps its connection: %s', (version, line, keepsAlive) => {
    const [request] = hear(`GET / ${version}\r\n${HOST}${line}\r\n`);
    expect(request?.head.keepsAlive).toBe(keepsAlive);
  });

  it('ignores empty lines before a request', () => {
    expect(hear(`\r\nGET /a HTTP/1.1\r\n${HOST}\r\n`)[0]?.head.target).toBe('/a');
    expect(hear(`\r\n\r\n\r\nGET /a HTTP/1.1\r\n${HOST}\r\n`)[0]?.head.target).toBe('/a');
  });

  it('reads nothing of the next request before it may', () => {
    const ear = new Ear();
    const parser = new RequestParser(ear);
    parser.begin();
    const one = `GET /1 HTTP/1.1\r\n${HOST}\r\n`;
    expect(parser.take(Buffer.from(one + one))).toBe(one.length);
    expect(parser.take(Buffer.from(one))).toBe(0);
    expect(ear.requests).toHaveLength(1);
  });
});
