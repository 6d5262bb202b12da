import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect } from 'vitest';
import type { CallerLimits } from '../../src/gateway/caller-connection.js';
import type { CallerRequest } from '../../src/gateway/caller-request.js';
import type { CallerResponse } from '../../src/gateway/caller-response.js';
import { CallerServer } from '../../src/gateway/caller-server.js';
import { sendProblem } from '../../src/gateway/problem.js';
import { readBody } from '../../src/gateway/request-body.js';
import { originForm } from '../../src/gateway/route-request.js';

const LIMITS: CallerLimits = {
  ...{ headMs: 20_000, requestMs: 60_000, idleMs: 75_000, silentMs: 60_000, stalledMs: 60_000 },
};
/** Longest body. */
export const LIMIT_BYTES = 1_000;

const later: (() => unknown)[] = [];
const faults: unknown[] = [];

/** Ends everything that was begun, and looks whether something of ours broke. */
export async function endServed(): Promise<void> {
  for (const end of later.splice(0).reverse()) await end();
  expect(faults.splice(0)).toEqual([]);
}
afterEach(endServed);

/** A server of the data plane without a gateway behind it. */
export interface Served {
  readonly port: number;
  readonly server: CallerServer;
  /** What came in whole, in order. */
  readonly seen: { readonly line: string; readonly body: string }[];
  /** How many answers were closed, each counted as often as it was told so. */
  readonly closes: number[];
}

export type Answering = (res: CallerResponse, body: Buffer, count: number) => void;

/** Says what it was asked, by default. */
export const echo: Answering = (res, body) => {
  res.writeHead(200, ['content-length', String(body.length)]);
  res.end(body);
};

export async function serve(
  answer: Answering = echo,
  {
    limits = {},
    refuse = false,
    early = false,
  }: { limits?: Partial<CallerLimits>; refuse?: boolean; early?: boolean } = {},
): Promise<Served> {
  const seen: { line: string; body: string }[] = [];
  const closes: number[] = [];
  const server = new CallerServer(
    { ...LIMITS, ...limits },
    {
      onRequest: (req: CallerRequest, res) => {
        const count = closes.push(0) - 1;
        res.onClose(() => (closes[count] = (closes[count] ?? 0) + 1));
        const target = originForm(req);
        if (typeof target !== 'string') {
          res.closeAfterwards();
          sendProblem(res, target);
          return;
        }
        if (refuse) {
          sendProblem(res, { status: 503, code: 'overloaded', detail: 'not now' });
          return;
        }
        if (early) {
          answer(res, Buffer.alloc(0), count);
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
      onFault: (error) => faults.push(error),
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
export async function say(port: number, text: string | Buffer, forMs = 400): Promise<string> {
  const socket = await open(port);
  let heard = '';
  socket.on('data', (bytes: Buffer) => (heard += bytes.toString('latin1')));
  socket.write(text, 'latin1');
  await Promise.race([once(socket, 'close'), sleep(forMs)]);
  socket.destroy();
  return heard;
}

export async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  later.push(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}
