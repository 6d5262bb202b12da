/** A working day: whoever keeps the console open longer signs in once more. */
export const SESSION_MS = 12 * 3_600_000;

/** Methods that change nothing; every other one needs a page of our own origin. */
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** What the cookie says once it is unsealed. */
export interface SessionContent {
  readonly key: string;
  readonly untilMs: number;
}

export interface IncomingRequest {
  readonly method?: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** Browsers share cookies between the ports of a host, so two instances on one machine need two names. */
function cookieName(request: IncomingRequest): string {
  const port = /:(\d+)$/.exec(headerOf(request, 'host'))?.[1];
  return port === undefined ? 'sluice_session' : `sluice_session_${port}`;
}

/** The sealed session that a browser sent along; null without one. */
export function sealedSessionIn(request: IncomingRequest): string | null {
  const name = cookieName(request);
  for (const part of headerOf(request, 'cookie').split(';')) {
    const [key, value] = part.split('=', 2);
    if (key?.trim() === name && value !== undefined) return value.trim();
  }
  return null;
}

/**
 * `Set-Cookie` for a session, or for its end when `sealed` is null. Scripts cannot read it and other sites cannot
 * send it; it goes to the API alone. Secure where the browser says that it came by HTTPS.
 */
export function sessionCookie(request: IncomingRequest, sealed: string | null): string {
  const maxAgeS = sealed === null ? 0 : SESSION_MS / 1000;
  const isHttps = headerOf(request, 'origin').startsWith('https:');
  return [
    `${cookieName(request)}=${sealed ?? ''}`,
    'Path=/api/v1',
    `Max-Age=${maxAgeS}`,
    'HttpOnly',
    'SameSite=Strict',
    ...(isHttps ? ['Secure'] : []),
  ].join('; ');
}

/**
 * Whether a request with a session comes from a page of our own. Browsers send `Origin` with everything that is not
 * a plain GET, and pages cannot forge it; a page of another port of this host is another origin but the same site.
 */
export function isOwnOrigin(request: IncomingRequest): boolean {
  const origin = headerOf(request, 'origin');
  if (origin === '') return SAFE_METHODS.has(request.method ?? '');
  return URL.canParse(origin) && new URL(origin).host === headerOf(request, 'host');
}

export function parseSession(text: string): SessionContent | null {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null) return null;
  const { key, untilMs } = value as Partial<SessionContent>;
  return typeof key === 'string' && typeof untilMs === 'number' ? { key, untilMs } : null;
}

function headerOf({ headers }: IncomingRequest, name: string): string {
  const value = headers[name];
  return typeof value === 'string' ? value : '';
}
