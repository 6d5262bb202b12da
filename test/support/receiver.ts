import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly id: string;
  readonly timestamp: string;
  readonly signature: string;
  readonly contentType: string;
  readonly body: string;
  readonly event: any; // eslint-disable-line @typescript-eslint/no-explicit-any -- asserted by each test
}

/** How a receiver treats one message; it may also leave it without an answer. */
export type Treatment = (message: Received, response: ServerResponse) => void;

/** A real HTTP server that webhooks are sent to. */
export interface Receiver {
  readonly url: string;
  readonly messages: readonly Received[];
  treat(treatment: Treatment): void;
  close(): Promise<void>;
}

export const FINE: Treatment = (_message, response) => response.writeHead(204).end();

export async function startReceiver(first: Treatment = FINE): Promise<Receiver> {
  const messages: Received[] = [];
  let treatment = first;
  const server = createServer((request, response) => {
    void read(request).then((message) => {
      messages.push(message);
      treatment(message, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/hook/`,
    messages,
    treat: (next) => (treatment = next),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export function answer(status: number, body: unknown = {}): Treatment {
  return (_message, response) =>
    void response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(JSON.stringify(body));
}

async function read(request: IncomingMessage): Promise<Received> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const body = Buffer.concat(parts).toString('utf8');
  const header = (name: string): string => String(request.headers[name] ?? '');
  return {
    id: header('webhook-id'),
    timestamp: header('webhook-timestamp'),
    signature: header('webhook-signature'),
    contentType: header('content-type'),
    body,
    event: JSON.parse(body),
  };
}

/** What a receiver does before it believes a message, written from the specification alone. */
export function isSignedWith(secret: string, message: Received): boolean {
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const due = createHmac('sha256', key)
    .update(`${message.id}.${message.timestamp}.${message.body}`)
    .digest();
  return message.signature.split(' ').some((one) => {
    const given = Buffer.from(one.replace('v1,', ''), 'base64');
    return given.length === due.length && timingSafeEqual(given, due);
  });
}
