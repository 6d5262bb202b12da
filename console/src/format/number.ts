/** How the values of a metric are read. */
export type Unit = 'share' | 'milliseconds' | 'plain';

export const MINUS = '\u2212';
const NARROW = '\u202f';
const DASH = '\u2013';

/** Below this a p-value is only said to be below it: more digits are no more evidence. */
const SMALLEST_P = 0.0001;
const LARGEST_P = 0.999;

/** Digits that carry information in a table of estimates. */
const SIGNIFICANT = 3;
const MAX_DECIMALS = 6;

/** A whole number with thin spaces between thousands. */
export function count(value: number): string {
  return grouped(Math.round(value).toString());
}

/** `p < 0.0001`, `p = 0.0163`, `p > 0.999`: never `p = 0` and never rounded up to 1. */
export function pValue(p: number | null): string {
  if (p === null) return DASH;
  if (p < SMALLEST_P) return 'p < 0.0001';
  if (p === 1) return 'p = 1';
  if (p > LARGEST_P) return 'p > 0.999';
  return `p = ${plain(p)}`;
}

/** A level or a probability as it is written in a protocol: `0.05`, `0.025`, `0.0083`. */
export function level(value: number): string {
  return trimmed(significant(value, SIGNIFICANT));
}

/** A share as a percentage: `12.0 %`, `0.857 %`, `0 %`. */
export function percent(share: number | null): string {
  return share === null ? DASH : `${plain(share * 100)}${NARROW}%`;
}

/** A coverage or a confidence level: no digits that were not given. */
export function roundPercent(share: number): string {
  return `${trimmed(significant(share * 100, 4))}${NARROW}%`;
}

/** The value of a metric in its unit. */
export function value(given: number | null, unit: Unit): string {
  if (given === null) return DASH;
  switch (unit) {
    case 'share':
      return percent(given);
    case 'milliseconds':
      return `${plain(given)}${NARROW}ms`;
    case 'plain':
      return plain(given);
  }
}

/** A difference with its sign; shares differ by percentage points. */
export function difference(given: number | null, unit: Unit): string {
  if (given === null) return DASH;
  const scaled = unit === 'share' ? given * 100 : given;
  const suffix = unit === 'share' ? 'pp' : unit === 'milliseconds' ? 'ms' : '';
  const text = signed(scaled);
  return suffix === '' ? text : `${text}${NARROW}${suffix}`;
}

/** A relative change with its sign: `+4.2 %`. */
export function lift(given: number | null): string {
  return given === null ? DASH : `${signed(given * 100)}${NARROW}%`;
}

/** Three significant digits, a true minus sign, thin spaces between thousands, an exponent only when it helps. */
export function plain(given: number): string {
  if (!Number.isFinite(given)) return given > 0 ? '∞' : `${MINUS}∞`;
  const text = significant(Math.abs(given), SIGNIFICANT);
  return given < 0 && Number(text.replace('e', 'E')) !== 0
    ? `${MINUS}${grouped(text)}`
    : grouped(text);
}

/** A round number on an axis, in the unit of its metric: `+10 pp`, `0.5 %`, `20 ms`. */
export function tick(given: number, unit: Unit, isDifference: boolean): string {
  const scaled = unit === 'share' ? given * 100 : given;
  // ticks are multiples of 1, 2 or 5: what lies behind the twelfth digit is arithmetic
  const text = grouped(String(Number(Math.abs(scaled).toPrecision(12))));
  const sign = scaled < 0 ? MINUS : isDifference && scaled > 0 ? '+' : '';
  const suffix =
    unit === 'share' ? (isDifference ? 'pp' : '%') : unit === 'milliseconds' ? 'ms' : '';
  return suffix === '' || scaled === 0 ? `${sign}${text}` : `${sign}${text}${NARROW}${suffix}`;
}

function signed(given: number): string {
  const text = plain(given);
  return given > 0 ? `+${text}` : text;
}

function significant(size: number, digits: number): string {
  if (size === 0) return '0';
  const magnitude = Math.floor(Math.log10(Number(size.toPrecision(digits))));
  if (magnitude < digits - 1 - MAX_DECIMALS || magnitude >= 15) {
    return size
      .toExponential(digits - 1)
      .replace('e-', `e${MINUS}`)
      .replace('e+', 'e');
  }
  return size.toFixed(Math.max(0, digits - 1 - magnitude));
}

function trimmed(text: string): string {
  return text.includes('.') && !text.includes('e') ? text.replace(/\.?0+$/, '') : text;
}

function grouped(text: string): string {
  const [whole = '', ...rest] = text.split('.');
  if (whole.length <= 4 || whole.includes('e')) return text;
  return [whole.replaceAll(/\B(?=(\d{3})+$)/g, NARROW), ...rest].join('.');
}
