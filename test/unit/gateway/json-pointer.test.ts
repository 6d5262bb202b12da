import { describe, expect, it } from 'vitest';
import { pointerTokens, valueAt } from '../../../src/gateway/json-pointer.js';

// RFC 6901 §5, the document and every pointer of it.
const DOCUMENT = {
  foo: ['bar', 'baz'],
  '': 0,
  'a/b': 1,
  'c%d': 2,
  'e^f': 3,
  'g|h': 4,
  'i\\j': 5,
  'k"l': 6,
  ' ': 7,
  'm~n': 8,
};

describe('a JSON pointer', () => {
  it.each([
    ['', DOCUMENT],
    ['/foo', ['bar', 'baz']],
    ['/foo/0', 'bar'],
    ['/', 0],
    ['/a~1b', 1],
    ['/c%d', 2],
    ['/e^f', 3],
    ['/g|h', 4],
    ['/i\\j', 5],
    ['/k"l', 6],
    ['/ ', 7],
    ['/m~0n', 8],
  ])('%j finds %j (RFC 6901, section 5)', (pointer, value) => {
    expect(valueAt(DOCUMENT, pointerTokens(pointer))).toEqual(value);
  });

  it.each([
    '/nope',
    '/foo/2',
    '/foo/-',
    '/foo/01',
    '/foo/1e0',
    '/foo/length',
    '/a~1b/x',
    '/toString',
  ])('%j finds nothing', (pointer) => {
    expect(valueAt(DOCUMENT, pointerTokens(pointer))).toBeUndefined();
  });

  it('finds nothing in what is no document', () => {
    for (const document of [undefined, null, 1, 'text']) {
      expect(valueAt(document, pointerTokens('/a'))).toBeUndefined();
    }
  });

  it('unescapes ~01 as ~1, not as a slash', () => {
    expect(valueAt({ '~1': 'x' }, pointerTokens('/~01'))).toBe('x');
  });
});
