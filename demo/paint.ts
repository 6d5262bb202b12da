export type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'cyan';

const CODES: Readonly<Record<Style, number>> = {
  bold: 1,
  dim: 2,
  red: 31,
  green: 32,
  yellow: 33,
  cyan: 36,
};

/** Colours a text, or leaves it alone where colours are unwanted. */
export type Paint = (style: Style, text: string) => string;

export function paintWith(isColoured: boolean): Paint {
  return (style, text) => (isColoured ? `\u001b[${CODES[style]}m${text}\u001b[0m` : text);
}

// eslint-disable-next-line no-control-regex -- colours are control characters
const ESCAPE_SEQUENCE = /(\u001b\[[0-9;?]*[a-zA-Z])/g;

/** Columns that a text takes on the screen. */
export function visibleLength(text: string): number {
  return text.replace(ESCAPE_SEQUENCE, '').length;
}

/** Fills up with blanks on the right, however many colours the text has. */
export function padded(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - visibleLength(text)));
}

/** Cuts what a line has no room for, keeping every colour code, so that nothing wraps. */
export function clipped(line: string, columns: number): string {
  let room = columns;
  let result = '';
  for (const piece of line.split(ESCAPE_SEQUENCE)) {
    const isCode = piece.startsWith('\u001b');
    result += isCode ? piece : piece.slice(0, room);
    if (!isCode) room = Math.max(0, room - piece.length);
  }
  return result;
}

/** A share as progress bar. */
export function progressBar(share: number, columns: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * columns);
  return '█'.repeat(full) + '░'.repeat(columns - full);
}

export interface Bar {
  readonly lower: number;
  readonly upper: number;
  readonly estimate: number;
  /** Where harm begins to matter; null: no margin. */
  readonly margin: number | null;
  /** The bar reaches from -reach to +reach. */
  readonly reach: number;
}

/**
 * An interval drawn to scale: `│` is zero, `┊` the margin, `├─●─┤` the interval; an end beyond the reach is `←` or `→`.
 *
 * @param columns odd, so that zero has a column
 */
export function intervalBar(bar: Bar, columns: number): string {
  const half = (columns - 1) / 2;
  const column = (value: number): number =>
    half + Math.round(Math.max(-1, Math.min(1, value / bar.reach)) * half);
  const cells = Array.from({ length: columns }, () => ' ');
  cells[half] = '│';
  if (bar.margin !== null && Math.abs(bar.margin) <= bar.reach) cells[column(bar.margin)] = '┊';
  const from = column(bar.lower);
  const to = column(bar.upper);
  for (let index = from; index <= to; index += 1) {
    if (cells[index] === ' ') cells[index] = '─';
  }
  cells[from] = bar.lower < -bar.reach ? '←' : '├';
  cells[to] = bar.upper > bar.reach ? '→' : '┤';
  cells[column(bar.estimate)] = '●';
  return cells.join('');
}

/** 0.0123 → `1.2 %`. */
export function percent(value: number | null, digits = 1): string {
  return value === null ? '–' : `${(value * 100).toFixed(digits)} %`;
}

/** A relative change: -0.85 → `−85.0 %`. */
export function signedPercent(value: number): string {
  return `${signed(value)} %`;
}

/** A difference of two shares, in percentage points: -0.098 → `−9.8 pp`. */
export function points(value: number): string {
  return `${signed(value)} pp`;
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${(Math.abs(value) * 100).toFixed(1)}`;
}

/** 75 → `1:15`. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}
