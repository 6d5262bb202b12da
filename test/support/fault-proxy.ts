import { createConnection, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';

/** A TCP proxy in front of PostgreSQL that can play a dead, a frozen and a healthy network. */
export interface FaultProxy {
  readonly url: string;
  /** Open connections break, new ones are closed at once. */
  refuse(): void;
  /** Connections stay and are accepted, and not one byte passes. */
  freeze(): void;
  /** Connections that listen for notifications stay and are accepted, and not one byte passes; all others work. */
  freezeListeners(): void;
  /** Everything passes; what waited in a frozen connection too. */
  heal(): void;
  close(): Promise<void>;
}

type Mode = 'healthy' | 'refusing' | 'frozen' | 'deaf';

/** The application name with which a connection for LISTEN introduces itself (src/database/listener.ts). */
const LISTENER = 'sluice-listen-';

export async function faultProxy(databaseUrl: string): Promise<FaultProxy> {
  const target = targetOf(databaseUrl);
  const open = new Set<Socket>();
  const listening = new Set<Socket>();
  const isFrozen = (socket: Socket): boolean =>
    mode === 'frozen' || (mode === 'deaf' && listening.has(socket));
  let mode: Mode = 'healthy';
  const server = createServer((socket) => {
    if (mode === 'refusing') return void socket.destroy();
    const upstream = createConnection(target);
    for (const [from, to] of [
      [socket, upstream],
      [upstream, socket],
    ] as const) {
      open.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        open.delete(from);
        listening.delete(from);
        to.destroy();
      });
      from.on('data', (bytes: Buffer) => {
        if (from === socket && bytes.includes(LISTENER)) listening.add(socket).add(upstream);
        to.write(bytes);
        if (isFrozen(from)) from.pause();
        if (isFrozen(to)) to.pause();
      });
      if (isFrozen(from)) from.pause();
    }
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const change = (next: Mode): void => {
    mode = next;
    for (const socket of open) {
      if (next === 'refusing') socket.destroy();
      else if (isFrozen(socket)) socket.pause();
      else socket.resume();
    }
  };
  return {
    url: urlThrough((server.address() as AddressInfo).port, databaseUrl),
    refuse: () => change('refusing'),
    freeze: () => change('frozen'),
    freezeListeners: () => change('deaf'),
    heal: () => change('healthy'),
    close: () => {
      change('refusing');
      return new Promise((done) => server.close(() => done()));
    },
  };
}

/** The server behind a database URL: a Unix socket in a folder, or a host and port. */
function targetOf(databaseUrl: string): { path: string } | { host: string; port: number } {
  const { hostname, port, searchParams } = new URL(databaseUrl);
  const folder = searchParams.get('host') ?? '';
  const number = Number(port || 5432);
  return folder.startsWith('/')
    ? { path: join(folder, `.s.PGSQL.${number}`) }
    : { host: hostname, port: number };
}

function urlThrough(port: number, databaseUrl: string): string {
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String(port);
  url.searchParams.delete('host');
  return url.href;
}
