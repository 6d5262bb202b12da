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

/** What is to be known of a header name. */
interface KnownName {
  readonly lower: string;
  readonly goesUpstream: boolean;
  readonly goesBack: boolean;
}

/** Names come again with every message: each is judged once, by how it is written. Beyond this many, anew. */
const MAX_KNOWN_NAMES = 1_000;
const knownNames = new Map<string, KnownName>();

function knownName(name: string): KnownName {
  const known = knownNames.get(name);
  if (known !== undefined) return known;
  const lower = name.toLowerCase();
  const made = {
    lower,
    goesUpstream: !NOT_UPSTREAM.has(lower),
    goesBack: !NOT_BACK.has(lower),
  };
  if (knownNames.size >= MAX_KNOWN_NAMES) knownNames.clear();
  // A copy: a name cut out of a head would keep the whole head in memory.
  knownNames.set(Buffer.from(name, 'latin1').toString('latin1'), made);
  return made;
}

/**
 * Header lines of a request to an upstream (`name: value` and CRLF each), built from the caller's, never copied whole.
 * Host and framing are left to the connection.
 */
export function upstreamHeaderLines(
  rawHeaders: readonly string[],
  version: LiveVersion,
  requestId: string,
): string {
  const listed = connectionNames(rawHeaders);
  const own = version.headerNames.size === 0 ? null : version.headerNames;
  let lines = '';
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    const { lower, goesUpstream } = knownName(name);
    if (!goesUpstream || listed?.has(lower) === true || own?.has(lower) === true) continue;
    lines += `${name}: ${rawHeaders[i + 1] ?? ''}\r\n`;
  }
  lines += `x-sluice-request-id: ${requestId}\r\n`;
  for (let i = 0; i + 1 < version.headers.length; i += 2) {
    lines += `${version.headers[i] ?? ''}: ${version.headers[i + 1] ?? ''}\r\n`;
  }
  return lines;
}

/**
 * Header lines of a copy: what the version would get if it served, and the mark by which it can tell that nobody waits
 * for its answer. A caller cannot forge the mark.
 */
export function shadowHeaderLines(
  rawHeaders: readonly string[],
  version: LiveVersion,
  { requestId, experiment }: { readonly requestId: string; readonly experiment: string },
): string {
  return `${upstreamHeaderLines(rawHeaders, version, requestId)}x-sluice-shadow: ${experiment}\r\n`;
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
export function answerHead(rawHeaders: readonly string[]): AnswerHead {
  const listed = connectionNames(rawHeaders);
  const headers: string[] = [];
  let contentLength: number | null = null;
  let contentType = '';
  let contentEncoding = '';
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    const value = rawHeaders[i + 1] ?? '';
    const { lower, goesBack } = knownName(name);
    if (!goesBack || listed?.has(lower) === true) continue;
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
