import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { Pool } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  bytesOf,
  modelPlan,
  startUpstream,
  type TestUpstream,
  trafficPlan,
  versionPlan,
} from '../support/gateway.js';
import { firstLine, nodeChild } from '../support/node-child.js';
import { score } from '../support/scoreboard.js';

const BODIES = 10_000;
const AT_ONCE = 12;
const MAX_BYTES = 1024 * 1024;
/** Sizes are 2^(20 u⁴): most are small, one of a hundred has more than half a megabyte. */
const SIZE_SKEW = 4;
/** One in so many has exactly the size of the limit, or none at all. */
const EDGE_EVERY = 250;

let upstream: TestUpstream;
let pool: Pool;
const later: (() => Promise<unknown>)[] = [];

afterAll(async () => {
  for (const end of later.reverse()) await end();
});

/** What the upstream answers, by the number that the request carries. */
const answers = new Map<string, Body>();

beforeAll(async () => {
  upstream = await startUpstream((req, res) => {
    void bytesOf(req).then((received) => {
      const body = answers.get(String(req.headers['x-number']));
      if (body === undefined) return res.writeHead(500).end();
      res.setHeader('x-received', hashOf(received));
      if (body.encoding !== null) res.setHeader('content-encoding', body.encoding);
      if (!body.isChunked) res.setHeader('content-length', body.bytes.length);
      for (const piece of piecesOf(body)) res.write(piece);
      return res.end();
    });
  });
  later.push(() => upstream.close());
  // fields of the body are captured, so that it is parsed too
  const capture = { output: { big: '/big' }, input: { big: '/big' } };
  const plan = trafficPlan(1, modelPlan([versionPlan('v1', upstream.url)], { capture }));
  const child = nodeChild('./gateway.child.ts', [JSON.stringify(plan)]);
  later.push(async () => {
    const closed = once(child, 'close');
    child.kill('SIGTERM');
    await closed;
  });
  pool = new Pool(await firstLine(child), { connections: AT_ONCE, pipelining: 1 });
  later.push(() => pool.close());
});

interface Body {
  readonly bytes: Buffer;
  readonly isChunked: boolean;
  readonly encoding: string | null;
}

/** What a proxy is tempted to touch: numbers that no double holds, bytes that are no text, text that is no JSON. */
const MAKERS: readonly ((size: number) => Buffer)[] = [
  (size) => randomBytes(size),
  (size) => Buffer.alloc(size, 0),
  (size) => Buffer.from('{"big":12345678901234567890,"exp":1e400,"a":1.0,"a":2 }'.padEnd(size)),
  (size) => Buffer.from(`{"big":-0.0,"text":"${'\\ud800é😀'.repeat(size / 16)}"}`),
  (size) => Buffer.alloc(size, Buffer.from([0xff, 0xfe, 0xc0, 0x80, 0x0d, 0x0a])),
  (size) => gzipSync(Buffer.alloc(size, 'x')),
  (size) => Buffer.from('\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n'.repeat(1 + size / 24)),
];

function bodyOf(number: number): Body {
  const edge = number % EDGE_EVERY === 0 ? (number % (2 * EDGE_EVERY) === 0 ? MAX_BYTES : 0) : null;
  const size = edge ?? Math.floor(2 ** (20 * Math.random() ** SIZE_SKEW)) - 1;
  const make = MAKERS[number % MAKERS.length] ?? randomBytes;
  const bytes = edge === null ? make(size).subarray(0, MAX_BYTES) : randomBytes(size);
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  return { bytes, isChunked: Math.random() < 0.5, encoding: isGzip ? 'gzip' : null };
}

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** In up to four pieces, cut anywhere. */
function piecesOf({ bytes, isChunked }: Body): readonly Buffer[] {
  if (!isChunked || bytes.length < 4) return bytes.length === 0 ? [] : [bytes];
  const cuts = [0, ...[1, 2, 3].map(() => Math.floor(Math.random() * bytes.length)), bytes.length];
  cuts.sort((a, b) => a - b);
  return cuts.slice(1).map((cut, index) => bytes.subarray(cuts[index], cut));
}

/** Without a length it is sent in chunks. */
function streamOf(body: Body): Readable {
  return Readable.from(piecesOf(body).filter((piece) => piece.length > 0));
}

/** Sends one body and takes one; what is wrong with it, or null. */
async function exchange(number: number): Promise<string | null> {
  const [sent, wanted] = [bodyOf(number), bodyOf(number + 1)];
  answers.set(String(number), wanted);
  const { statusCode, headers, body } = await pool.request({
    method: 'POST',
    path: '/models/m/echo',
    headers: {
      'x-number': String(number),
      'content-type': 'application/json',
      ...(sent.encoding === null ? {} : { 'content-encoding': sent.encoding }),
    },
    body: sent.isChunked ? streamOf(sent) : sent.bytes,
  });
  const received = Buffer.from(await body.arrayBuffer());
  answers.delete(String(number));
  const how = `body ${number} of ${sent.bytes.length} bytes${sent.isChunked ? ' in chunks' : ''}`;
  if (statusCode !== 200)
    return `${how}: status ${statusCode} ${received.toString().slice(0, 200)}`;
  if (headers['x-received'] !== hashOf(sent.bytes)) return `${how}: changed on the way there`;
  if ((headers['content-encoding'] ?? null) !== wanted.encoding) return `${how}: encoding changed`;
  return received.equals(wanted.bytes) ? null : `${how}: the answer changed on the way back`;
}

// Mutants that this kills: a body that is parsed and written again (numbers); one that is held as text (bytes that are
// no UTF-8); an answer that is decoded on the way (gzip); a length that counts characters.
describe('P13: bodies', () => {
  it(`pass byte-exact both ways, ${BODIES.toLocaleString('en')} of them`, async () => {
    const wrong: string[] = [];
    let next = 0;
    const sinceMs = performance.now();
    const caller = async (): Promise<void> => {
      while (next < BODIES) {
        const problem = await exchange(next++).catch((error: unknown) => String(error));
        if (problem !== null) wrong.push(problem);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, caller));
    score({
      scenario: 'bodies byte-exact',
      ...{ requests: BODIES, answered: BODIES - wrong.length },
      ...{ lost: 0, doubled: 0, drainedMs: null },
      notes: `both ways, in ${((performance.now() - sinceMs) / 1_000).toFixed(1)} s`,
    });
    expect(wrong).toEqual([]);
  }, 240_000);
});
