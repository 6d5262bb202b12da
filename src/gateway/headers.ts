import type { LiveVersion } from './live-plan.js';

/** RFC 9110 §7.6.1 and its usual companions: they belong to one connection. */
const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
];

/** Never sent upstream: framing and host are made anew, `expect` was answered by us, credentials are ours. */
const NOT_UPSTREAM = new Set([
  ...HOP_BY_HOP,
  'host',
  'content-length',
  'expect',
  'x-sluice-key',
  'x-sluice-override',
  'x-sluice-request-id',
  'x-sluice-shadow',
]);

/** Never taken from an upstream's answer: our own answer headers must not be forged. */
const NOT_BACK = new Set([
  ...HOP_BY_HOP,
  'x-sluice-request-id',
  'x-sluice-version',
  'x-sluice-reason',
  'x-sluice-config-version',
  'x-sluice-experiment',
  'x-sluice-variant',
]);

/** Headers of a request to an upstream (name, value, name, value …), built from the caller's, never copied whole. */
export function upstreamHeaders(
  rawHeaders: readonly string[],
  version: LiveVersion,
  requestId: string,
): string[] {
  const listed = connectionNames(rawHeaders);
  const out: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    const lower = name.toLowerCase();
    if (NOT_UPSTREAM.has(lower) || listed?.has(lower) || version.headerNames.has(lower)) continue;
    out.push(name, rawHeaders[i + 1] ?? '');
  }
  out.push('x-sluice-request-id', requestId);
  for (const part of version.headers) out.push(part);
  return out;
}

/**
 * Headers of a copy: what the version would get if it served, and the mark by which it can tell that nobody waits for
 * its answer. A caller cannot forge the mark.
 */
export function shadowHeaders(
  rawHeaders: readonly string[],
  version: LiveVersion,
  { requestId, experiment }: { readonly requestId: string; readonly experiment: string },
): string[] {
  const headers = upstreamHeaders(rawHeaders, version, requestId);
  headers.push('x-sluice-shadow', experiment);
  return headers;
}

/** What the gateway reads from the head of an upstream's answer, and the headers that go on to the caller. */
export interface AnswerHead {
  readonly headers: string[];
  /** Null when the length is not said. */
  readonly contentLength: number | null;
  readonly contentType: string;
  readonly contentEncoding: string;
}

/** Filters the headers of an upstream's answer in the same way. */
export function answerHead(rawHeaders: readonly (Buffer | string)[]): AnswerHead {
  const flat = rawHeaders.map((part) =>
    typeof part === 'string' ? part : part.toString('latin1'),
  );
  const listed = connectionNames(flat);
  const headers: string[] = [];
  let contentLength: number | null = null;
  let contentType = '';
  let contentEncoding = '';
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const name = flat[i] ?? '';
    const value = flat[i + 1] ?? '';
    const lower = name.toLowerCase();
    if (NOT_BACK.has(lower) || listed?.has(lower)) continue;
    if (lower === 'content-length') contentLength = Number(value);
    else if (lower === 'content-type') contentType = value;
    else if (lower === 'content-encoding') contentEncoding = value;
    headers.push(name, value);
  }
  return { headers, contentLength, contentType, contentEncoding };
}

/** Names that a message's Connection header lists; null in the usual case that it lists none of its own. */
function connectionNames(headers: readonly string[]): ReadonlySet<string> | null {
  let names: Set<string> | null = null;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? '';
    if (name.length !== 10 || name.toLowerCase() !== 'connection') continue;
    for (const part of (headers[i + 1] ?? '').toLowerCase().split(',')) {
      const listed = part.trim();
      if (listed === '' || listed === 'keep-alive' || listed === 'close') continue;
      names ??= new Set();
      names.add(listed);
    }
  }
  return names;
}
