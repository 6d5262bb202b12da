import type { CallerRequest } from './caller-request.js';
import type { Problem } from './problem.js';
import type { ReplicaAddress } from './replica-set.js';

const PREFIX = '/models/';
/** `..` as a path segment, plain or percent-encoded: it would leave the path that the version was registered with. */
const CLIMBS = /(?:^|[/\\]|%2f|%5c)(?:\.|%2e){2}(?:$|[/\\;?#]|%2f|%5c)/i;

export interface ModelTarget {
  readonly model: string;
  /** What follows the model's name, byte for byte: '', '/path', '?query' or '/path?query'. */
  readonly rest: string;
}

/** Takes `/models/{model}/{path…}` apart; null for any other target. Nothing is decoded or normalised. */
export function parseTarget(target: string): ModelTarget | null {
  if (!target.startsWith(PREFIX)) return null;
  const start = PREFIX.length;
  let end = start;
  while (end < target.length) {
    const char = target.charCodeAt(end);
    if (char === 0x2f || char === 0x3f) break; // '/' or '?'
    end++;
  }
  return end === start ? null : { model: target.slice(start, end), rest: target.slice(end) };
}

/** What a replica is asked for: its own path, then what followed the model's name. */
export function upstreamPath({ basePath }: Pick<ReplicaAddress, 'basePath'>, rest: string): string {
  const path = basePath + rest;
  return path.startsWith('/') ? path : `/${path}`;
}

/** True when the path of a target climbs with `..`. */
export function climbs(rest: string): boolean {
  if (!rest.includes('..') && !/%2e/i.test(rest)) return false;
  const query = rest.indexOf('?');
  return CLIMBS.test(query < 0 ? rest : rest.slice(0, query));
}

/**
 * The origin-form target of a request, or why it is refused: two Host headers, or an absolute-form target that names
 * another host, are request smuggling behind a proxy (RFC 9112 §3.2).
 */
export function originForm(
  req: Pick<CallerRequest, 'target' | 'rawHeaders' | 'headers' | 'isOld'>,
): string | Problem {
  const hosts = hostHeaders(req.rawHeaders);
  if (hosts > 1) return malformed('more than one Host header');
  if (hosts === 0 && !req.isOld) return malformed('no Host header');
  const { target } = req;
  if (target.charCodeAt(0) === 0x2f) return target;
  if (!/^https?:\/\//i.test(target)) return malformed('a request target that is no path');
  const slash = target.indexOf('/', target.indexOf('//') + 2);
  const authority = target.slice(target.indexOf('//') + 2, slash < 0 ? undefined : slash);
  if (authority.toLowerCase() !== (req.headers.get('host') ?? '').toLowerCase()) {
    return malformed('an absolute target that names another host than the Host header');
  }
  return slash < 0 ? '/' : target.slice(slash);
}

function hostHeaders(rawHeaders: readonly string[]): number {
  let count = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    if (name.length === 4 && name.toLowerCase() === 'host') count++;
  }
  return count;
}

function malformed(what: string): Problem {
  return { status: 400, code: 'malformed_request', detail: `the request has ${what}` };
}
