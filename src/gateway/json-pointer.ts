/** The reference tokens of an RFC 6901 JSON pointer, unescaped; `''` (the whole document) has none. */
export type PointerTokens = readonly string[];

/** Tokens of a pointer that its contract has checked. */
export function pointerTokens(pointer: string): PointerTokens {
  if (pointer === '') return [];
  return pointer
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The value at a pointer, or undefined where the document has none. Only own properties and array items count. */
export function valueAt(document: unknown, tokens: PointerTokens): unknown {
  let value = document;
  for (const token of tokens) {
    if (typeof value !== 'object' || value === null) return undefined;
    if (Array.isArray(value)) {
      if (!/^(?:0|[1-9]\d*)$/.test(token)) return undefined;
      value = value[Number(token)];
    } else {
      if (!Object.hasOwn(value, token)) return undefined;
      value = (value as Record<string, unknown>)[token];
    }
  }
  return value;
}
