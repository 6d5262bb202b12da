import { describe, expect, it } from 'vitest';
import { smuggling } from '../../../src/app/control-server.js';
import { keyText, refusalText, whereText } from '../../../src/app/run.js';
import { summaryOf } from '../../../src/app/route-summaries.js';
import { SluiceError } from '../../../src/kernel/errors.js';

const request = (rawHeaders: string[], url = '/live') => ({
  rawHeaders,
  url,
  headers: Object.fromEntries(
    rawHeaders.flatMap((name, n) =>
      n % 2 === 0 ? [[name.toLowerCase(), rawHeaders[n + 1]!]] : [],
    ),
  ),
});

describe('requests that two servers could read differently', () => {
  it.each([
    ['two Host headers', request(['Host', 'a', 'hOST', 'a'])],
    [
      'a transfer coding that is not chunked',
      request(['Host', 'a', 'Transfer-Encoding', 'gzip, chunked']),
    ],
    ['an absolute target', request(['Host', 'a'], 'http://b/live')],
    ['an authority as target', request(['Host', 'a'], 'b:80')],
  ])('are refused: %s', (_what, sent) => {
    expect(smuggling(sent)).toMatchObject({ status: 400, code: 'malformed' });
  });

  it('are not those with one Host and chunks', () => {
    expect(
      smuggling(request(['Host', 'a', 'Transfer-Encoding', 'Chunked', 'X', 'host'])),
    ).toBeNull();
  });
});

describe('what the start prints', () => {
  it('is where everything is, and nothing that is not there', () => {
    const controlUrl = 'http://127.0.0.1:2';
    const all = whereText({
      roles: ['gateway', 'control'],
      gatewayUrl: 'http://127.0.0.1:1',
      controlUrl,
    });
    expect(all).toContain('http://127.0.0.1:1/models/{model}/');
    expect(all).toContain('http://127.0.0.1:2/api/docs');
    const worker = whereText({ roles: ['worker'], gatewayUrl: null, controlUrl });
    expect(worker).toBe('\nSluice is listening\n  status   http://127.0.0.1:2/status\n\n');
  });

  it('is the key when one was made, and nothing when it was given or made before', () => {
    expect(keyText({ kind: 'made', key: 'sl_made' })).toContain('sl_made');
    expect(keyText({ kind: 'given', key: 'mine' })).toBe('');
    expect(keyText({ kind: 'present' })).toBe('');
  });

  it('is what to change when it cannot start, without a stack', () => {
    const text = refusalText(
      new SluiceError('invalid_input', 'no such port', [
        { field: 'SLUICE_GATEWAY_PORT', given: 'x', expected: 'a port', advice: 'choose one' },
      ]),
    );
    expect(text).toBe(
      'sluice cannot start: no such port\n  SLUICE_GATEWAY_PORT: expected a port (choose one)\n',
    );
    expect(refusalText(new Error('a bug'))).toContain('at ');
  });
});

describe('summaries', () => {
  it('are empty for a route that nobody described', () => {
    expect(summaryOf({ method: 'GET', path: '/nowhere' })).toBe('');
    expect(summaryOf({ method: 'GET', path: '/live' })).not.toBe('');
  });
});
