import { describe, expect, it } from 'vitest';
import { compareSemver, isSemver, MAX_SEMVER_LENGTH } from '../../../src/routing/semver.js';

// In the order of precedence: the examples of SemVer 2.0.0, section 11, and what lies between them.
const ASCENDING = [
  '0.0.0-0',
  '0.0.0',
  '0.9.0',
  '1.0.0-0',
  '1.0.0-2',
  '1.0.0-11',
  '1.0.0--',
  '1.0.0-A',
  '1.0.0-alpha',
  '1.0.0-alpha.1',
  '1.0.0-alpha.1.0',
  '1.0.0-alpha.beta',
  '1.0.0-alpha-1',
  '1.0.0-beta',
  '1.0.0-beta.2',
  '1.0.0-beta.11',
  '1.0.0-rc.1',
  '1.0.0',
  '1.0.1',
  '1.2.0',
  '1.10.0',
  '2.0.0',
  '2.1.0',
  '2.1.1',
  '10.0.0',
  '9007199254740993.0.0',
  '9007199254740994.0.0',
  '123456789012345678901234567890.0.0',
];

describe('a semantic version', () => {
  it.each(['1.2.3', '0.0.0', '1.0.0-rc.1', '1.0.0-0A.is.legal', '1.0.0+20130313144700', '1.0.0--'])(
    'is %s',
    (text) => {
      expect(isSemver(text)).toBe(true);
    },
  );

  it.each([
    '',
    '1',
    '1.2',
    '1.2.3.4',
    'v1.2.3',
    '01.2.3',
    '1.02.3',
    '1.2.03',
    '1.2.3-',
    '1.2.3-01',
    '1.2.3-a..b',
    '1.2.3-a.',
    '1.2.3+',
    '1.2.3+a..b',
    '1.2.3+a+b',
    '1.2.3 ',
    ' 1.2.3',
    '1.2.x',
    '1.2.3-é',
    '-1.2.3',
  ])('is not %j', (text) => {
    expect(isSemver(text)).toBe(false);
  });

  it('may have zeros in front of build identifiers, which are not compared', () => {
    expect(isSemver('1.0.0+001')).toBe(true);
    expect(compareSemver('1.0.0+001', '1.0.0+exp.sha.5114f85')).toBe(0);
    expect(compareSemver('1.0.0-rc.1+5', '1.0.0-rc.1')).toBe(0);
  });

  it('has at most 128 characters', () => {
    const longest = `1.2.3-${'a'.repeat(MAX_SEMVER_LENGTH - 6)}`;
    expect(isSemver(longest)).toBe(true);
    expect(isSemver(`${longest}a`)).toBe(false);
  });

  it('comes before another one by the precedence of SemVer 2.0.0', () => {
    for (const [i, a] of ASCENDING.entries()) {
      expect(isSemver(a), a).toBe(true);
      for (const [j, b] of ASCENDING.entries()) {
        expect(Math.sign(compareSemver(a, b)), `${a} ${b}`).toBe(Math.sign(i - j));
      }
    }
  });
});
