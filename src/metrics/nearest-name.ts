/** Names are at most 63 characters; longer texts are cut so that a comparison stays cheap. */
const COMPARED = 64;

/** Levenshtein distance of two texts (first 64 characters), one row at a time. */
function distance(left: string, right: string): number {
  const b = right.slice(0, COMPARED);
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, char] of Array.from(left.slice(0, COMPARED)).entries()) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j += 1) {
      const swap = (row[j] ?? 0) + (b[j] === char ? 0 : 1);
      next.push(Math.min(swap, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** The known name that a mistyped one most likely meant; null when none is within half its length. */
export function nearestName(given: string, known: readonly string[]): string | null {
  let best: { readonly name: string; readonly steps: number } | null = null;
  for (const name of known) {
    const steps = distance(given, name);
    if (best === null || steps < best.steps) best = { name, steps };
  }
  return best !== null && best.steps <= Math.max(1, given.length / 2) ? best.name : null;
}
