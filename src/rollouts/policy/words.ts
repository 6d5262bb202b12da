/**
 * A number for a sentence: four significant digits, no exponent for everyday sizes.
 *
 * @param value any number; non-finite values are written as words
 */
export function inWords(value: number | null): string {
  if (value === null) return 'unknown';
  if (!Number.isFinite(value))
    return value > 0 ? 'infinity' : value < 0 ? '-infinity' : 'undefined';
  const size = Math.abs(value);
  if (value === 0 || (size >= 1e-4 && size < 1e7)) return String(Number(value.toPrecision(4)));
  return value.toExponential(2);
}

/** A p-value as statisticians write it: never `0`. */
export function pInWords(value: number): string {
  if (value < 1e-300) return 'p < 1e-300';
  return value < 1e-4
    ? `p = ${value.toExponential(1)}`
    : `p = ${String(Number(value.toPrecision(3)))}`;
}

/** A duration in the largest unit that keeps it readable. */
export function durationInWords(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 120) return `${inWords(Math.round(seconds))} s`;
  if (seconds < 7200) return `${inWords(Math.round(seconds / 60))} min`;
  if (seconds < 172_800) return `${inWords(Math.round(seconds / 360) / 10)} h`;
  return `${inWords(Math.round(seconds / 8640) / 10)} days`;
}
