import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Upstream } from './sluice.js';

/** A caller that holds a connection to a server of HTTP without doing its part. */
export interface SlowClient {
  /** What it was answered so far. */
  readonly answer: string;
  /** Milliseconds until the server ended the connection. */
  readonly over: Promise<number>;
  close(): void;
}

interface Target {
  readonly url: string;
  readonly path: string;
}

type Behaviour = (socket: Socket, head: string) => void;

const DRIP_MS = 500;
/** Of the body that is announced. */
const BODY_BYTES = 1_000;
/** Less than the head of an answer at a time. */
const SIP_BYTES = 64;

const BEHAVIOURS: Readonly<Record<string, Behaviour>> = {
  'says nothing': () => undefined,
  'sends its headers byte by byte': (socket, head) => {
    socket.write(head.slice(0, -2));
    drip(socket, 'x');
  },
  'sends its body byte by byte': (socket, head) => {
    socket.write(`${head}content-length: ${BODY_BYTES}\r\n\r\n`);
    drip(socket, 'x');
  },
  'reads its answer slowly': (socket, head) => {
    socket.pause();
    socket.write(`${head}content-length: 2\r\n\r\n{}`);
    const timer = setInterval(() => void socket.read(SIP_BYTES), DRIP_MS);
    socket.on('close', () => clearInterval(timer));
  },
  'never reads its answer': (socket, head) => {
    socket.pause();
    socket.write(`${head}content-length: 2\r\n\r\n{}`);
  },
  'closes its half and waits': (socket, head) => {
    socket.end(`${head}content-length: 2\r\n\r\n{}`);
  },
  'goes away in the middle of its body': (socket, head) => {
    socket.write(`${head}content-length: ${BODY_BYTES}\r\n\r\n{`);
    setTimeout(() => socket.destroy(), DRIP_MS);
  },
};

export const SLOW_BEHAVIOURS: readonly string[] = Object.keys(BEHAVIOURS);

export function startSlowClient(behaviour: string, { url, path }: Target): SlowClient {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  const openedMs = performance.now();
  let answer = '';
  if (!/reads/.test(behaviour)) {
    socket.on('data', (chunk: Buffer) => (answer = (answer + chunk.toString()).slice(0, 4_096)));
  }
  socket.on('error', () => undefined);
  socket.on('end', () => socket.destroy());
  const over = new Promise<number>((resolve) => {
    socket.on('close', () => resolve(performance.now() - openedMs));
  });
  const head = `POST ${path} HTTP/1.1\r\nhost: slow\r\nx-sluice-unit: slow\r\n`;
  socket.on('connect', () => BEHAVIOURS[behaviour]?.(socket, head));
  return {
    get answer() {
      return answer;
    },
    over,
    close: () => socket.destroy(),
  };
}

function drip(socket: Socket, text: string): void {
  const timer = setInterval(() => socket.write(text), DRIP_MS);
  socket.on('close', () => clearInterval(timer));
}

/** More than all buffers between two sockets hold. */
const LARGE_BYTES = 8 * 1024 * 1024;
const LARGE = Buffer.alloc(LARGE_BYTES, 'x');

/** A model server whose answers are too large for whoever does not read them. */
export async function startLargeUpstream(): Promise<Upstream> {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(200, { 'content-length': LARGE_BYTES }).end(LARGE);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}
