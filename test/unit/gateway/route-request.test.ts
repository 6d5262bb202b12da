import { describe, expect, it } from 'vitest';
import { climbs, parseTarget } from '../../../src/gateway/route-request.js';

describe('a target', () => {
  it.each([
    ['/models/m', { model: 'm', rest: '' }],
    ['/models/m/', { model: 'm', rest: '/' }],
    ['/models/m?x', { model: 'm', rest: '?x' }],
    ['/models/m.v-1_a/b/c?d=/e', { model: 'm.v-1_a', rest: '/b/c?d=/e' }],
    ['/models/m%20/x', { model: 'm%20', rest: '/x' }],
    ['/models/', null],
    ['/models//x', null],
    ['/models?x', null],
    ['/model/m', null],
    ['/Models/m', null],
    ['/', null],
    ['', null],
  ])('%j is taken apart as %j', (target, expected) => {
    expect(parseTarget(target)).toEqual(expected);
  });

  it.each([
    '/..',
    '/a/../b',
    '/%2e%2e/',
    '/.%2E',
    '/%2E.',
    '/a%2f..',
    '/a%5C..%5cb',
    '/..;x/',
    '\\..\\',
  ])('%s climbs', (rest) => {
    expect(climbs(rest)).toBe(true);
  });

  it.each([
    '',
    '/',
    '/.',
    '/...',
    '/a..',
    '/..a',
    '/a..b/c',
    '?..',
    '/x?/../',
    '/%2e',
    '/a%2e%2eb',
  ])('%s does not climb', (rest) => {
    expect(climbs(rest)).toBe(false);
  });
});
