import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';

/** A server that does to its clients what a shadow version may do to a gateway. */
export interface HostileShadow {
  readonly url: string;
  /** Connections that it has accepted so far. */
  readonly connections: number;
  close(): Promise<void>;
}

type Behaviour = (socket: Socket) => void;

const MIB = 1024 * 1024;
const DRIP_MS = 20;
/** Longer than any time-out that tests give a shadow. */
const SLOW_MS = 5_000;
const OK = 'HTTP/1.1 200 OK\r\n';
/** 8 MiB that travel as 8 KiB. */
const BOMB = gzipSync(Buffer.alloc(8 * MIB, '0'));

/** What each does once it has read something of a request. */
const AFTER_REQUEST: Readonly<Record<string, Behaviour>> = {
  'resets every connection': (socket) => socket.resetAndDestroy(),
  'never answers': () => undefined,
  'answers too late': (socket) => {
    const timer = setTimeout(() => socket.write(`${OK}content-length: 2\r\n\r\nok`), SLOW_MS);
    socket.on('close', () => clearTimeout(timer));
  },
  'never ends its answer': (socket) => {
    socket.write(`${OK}transfer-encoding: chunked\r\n\r\n`);
    const chunk = Buffer.concat([
      Buffer.from('10000\r\n'),
      Buffer.alloc(64 * 1024, 'x'),
      Buffer.from('\r\n'),
    ]);
    flood(socket, () => chunk);
  },
  'answers with a gigabyte': (socket) => {
    socket.write(`${OK}content-length: 1073741824\r\n\r\n`);
    const chunk = Buffer.alloc(64 * 1024, 'x');
    let left = 1024 * MIB;
    flood(socket, () => ((left -= chunk.length) >= 0 ? chunk : null));
  },
  'answers with headers without end': (socket) => {
    socket.write(OK);
    const header = Buffer.from(`x-much: ${'x'.repeat(4_000)}\r\n`);
    flood(socket, () => header);
  },
  'answers what is no HTTP': (socket) => socket.write('SSH-2.0-OpenSSH_9.9\r\n\0\0\0\r\n\r\n'),
  'drips byte after byte': (socket) => {
    socket.write(`${OK}content-length: 100000\r\n\r\n`);
    const timer = setInterval(() => socket.write('x'), DRIP_MS);
    socket.on('close', () => clearInterval(timer));
  },
  'closes in the middle of its answer': (socket) => {
    socket.end(`${OK}content-length: 1000\r\n\r\nabc`);
  },
  'answers with a bomb of zeros': (socket) => {
    socket.write(
      `${OK}content-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: ${BOMB.length}\r\n\r\n`,
    );
    socket.write(BOMB);
  },
};

export const HOSTILE_BEHAVIOURS: readonly string[] = [
  'refuses every connection',
  'has a name that does not resolve',
  'closes every connection before it reads',
  ...Object.keys(AFTER_REQUEST),
];

/** Starts a hostile server on a free port of loopback. */
export async function startHostile(behaviour: string): Promise<HostileShadow> {
  if (behaviour === 'has a name that does not resolve') {
    return { url: 'http://shadow.invalid:8080', connections: 0, close: () => Promise.resolve() };
  }
  const act = AFTER_REQUEST[behaviour];
  let connections = 0;
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    connections += 1;
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => undefined);
    if (act === undefined) socket.destroy();
    else socket.on('data', () => act(socket));
  });
  const url = await listening(server);
  const close = (): Promise<void> => {
    for (const socket of open) socket.destroy();
    return new Promise((done) => server.close(() => done()));
  };
  if (behaviour === 'refuses every connection') await close();
  return {
    url,
    get connections() {
      return connections;
    },
    close: () => (behaviour === 'refuses every connection' ? Promise.resolve() : close()),
  };
}

async function listening(server: Server): Promise<string> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Writes for as long as the other side reads. */
function flood(socket: Socket, next: () => Buffer | null): void {
  const write = (): void => {
    for (let chunk = next(); chunk !== null; chunk = next()) {
      if (socket.destroyed) return;
      if (!socket.write(chunk)) {
        socket.once('drain', write);
        return;
      }
    }
    socket.end();
  };
  write();
}
