/** Longer texts are no versions: what is compared for every request is bounded. */
export const MAX_SEMVER_LENGTH = 128;

const DOT = 0x2e;
const HYPHEN = 0x2d;
const PLUS = 0x2b;

/** Whether a text is a semantic version (SemVer 2.0.0, sections 2, 9 and 10), at most 128 characters long. */
export function isSemver(text: string): boolean {
  if (text.length > MAX_SEMVER_LENGTH) return false;
  let at = 0;
  for (let part = 0; part < 3; part++) {
    if (part > 0 && text.charCodeAt(at++) !== DOT) return false;
    const end = digitsEnd(text, at);
    if (end === at || hasLeadingZero(text, at, end)) return false;
    at = end;
  }
  if (text.charCodeAt(at) === HYPHEN) {
    at = identifiersEnd(text, at + 1, true);
    if (at < 0) return false;
  }
  if (text.charCodeAt(at) === PLUS) {
    at = identifiersEnd(text, at + 1, false);
    if (at < 0) return false;
  }
  return at === text.length;
}

/**
 * Precedence of two semantic versions (SemVer 2.0.0, section 11): major, minor and patch as numbers of any length,
 * then a version with pre-release identifiers before the one without, then those identifiers one by one: numeric
 * ones as numbers and before others, others in ASCII order, and fewer before more. Build metadata does not count.
 *
 * @param a a text for which `isSemver` holds, like `b`
 * @returns negative when a precedes b, 0 when neither precedes, positive when b precedes a
 */
export function compareSemver(a: string, b: string): number {
  const endA = withoutBuild(a);
  const endB = withoutBuild(b);
  let atA = 0;
  let atB = 0;
  for (let part = 0; part < 3; part++) {
    const toA = digitsEnd(a, atA);
    const toB = digitsEnd(b, atB);
    const order = compareNumbers({ text: a, from: atA, to: toA }, { text: b, from: atB, to: toB });
    if (order !== 0) return order;
    // over the dot, or over the hyphen in front of the pre-release
    atA = toA + 1;
    atB = toB + 1;
  }
  if (atA > endA || atB > endB) return Number(atA > endA) - Number(atB > endB);
  return comparePreRelease(a.slice(atA, endA), b.slice(atB, endB));
}

interface Stretch {
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

function comparePreRelease(a: string, b: string): number {
  let atA = 0;
  let atB = 0;
  while (atA <= a.length && atB <= b.length) {
    const toA = identifierEnd(a, atA);
    const toB = identifierEnd(b, atB);
    const order = compareIdentifiers(
      { text: a, from: atA, to: toA },
      { text: b, from: atB, to: toB },
    );
    if (order !== 0) return order;
    atA = toA + 1;
    atB = toB + 1;
  }
  return Number(atA <= a.length) - Number(atB <= b.length);
}

function compareIdentifiers(a: Stretch, b: Stretch): number {
  const isNumberA = isNumeric(a.text, a.from, a.to);
  const isNumberB = isNumeric(b.text, b.from, b.to);
  if (isNumberA && isNumberB) return compareNumbers(a, b);
  if (isNumberA !== isNumberB) return isNumberA ? -1 : 1;
  return compareTexts(a, b);
}

/** Digits without leading zeros: the longer number is the larger one. */
function compareNumbers(a: Stretch, b: Stretch): number {
  const byLength = a.to - a.from - (b.to - b.from);
  return byLength === 0 ? compareTexts(a, b) : byLength;
}

function compareTexts(a: Stretch, b: Stretch): number {
  const length = Math.min(a.to - a.from, b.to - b.from);
  for (let i = 0; i < length; i++) {
    const order = a.text.charCodeAt(a.from + i) - b.text.charCodeAt(b.from + i);
    if (order !== 0) return order;
  }
  return a.to - a.from - (b.to - b.from);
}

/** Where dot-separated identifiers from `at` on end; -1 when one is empty, or numeric with a leading zero. */
function identifiersEnd(text: string, at: number, refuseZeros: boolean): number {
  let from = at;
  for (;;) {
    const to = identifierEnd(text, from);
    if (to === from) return -1;
    if (refuseZeros && isNumeric(text, from, to) && hasLeadingZero(text, from, to)) return -1;
    if (text.charCodeAt(to) !== DOT) return to;
    from = to + 1;
  }
}

function identifierEnd(text: string, from: number): number {
  let at = from;
  while (at < text.length && isIdentifierCode(text.charCodeAt(at))) at++;
  return at;
}

function digitsEnd(text: string, from: number): number {
  let at = from;
  while (at < text.length && isDigit(text.charCodeAt(at))) at++;
  return at;
}

function withoutBuild(text: string): number {
  const plus = text.indexOf('+');
  return plus < 0 ? text.length : plus;
}

function isNumeric(text: string, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (!isDigit(text.charCodeAt(at))) return false;
  return to > from;
}

function hasLeadingZero(text: string, from: number, to: number): boolean {
  return to - from > 1 && text.charCodeAt(from) === 0x30;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function isIdentifierCode(code: number): boolean {
  return (
    isDigit(code) ||
    code === HYPHEN ||
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0x61 && code <= 0x7a)
  );
}
