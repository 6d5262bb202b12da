import { STATUS_CODES } from 'node:http';
import type { CallerResponse } from './caller-response.js';

/** A refusal or failure of the gateway, answered as an RFC 9457 problem document. */
export interface Problem {
  readonly status: number;
  /** Stable, for callers to branch on. */
  readonly code: string;
  readonly detail: string;
  /** When it is worth trying again. */
  readonly retryAfterS?: number;
}

/** Answers with a problem document; `headers` are name, value, name, value …. */
export function sendProblem(
  res: CallerResponse,
  problem: Problem,
  headers: readonly string[] = [],
): void {
  if (res.headersSent || res.destroyed) {
    res.destroy();
    return;
  }
  const { status, code, detail } = problem;
  const title = STATUS_CODES[status] ?? 'Error';
  const body = Buffer.from(JSON.stringify({ type: 'about:blank', title, status, code, detail }));
  const length = String(body.length);
  const own = ['content-type', 'application/problem+json', 'content-length', length];
  res.writeHead(status, [...headers, ...own]);
  res.end(body);
}

/** Refuses a request whose body is still on its way, and ends the connection. */
export function refuseBody(res: CallerResponse, problem: Problem): void {
  res.closeAfterwards();
  sendProblem(res, problem);
}
