import { describe, expect, it } from 'vitest';
import { parseJsonBody } from '../../../src/app/json-body.js';
import { jsonDepth, MAX_JSON_DEPTH } from '../../../src/kernel/json-depth.js';

const parse = (text: string): unknown => parseJsonBody(Buffer.from(text));
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

describe('a JSON body', () => {
  it('may nest as deep as the limit and no deeper', () => {
    expect(parse(nested(MAX_JSON_DEPTH))).toBeInstanceOf(Array);
    expect(() => parse(nested(MAX_JSON_DEPTH + 1))).toThrow(/nests deeper than 32 levels/);
    expect(() => parse(`${'{"a":'.repeat(33)}1${'}'.repeat(33)}`)).toThrow(/nests deeper/);
  });

  it('that nests 100,000 deep is refused without being parsed', () => {
    const startedMs = performance.now();
    expect(() => parse('['.repeat(100_000))).toThrow(/nests deeper/);
    expect(performance.now() - startedMs).toBeLessThan(50);
  });

  it('may hold any brackets within strings', () => {
    const text = JSON.stringify({ a: '['.repeat(1_000), b: `"${'{'.repeat(1_000)}\\` });
    expect(parse(text)).toEqual(JSON.parse(text));
    expect(jsonDepth(text, 5)).toBe(1);
  });

  it('counts the deepest place, not the number of brackets', () => {
    expect(jsonDepth('[[],[],[[]]]')).toBe(3);
    expect(jsonDepth('1')).toBe(0);
  });

  it.each(['', '{', '{"a":}', 'nul', "{'a':1}", '{} {}', '\u0000'])(
    'is refused when it is %j',
    (text) => {
      expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'invalid_input' }));
    },
  );

  it('is refused when it is not UTF-8', () => {
    expect(() => parseJsonBody(Buffer.from([0x22, 0xff, 0x22]))).toThrow(/not UTF-8/);
  });
});
