import { fc } from '../support/property.js';
import { describe, expect, it } from 'vitest';
import { AnswerParser, MalformedAnswer } from '../../src/gateway/answer-parser.js';

/** What a sink was told. */
interface Heard {
  status: number;
  headers: string[];
  body: Buffer;
  ended: boolean;
}

class Ear {
  readonly answers: Heard[] = [];

  onHead(status: number, headers: string[]): void {
    this.answers.push({ status, headers, body: Buffer.alloc(0), ended: false });
  }

  onBody(bytes: Buffer): void {
    const last = this.answers.at(-1);
    if (last === undefined || last.ended) throw new Error('a body of no answer');
    last.body = Buffer.concat([last.body, bytes]);
  }

  onEnd(): void {
    const last = this.answers.at(-1);
    if (last === undefined || last.ended) throw new Error('an end of no answer');
    last.ended = true;
  }
}

/** Feeds bytes in pieces of these lengths, the rest in one. */
function feed(parser: AnswerParser, bytes: Buffer, cuts: readonly number[]): void {
  let at = 0;
  for (const length of [...cuts, bytes.length]) {
    if (at >= bytes.length) return;
    parser.take(bytes.subarray(at, at + length));
    at += length;
  }
}

function hear(text: string | Buffer, method = 'GET', cuts: readonly number[] = []) {
  const ear = new Ear();
  const parser = new AnswerParser(ear);
  parser.begin(method);
  feed(parser, Buffer.from(text as string, 'latin1'), cuts);
  return { ear, parser, answer: ear.answers[0] };
}

const name = fc.stringMatching(/^x-[a-z0-9]{1,12}$/);
const value = fc.stringMatching(
  /^([!-~\u00a0-\u00ff]([\t -~\u00a0-\u00ff]{0,20}[!-~\u00a0-\u00ff])?)?$/,
);
const headers = fc.array(fc.tuple(name, value), { maxLength: 6 });
const body = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 60 });
const status = fc.constantFrom(200, 201, 206, 299, 400, 404, 500, 503);

type Framing = 'length' | 'chunks' | 'close';

function chunked(bytes: Buffer, sizes: readonly number[]): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (const size of [...sizes, bytes.length]) {
    const piece = bytes.subarray(at, at + size);
    if (piece.length === 0) continue;
    parts.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'));
    at += size;
  }
  return Buffer.concat([...parts, Buffer.from('0\r\nx-trailer: 1\r\n\r\n')]);
}

function written(
  of: { status: number; headers: readonly (readonly [string, string])[]; body: Buffer },
  framing: Framing,
  sizes: readonly number[],
): Buffer {
  const extra = {
    length: [`Content-Length: ${of.body.length}`],
    chunks: ['Transfer-Encoding: chunked'],
    close: [],
  }[framing];
  const lines = [
    `HTTP/1.1 ${of.status} Whatever it says`,
    ...of.headers.map(([key, text]) => `${key}: ${text}`),
    ...extra,
  ];
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  return Buffer.concat([head, framing === 'chunks' ? chunked(of.body, sizes) : of.body]);
}

describe('the parser of answers', () => {
  it('reads the same answer however its bytes are cut, whatever its framing', () => {
    fc.assert(
      fc.property(
        ...([status, headers, body, cuts] as const),
        fc.constantFrom<Framing>('length', 'chunks', 'close'),
        fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 5 }),
        (code, pairs, bytes, pieces, framing, sizes) => {
          const text = written({ status: code, headers: pairs, body: bytes }, framing, sizes);
          const { parser, answer } = hear(text, 'POST', pieces);
          if (framing === 'close') expect(parser.finish()).toBe(true);
          expect(answer?.status).toBe(code);
          expect(answer?.body.equals(bytes)).toBe(true);
          expect(answer?.ended).toBe(true);
          const own = answer?.headers.slice(0, 2 * pairs.length);
          expect(own).toEqual(
            pairs.flatMap(([key, text]) => [key, text.replace(/^[ \t]+|[ \t]+$/g, '')]),
          );
          expect(parser.mayReuse).toBe(framing !== 'close');
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('reads one answer after the other on a connection', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(status, body), { minLength: 2, maxLength: 5 }),
        cuts,
        (all, pieces) => {
          const ear = new Ear();
          const parser = new AnswerParser(ear);
          for (const [code, bytes] of all) {
            parser.begin('GET');
            feed(
              parser,
              written({ status: code, headers: [], body: bytes }, 'chunks', [7]),
              pieces,
            );
          }
          expect(ear.answers.map((one) => one.status)).toEqual(all.map(([code]) => code));
          expect(
            ear.answers.every(
              (one, at) => one.ended && one.body.equals(all[at]?.[1] ?? Buffer.alloc(0)),
            ),
          ).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('says nothing but MalformedAnswer about bytes that are damaged, and never reads beyond a length', () => {
    fc.assert(
      fc.property(
        ...([status, headers, body, cuts] as const),
        fc.constantFrom<Framing>('length', 'chunks'),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), {
          minLength: 1,
          maxLength: 4,
        }),
        (code, pairs, bytes, pieces, framing, damage) => {
          const text = written({ status: code, headers: pairs, body: bytes }, framing, [11]);
          for (const [at, byte] of damage) text[at % text.length] = byte;
          try {
            const { answer, parser } = hear(text, 'GET', pieces);
            if (answer?.ended !== true || !parser.mayReuse) return;
            const said = answer.headers.findIndex(
              (part, at) => at % 2 === 0 && part.toLowerCase() === 'content-length',
            );
            if (said >= 0) expect(answer.body.length).toBe(Number(answer.headers[said + 1]));
          } catch (error) {
            expect(error).toBeInstanceOf(MalformedAnswer);
          }
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it.each([
    ['a bare line feed', 'HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n'],
    ['a bare carriage return', 'HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n'],
    ['a NUL', 'HTTP/1.1 200 OK\r\nA: b\0c\r\n\r\n'],
    ['a folded line', 'HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n'],
    ['a name with a blank', 'HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\nx'],
    ['an empty name', 'HTTP/1.1 200 OK\r\n: 1\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy'],
    ['a list of lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\nx'],
    ['a negative length', 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n'],
    ['a length in hexadecimal', 'HTTP/1.1 200 OK\r\nContent-Length: 0x1\r\n\r\nx'],
    [
      'a length beside chunks',
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['another coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
    [
      'two codings',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['a chunk size that is none', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n'],
    ['a signed chunk size', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n+1\r\nx\r\n'],
    [
      'a chunk size without end',
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${'0'.repeat(2_000)}`,
    ],
    [
      'a chunk longer than its size',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n',
    ],
    ['a switch of protocols', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
    ['another protocol', 'HTTP/2.0 200 OK\r\n\r\n'],
    ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n'],
    ['a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n'],
    ['a head without end', `HTTP/1.1 200 OK\r\nA: ${'x'.repeat(40_000)}`],
  ])('refuses %s', (_what, text) => {
    expect(() => hear(text)).toThrow(MalformedAnswer);
    expect(() => hear(text, 'GET', Array<number>(text.length).fill(3))).toThrow(MalformedAnswer);
  });

  it('refuses bytes that come while nothing was asked for', () => {
    const { parser } = hear('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    expect(() => parser.take(Buffer.from('H'))).toThrow(MalformedAnswer);
  });

  it('lets no connection be used again that sent more than its answer', () => {
    const { parser, answer } = hear(
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n\r\n',
    );
    expect(answer).toMatchObject({ ended: true, body: Buffer.from('x') });
    expect(parser.mayReuse).toBe(false);
  });

  it('passes over interim answers and reads the final one', () => {
    const { ear } = hear(
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
    );
    expect(ear.answers).toEqual([
      { status: 200, headers: ['Content-Length', '2'], body: Buffer.from('ok'), ended: true },
    ]);
  });

  it.each([
    ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n'],
    ['GET', 'HTTP/1.1 204 No Content\r\n\r\n'],
    ['GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n'],
  ])('expects no body after %s and %j', (method, text) => {
    const { answer, parser } = hear(text, method);
    expect(answer).toMatchObject({ ended: true, body: Buffer.alloc(0) });
    expect(parser.mayReuse).toBe(method !== 'HEAD');
  });

  it.each([
    ['HTTP/1.1', 'Connection: close', false],
    ['HTTP/1.1', 'Connection: x, CLOSE', false],
    ['HTTP/1.1', 'Connection: keep-alive', true],
    ['HTTP/1.0', 'A: b', false],
    ['HTTP/1.0', 'Connection: Keep-Alive', true],
  ])('knows of %s with %s whether the connection lives on: %s', (version, line, mayReuse) => {
    const { parser } = hear(`${version} 200 OK\r\n${line}\r\nContent-Length: 0\r\n\r\n`);
    expect(parser.mayReuse).toBe(mayReuse);
  });

  it('reads for how long a server keeps a connection', () => {
    const of = (line: string) =>
      hear(`HTTP/1.1 200 OK\r\n${line}\r\nContent-Length: 0\r\n\r\n`).parser.keepAliveSeconds;
    expect(of('Keep-Alive: timeout=5, max=100')).toBe(5);
    expect(of('Keep-Alive: max=100')).toBeNull();
    expect(of('A: b')).toBeNull();
  });

  it('calls an answer cut off when the connection ends in the middle of it', () => {
    expect(hear('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab').parser.finish()).toBe(false);
    expect(
      hear('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na').parser.finish(),
    ).toBe(false);
    expect(hear('HTTP/1.1 200').parser.finish()).toBe(false);
  });
});
