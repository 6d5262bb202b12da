import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Upstream } from './sluice.js';

/** Long enough apart that a stop falls between two events, close enough that a short stream is soon over. */
const EVENT_EVERY_MS = 100;

/** A model server that answers with a stream of events: as many as the body says, or without end for 0. */
export async function startStreamUpstream(): Promise<Upstream> {
  const server = createServer((request, response) => {
    void request.toArray().then((parts) => {
      const { events } = JSON.parse(Buffer.concat(parts).toString()) as { events: number };
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      let sent = 0;
      const timer = setInterval(() => {
        response.write(`data: ${(sent += 1)}\n\n`);
        if (sent === events) response.end();
      }, EVENT_EVERY_MS);
      response.on('close', () => clearInterval(timer));
    });
  });
  server.keepAliveTimeout = 65_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export interface OpenStream {
  /** Messages that have come so far. */
  readonly events: number;
  /** 'ended': as HTTP says; 'cut': the connection broke. */
  readonly over: Promise<'ended' | 'cut'>;
}

/** Opens a stream of events; resolves when its head is there. */
export async function openStream(url: string, init: RequestInit): Promise<OpenStream> {
  const response = await fetch(url, init);
  if (!response.ok || response.body === null) throw new Error(`${url}: ${response.status}`);
  const { body } = response;
  const stream = { events: 0 };
  const read = async (): Promise<'ended' | 'cut'> => {
    try {
      for await (const chunk of body) {
        stream.events += Buffer.from(chunk).toString().split('\n\n').length - 1;
      }
      return 'ended';
    } catch {
      return 'cut';
    }
  };
  const over = read();
  return {
    get events() {
      return stream.events;
    },
    over,
  };
}
