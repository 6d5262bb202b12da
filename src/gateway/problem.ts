import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';

/** A refusal or failure of the gateway, answered as an RFC 9457 problem document. */
export interface Problem {
  readonly status: number;
  /** Stable, for callers to branch on. */
  readonly code: string;
  readonly detail: string;
  /** When it is worth trying again. */
  readonly retryAfterS?: number;
}

/** How long a refused request may go on sending before its connection is closed. */
const LINGER_MS = 2_000;

/** Answers with a problem document; `headers` are name, value, name, value …. */
export function sendProblem(
  res: ServerResponse,
  problem: Problem,
  headers: readonly string[] = [],
): void {
  if (writeProblem(res, problem, headers)) res.end();
}

/**
 * Refuses a request whose body is still on its way, and closes the connection. The body is read away for a while
 * before: closing a connection with unread bytes resets it, and the caller would never see the answer.
 */
export function refuseBody(req: IncomingMessage, res: ServerResponse, problem: Problem): void {
  res.shouldKeepAlive = false;
  if (!writeProblem(res, problem, [])) return;
  const end = (): void => {
    clearTimeout(timer);
    res.end();
  };
  const timer = setTimeout(end, LINGER_MS);
  req.once('end', end).once('close', end).resume();
}

function writeProblem(res: ServerResponse, problem: Problem, headers: readonly string[]): boolean {
  if (res.headersSent || res.destroyed) {
    res.destroy();
    return false;
  }
  const { status, code, detail } = problem;
  const body = JSON.stringify({
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    code,
    detail,
  });
  res.writeHead(status, [
    ...headers,
    'content-type',
    'application/problem+json',
    'content-length',
    String(Buffer.byteLength(body)),
  ]);
  res.write(body);
  return true;
}
