import { createServer, type ServerResponse } from 'node:http';
import { createConnection, createServer as createNetServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { type HostileShadow, startHostile } from '../support/hostile-shadows.js';

/** What a model server does at the moment: its work, an answer of status 503, or nothing until it works again. */
export type Mood = 'works' | 'fails' | 'hangs';

/** A model server whose mood can be changed. */
export interface Trickster {
  readonly url: string;
  mood: Mood;
  close(): Promise<void>;
}

const ANSWER = Buffer.from('{"spam":true}');

export async function startTrickster(): Promise<Trickster> {
  let mood: Mood = 'works';
  const hanging = new Set<ServerResponse>();
  const answer = (response: ServerResponse): void => {
    const status = mood === 'fails' ? 503 : 200;
    response.writeHead(status, {
      'content-type': 'application/json',
      'content-length': ANSWER.length,
    });
    response.end(ANSWER);
  };
  const server = createServer((request, response) => {
    request.resume();
    if (mood !== 'hangs') {
      answer(response);
      return;
    }
    hanging.add(response);
    response.on('close', () => hanging.delete(response));
  });
  server.keepAliveTimeout = 65_000;
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get mood() {
      return mood;
    },
    set mood(next: Mood) {
      mood = next;
      if (next !== 'hangs') for (const response of hanging) answer(response);
    },
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

/** One address behind which a healthy or a hostile server answers. */
export interface Switchboard {
  readonly url: string;
  /** New connections go to a server of that behaviour; open ones break. Null: to the healthy one. */
  connectTo(behaviour: string | null): Promise<void>;
  close(): Promise<void>;
}

export async function startSwitchboard(healthyUrl: string): Promise<Switchboard> {
  let hostile: HostileShadow | null = null;
  const open = new Set<Socket>();
  const server = createNetServer((socket) => {
    const { hostname, port } = new URL(hostile?.url ?? healthyUrl);
    const target = createConnection({ host: hostname, port: Number(port) });
    for (const [one, other] of [
      [socket, target],
      [target, socket],
    ] as const) {
      open.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        open.delete(one);
        other.destroy();
      });
    }
    socket.pipe(target).pipe(socket);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const connectTo = async (behaviour: string | null): Promise<void> => {
    const before = hostile;
    hostile = behaviour === null ? null : await startHostile(behaviour);
    for (const socket of open) socket.destroy();
    await before?.close();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connectTo,
    close: async () => {
      await connectTo(null);
      await new Promise((done) => server.close(done));
    },
  };
}
