import { describe, expect, it } from 'vitest';
import {
  championSchema,
  modelSchema,
  nameSchema,
  versionSchema,
} from '../../../src/models/model.contract.js';

describe('the definition of a model', () => {
  it.each([
    { header: 'X-User' },
    { cookie: 'session' },
    { query: 'user id' },
    { pointer: '/user/id' },
    { pointer: '/a~1b/0' },
    { request: true },
  ])('takes its unit from %j', (unit) => {
    expect(modelSchema.safeParse({ unit }).success).toBe(true);
  });

  it('knows header names without their case', () => {
    expect(modelSchema.parse({ unit: { header: 'X-User' } }).unit).toEqual({ header: 'x-user' });
  });

  it.each([
    {},
    { header: 'a', cookie: 'b' },
    { header: '' },
    { header: 'a b' },
    { header: 'a:b' },
    { pointer: '' },
    { pointer: 'user/id' },
    { pointer: '/a~2' },
    { pointer: '/a~' },
    { request: false },
    { body: '/x' },
    'x-user',
    null,
  ])('takes no unit from %j', (unit) => {
    expect(modelSchema.safeParse({ unit }).success).toBe(false);
  });

  it.each([0, -1, 1.5, 600_001, '100', null, Number.NaN])(
    'refuses the time-out %j',
    (timeoutMs) => {
      expect(modelSchema.safeParse({ timeoutMs }).success).toBe(false);
      if (timeoutMs !== null) {
        expect(versionSchema.safeParse({ url: 'http://a', timeoutMs }).success).toBe(false);
      }
    },
  );

  it('captures at most 32 fields per direction', () => {
    const fields = (n: number) =>
      Object.fromEntries(Array.from({ length: n }, (_, k) => [`f${k}`, '/x']));
    expect(modelSchema.safeParse({ capture: { output: fields(32) } }).success).toBe(true);
    expect(modelSchema.safeParse({ capture: { output: fields(33) } }).success).toBe(false);
  });
});

describe('the headers of a version', () => {
  const parse = (headers: unknown) => versionSchema.safeParse({ url: 'http://a', headers });

  it('are lower case', () => {
    expect(parse({ 'X-Key': 'v' }).data?.headers).toEqual({ 'x-key': 'v' });
  });

  it.each(['host', 'Content-Length', 'connection', 'transfer-encoding', 'te', 'upgrade', 'expect'])(
    'may not be %s',
    (name) => expect(parse({ [name]: 'x' }).success).toBe(false),
  );

  it.each(['a\r\nb: c', 'a\nb', 'a\u0000b', 'a\u007fb', 'x'.repeat(8_193)])(
    'may not smuggle other headers: %j',
    (value) => expect(parse({ 'x-key': value }).success).toBe(false),
  );

  it('are at most 32', () => {
    const many = Object.fromEntries(Array.from({ length: 33 }, (_, n) => [`x-${n}`, 'v']));
    expect(parse(many).success).toBe(false);
  });
});

describe('the replicas of a version', () => {
  const urls = (count: number) => Array.from({ length: count }, (_, n) => `http://r${n}`);

  it('are one url or 1 to 16 urls, never both', () => {
    expect(versionSchema.parse({ url: 'http://a' }).urls).toEqual(['http://a']);
    expect(versionSchema.parse({ urls: urls(16) }).urls).toEqual(urls(16));
    expect(versionSchema.safeParse({ urls: urls(17) }).success).toBe(false);
    expect(versionSchema.safeParse({ urls: [] }).success).toBe(false);
    expect(versionSchema.safeParse({ url: 'http://a', urls: urls(1) }).success).toBe(false);
    expect(versionSchema.safeParse({}).error?.issues[0]).toMatchObject({
      ...{ path: ['url'], message: 'either url or urls' },
    });
  });

  it.each([0, 1.5, -1, 8_193, '5'])('may not have %j calls under way', (maxConcurrency) => {
    expect(versionSchema.safeParse({ url: 'http://a', maxConcurrency }).success).toBe(false);
  });

  it('have no cap of their own unless one is given', () => {
    expect(versionSchema.parse({ url: 'http://a' }).maxConcurrency).toBe(null);
    expect(versionSchema.parse({ url: 'http://a', maxConcurrency: 8_192 }).maxConcurrency).toBe(
      8_192,
    );
  });
});

describe('names', () => {
  it.each(['a', 'spam', 'v1.2_3-b', '0', 'x'.repeat(63), 'constructor'])('may be %s', (name) => {
    expect(nameSchema.safeParse(name).success).toBe(true);
  });

  it.each(['', 'A', '.a', '-a', '_a', 'a/b', 'a b', 'ä', 'x'.repeat(64), '__proto__', '..'])(
    'may not be %j',
    (name) => expect(nameSchema.safeParse(name).success).toBe(false),
  );
});

describe('a champion chosen by hand', () => {
  it('needs a reason', () => {
    expect(championSchema.safeParse({ version: 'v1', reason: 'faster' }).success).toBe(true);
    expect(championSchema.safeParse({ version: 'v1', reason: '  ' }).success).toBe(false);
    expect(championSchema.safeParse({ version: 'v1' }).success).toBe(false);
  });
});
