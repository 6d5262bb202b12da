const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A span in its largest unit that keeps it readable: `12 s`, `4 min`, `3.5 h`, `9 days`. */
export function span(ms: number): string {
  const size = Math.max(0, ms);
  if (size < 2 * MINUTE) return `${Math.round(size / SECOND)} s`;
  if (size < 2 * HOUR) return `${Math.round(size / MINUTE)} min`;
  if (size < 2 * DAY) return `${trimmed(size / HOUR)} h`;
  return `${trimmed(size / DAY)} days`;
}

/** How long ago, for people: `just now`, `4 min ago`. */
export function ago(atMs: number, nowMs: number): string {
  const ms = nowMs - atMs;
  return ms < 5 * SECOND ? 'just now' : `${span(ms)} ago`;
}

/** The moment itself in the reader's own zone, with seconds: decisions are that close together. */
export function moment(atMs: number): string {
  return new Date(atMs).toLocaleString(undefined, {
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  });
}

/** The time of day alone. */
export function clock(atMs: number): string {
  return new Date(atMs).toLocaleTimeString(undefined, {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  });
}

function trimmed(value: number): string {
  return value.toFixed(1).replace(/\.0$/, '');
}
