import { describe, expect, it } from 'vitest';
import { SecretsService } from '../../../src/auth/secrets.service.js';
import {
  isOwnOrigin,
  parseSession,
  sealedSessionIn,
  sessionCookie,
} from '../../../src/auth/session.js';

const request = (headers: Record<string, string>, method = 'POST') => ({ method, headers });

describe('the cookie of a session', () => {
  it('is for this port alone, out of reach of scripts and other sites', () => {
    const cookie = sessionCookie(request({ host: '127.0.0.1:8081' }), 'sealed');
    expect(cookie).toMatch(/^sluice_session_8081=sealed; Path=\/api\/v1; /);
    expect(cookie).toContain('HttpOnly; SameSite=Strict');
    expect(cookie).not.toContain('Secure');
    expect(
      sealedSessionIn(request({ host: 'a:8082', cookie: 'sluice_session_8081=x' })),
    ).toBeNull();
    const both = 'other=1; sluice_session_8081=x';
    expect(sealedSessionIn(request({ host: 'a:8081', cookie: both }))).toBe('x');
  });

  it('is secure where the browser came by HTTPS, and ends at once when it is closed', () => {
    const https = request({ host: 'sluice.example', origin: 'https://sluice.example' });
    expect(sessionCookie(https, 'sealed')).toMatch(/^sluice_session=sealed.*; Secure$/);
    expect(sessionCookie(https, null)).toContain('Max-Age=0');
  });
});

describe('the origin of a request with a session', () => {
  it.each([
    ['POST', 'http://a:8081', true],
    ['POST', 'http://a:8080', false],
    ['POST', 'http://evil.example', false],
    ['POST', 'null', false],
    ['POST', '', false],
    ['GET', '', true],
    ['GET', 'http://evil.example', false],
  ])('%s from "%s": %s', (method, origin, isOwn) => {
    const headers = { host: 'a:8081', ...(origin === '' ? {} : { origin }) };
    expect(isOwnOrigin(request(headers, method))).toBe(isOwn);
  });
});

describe('a sealed session', () => {
  it('is read by the installation that sealed it, and nothing else is', () => {
    const ours = new SecretsService('one secret of sixteen');
    const theirs = new SecretsService('another secret of sixteen');
    const sealed = ours.sealSession(JSON.stringify({ key: 'k', untilMs: 5 }));
    expect(sealed).not.toContain('k"');
    expect(parseSession(ours.unsealSession(sealed) ?? '')).toEqual({ key: 'k', untilMs: 5 });
    expect(theirs.unsealSession(sealed)).toBeNull();
    expect(ours.unsealSession(`${sealed.slice(0, -2)}xx`)).toBeNull();
    expect(ours.unsealSession('')).toBeNull();
    expect(ours.unsealSession(ours.seal({ authorization: 'x' }))).toBeNull();
  });

  it('that says something else is no session', () => {
    expect(parseSession('{"key":1,"untilMs":5}')).toBeNull();
    expect(parseSession('null')).toBeNull();
  });
});
