/** Longer bodies add little to a decision and would make one mail hold the server for everybody else. */
const MAX_BODY_CHARS = 60_000;
const WORD = /[a-z$!%#][a-z0-9$!%'-]{1,24}|!+|\$+/g;

/** Lower-case words of a text; money and exclamation marks are words of their own. */
export function wordsOf(text: string): readonly string[] {
  return text.slice(0, MAX_BODY_CHARS).toLowerCase().match(WORD) ?? [];
}
