/** Names are at most 63 characters; longer texts are cut so that a comparison stays cheap. */
const COMPARED = 64;

/** The known name that a mistyped one most likely meant; null when none is within half its length. */
export function nearestName(given: string, known: readonly string[]): string | null {
  let best: { readonly name: string; readonly steps: number } | null = null;
  for (const name of known) {
    const steps = distance(given.slice(0, COMPARED), name.slice(0, COMPARED));
    if (best === null || steps < best.steps) best = { name, steps };
  }
  return best !== null && best.steps <= Math.max(1, given.length / 2) ? best.name : null;
}

/** Levenshtein (1966) distance of two texts, one row at a time. */
function distance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 0; i < left.length; i += 1) {
    const next = [i + 1];
    for (let j = 0; j < right.length; j += 1) {
      const swap = (row[j] ?? 0) + (left[i] === right[j] ? 0 : 1);
      next.push(Math.min(swap, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[right.length] ?? 0;
}
