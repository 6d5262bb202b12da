import { describe, expect, it } from 'vitest';
import { answerHead, upstreamHeaderLines } from '../../../src/gateway/headers.js';
import type { LiveVersion } from '../../../src/gateway/live-plan.js';
import { ReplicaSet } from '../../../src/gateway/replica-set.js';

const version: LiveVersion = {
  name: 'v1',
  replicas: new ReplicaSet(),
  headers: ['X-Api-Key', 'secret'],
  headerNames: new Set(['x-api-key']),
  timeoutMs: 1,
};

/** The lines as name, value, name, value … */
function upstreamHeaders(raw: readonly string[], to: LiveVersion, id: string): string[] {
  const text = upstreamHeaderLines(raw, to, id);
  expect(text.endsWith('\r\n')).toBe(true);
  return text
    .slice(0, -2)
    .split('\r\n')
    .flatMap((line) => [
      line.slice(0, line.indexOf(': ')),
      line.slice(line.indexOf(': ') + ': '.length),
    ]);
}

describe('headers to an upstream', () => {
  it('keep order, case and repetition of what is end-to-end', () => {
    const raw = ['B', '2', 'a', '1', 'B', '3'];
    expect(upstreamHeaders(raw, version, 'id')).toEqual([
      ...raw,
      ...['x-sluice-request-id', 'id', 'X-Api-Key', 'secret'],
    ]);
  });

  it.each([
    ...['Connection', 'Keep-Alive', 'Proxy-Authorization', 'Proxy-Connection', 'TE', 'Trailer'],
    ...['Transfer-Encoding', 'Upgrade', 'Host', 'Content-Length', 'Expect'],
    ...['X-Sluice-Key', 'x-sluice-override', 'X-SLUICE-REQUEST-ID', 'x-api-KEY'],
  ])('never carry the caller\u2019s %s', (name) => {
    expect(upstreamHeaders([name, 'x'], version, 'id')).toEqual([
      ...['x-sluice-request-id', 'id', 'X-Api-Key', 'secret'],
    ]);
  });

  it('leave out what Connection lists, in any case and over several headers', () => {
    const raw = [
      'connection',
      'close, X-One',
      'x-one',
      '1',
      'X-TWO',
      '2',
      'Connection',
      ' x-two ,',
    ];
    expect(upstreamHeaders(raw, version, 'id')).not.toContain('1');
    expect(upstreamHeaders(raw, version, 'id')).not.toContain('2');
  });
});

describe('headers of an answer', () => {
  it('go on as they came, and length, type and encoding are read', () => {
    const raw = [
      'Content-Length',
      '12',
      'Content-Type',
      'text/plain',
      'Content-Encoding',
      'br',
      'X',
      'é',
    ];
    expect(answerHead(raw)).toEqual({
      headers: raw,
      contentLength: 12,
      contentType: 'text/plain',
      contentEncoding: 'br',
    });
  });

  it.each([
    'Connection',
    'Keep-Alive',
    'Transfer-Encoding',
    'Proxy-Authenticate',
    'X-Sluice-Reason',
  ])('never carry %s', (name) => {
    expect(answerHead([name, 'x']).headers).toEqual([]);
  });

  it('leave out what Connection lists', () => {
    expect(answerHead(['Connection', 'x-hop', 'X-Hop', '1', 'Y', '2']).headers).toEqual(['Y', '2']);
  });

  it('say no length when there is none', () => {
    expect(answerHead([]).contentLength).toBeNull();
  });
});
