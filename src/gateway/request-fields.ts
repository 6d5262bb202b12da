import type { RequestHeaders } from './caller-request.js';
import type { RequestBody } from './request-body.js';

/** What units and attributes can be taken from. */
export interface RequestFields {
  readonly headers: RequestHeaders;
  /** Path and query after the model's name. */
  readonly rest: string;
  readonly body: RequestBody;
}

/** A header as text, null when it is absent. `name` is lower case. */
export function headerValue(headers: RequestHeaders, name: string): string | null {
  const value = headers.get(name);
  return value === undefined ? null : utf8(value);
}

/** First value of a query parameter, decoded; null: the target has none. */
export function queryValue(rest: string, name: string): string | null {
  const start = rest.indexOf('?');
  return start < 0 ? null : new URLSearchParams(rest.slice(start + 1)).get(name);
}

/** Value of a cookie, decoded; null: there is none of that name. */
export function cookieValue(headers: RequestHeaders, name: string): string | null {
  for (const pair of utf8(headers.get('cookie') ?? '').split(';')) {
    const equals = pair.indexOf('=');
    if (equals < 0 || pair.slice(0, equals).trim() !== name) continue;
    const value = pair.slice(equals + 1).trim();
    const bare = value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
    try {
      return decodeURIComponent(bare);
    } catch {
      return bare;
    }
  }
  return null;
}

/** Header bytes are read as Latin-1; callers write UTF-8, and one user must be one unit wherever it comes from. */
function utf8(value: string): string {
  for (let i = 0; i < value.length; i++) {
    if (value.charCodeAt(i) > 0x7f) return Buffer.from(value, 'latin1').toString('utf8');
  }
  return value;
}
