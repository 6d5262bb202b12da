import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Classifier } from './classifiers/classifier.js';
import { isSpam } from './classifiers/classifier.js';
import type { MailContent } from './mime.js';

/** The longest mail of the corpus has 300 kB; JSON escapes may double that. */
const MAX_BODY_BYTES = 2 * 1024 * 1024;
/** Longer than the gateway keeps an idle connection, so that it never writes into one that just closed. */
const KEEP_ALIVE_MS = 65_000;

export interface ModelServer {
  readonly url: string;
  /** Answered scores since the start. */
  scored(): number;
  close(): Promise<void>;
}

/** Serves one version as any model server would: `POST /score {subject, body}` → `{spam, probability}`. */
export async function startModelServer(classifier: Classifier): Promise<ModelServer> {
  let scored = 0;
  const server = createServer((request, response) => {
    answer(classifier, request)
      .then(({ status, body }) => {
        if (status === 200) scored += 1;
        send(response, status, body);
      })
      .catch(() => response.destroy());
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    scored: () => scored,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

async function answer(classifier: Classifier, request: IncomingMessage): Promise<Answer> {
  if (request.method !== 'POST' || request.url !== '/score') {
    request.resume();
    return { status: 404, body: { error: 'expected POST /score' } };
  }
  const bytes = await readBody(request);
  if (bytes === null) {
    return { status: 413, body: { error: `the body exceeds ${MAX_BODY_BYTES} bytes` } };
  }
  const mail = parseContent(bytes);
  if (mail === null) {
    return {
      status: 400,
      body: { error: 'expected a JSON object with texts "subject" and "body"' },
    };
  }
  const probability = classifier.probability(mail);
  return { status: 200, body: { spam: isSpam(probability), probability } };
}

/** Null when the body is larger than the limit; the rest of it is read and dropped. */
async function readBody(request: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  return size > MAX_BODY_BYTES ? null : Buffer.concat(chunks);
}

function parseContent(bytes: Buffer): MailContent | null {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    return null;
  }
  if (value === null || typeof value !== 'object') return null;
  const { subject, body } = value as Record<string, unknown>;
  return typeof subject === 'string' && typeof body === 'string' ? { subject, body } : null;
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}
