import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Agent } from 'undici';
import { systemClock } from '../kernel/clock.js';
import { guardedConnector } from '../models/guarded-connector.js';
import { UpstreamGuard } from '../models/upstream-guard.js';
import { CLOUD_EVENT_MEDIA_TYPE } from './cloud-event.js';
import { retryAfterMs } from './retry.js';
import { signedHeaders } from './signature.js';

/** A gate answers a sentence; an endless answer must not fill memory. */
const ANSWER_LIMIT_BYTES = 64 * 1024;
/** Below the idle limit of usual servers: a message written to a connection that is being closed fails. */
const KEEP_ALIVE_MS = 4_000;
/** Connections are renewed after this time: an open socket never looks its name up again. */
const CONNECTION_MAX_AGE_MS = 300_000;
/** More than the deliveries and questions to one receiver that are ever under way. */
const CONNECTIONS_PER_ORIGIN = 16;
/** A description of a failure, as it is stored. */
const MAX_ERROR_LENGTH = 300;

export interface OutgoingMessage {
  readonly url: string;
  readonly secrets: readonly string[];
  readonly id: string;
  readonly body: string;
  readonly timeoutMs: number;
}

export interface Sent {
  /** Null: no answer, see `error`. */
  readonly status: number | null;
  /** Null: none, or more than we read. */
  readonly answer: string | null;
  readonly retryAfterMs: number | null;
  /** Null when it was answered with 2xx. */
  readonly error: string | null;
  readonly elapsedMs: number;
}

/** Posts signed messages to receivers, through the same guard as calls of versions. Redirects are not followed. */
@Injectable()
export class WebhookSender implements OnApplicationShutdown {
  private readonly agent: Agent;

  constructor(guard: UpstreamGuard) {
    this.agent = new Agent({
      connect: guardedConnector(guard),
      connections: CONNECTIONS_PER_ORIGIN,
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      clientTtl: CONNECTION_MAX_AGE_MS,
    });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.agent.destroy().catch(() => undefined);
  }

  /** Never throws: whatever happens is an end of the attempt. The time-out holds for the whole exchange. */
  async post(message: OutgoingMessage): Promise<Sent> {
    const sinceMs = performance.now();
    const elapsed = (): number => Math.round(performance.now() - sinceMs);
    try {
      const sent = await this.exchange(message);
      return { ...sent, elapsedMs: elapsed() };
    } catch (error) {
      const text = failureText(error, message.timeoutMs);
      return { status: null, answer: null, retryAfterMs: null, error: text, elapsedMs: elapsed() };
    }
  }

  private async exchange(message: OutgoingMessage): Promise<Omit<Sent, 'elapsedMs'>> {
    const { secrets, id, body, timeoutMs } = message;
    const url = new URL(message.url);
    const answered = await this.agent.request({
      origin: url.origin,
      path: url.pathname,
      method: 'POST',
      headers: {
        'content-type': CLOUD_EVENT_MEDIA_TYPE,
        accept: 'application/json',
        'user-agent': 'sluice',
        ...signedHeaders(secrets, { id, body, nowMs: systemClock.nowMs() }),
      },
      body,
      // one deadline for connecting, waiting and reading
      headersTimeout: 0,
      bodyTimeout: 0,
      signal: AbortSignal.timeout(timeoutMs),
    });
    const status = answered.statusCode;
    return {
      status,
      answer: await bounded(answered.body),
      retryAfterMs: retryAfterMs(answered.headers['retry-after']),
      error: status >= 200 && status < 300 ? null : statusText(status),
    };
  }
}

type AnswerBody = Awaited<ReturnType<Agent['request']>>['body'];

/** The whole answer as text; null for one that is longer than anybody needs, whose connection is closed. */
async function bounded(body: AnswerBody): Promise<string | null> {
  // closing it early makes it complain to nobody
  body.on('error', () => undefined);
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of body) {
    size += (part as Buffer).length;
    if (size > ANSWER_LIMIT_BYTES) return null;
    parts.push(part as Buffer);
  }
  return Buffer.concat(parts).toString('utf8');
}

function statusText(status: number): string {
  return status >= 300 && status < 400
    ? `answered ${status}; redirects are not followed`
    : `answered ${status}`;
}

function failureText(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return String(error).slice(0, MAX_ERROR_LENGTH);
  if (error.name === 'TimeoutError') return `no answer within ${timeoutMs} ms`;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return (error.message || code || error.name).slice(0, MAX_ERROR_LENGTH);
}
