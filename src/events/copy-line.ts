import { isUuidV7, uuidV7TimeMs } from '../kernel/ids.js';
import type { Exposure, Mirror, MirrorSide, Prediction } from './event.js';
import { MAX_UNIT_KEY_LENGTH, storableText, unitKeyOf } from './unit-key.js';

/** Columns of an exposure line, in order; the shipper hands them to COPY. `x` is left to its default. */
export const EXPOSURE_COLUMNS =
  'day, unit_key, request_id, at, model, experiment_id, epoch, phase, variant, version, config_version';

/** Columns of a prediction line, in order. */
export const PREDICTION_COLUMNS =
  'day, unit_key, request_id, at, model, experiment_id, epoch, phase, variant, assigned_version, served_version, ' +
  'reason, status, error, timeout, fallback, latency_ms, attempts, captured, config_version';

/** Columns of a mirror line, in order. */
export const MIRROR_COLUMNS =
  'day, unit_key, request_id, experiment_id, variant, at, model, epoch, phase, version, drop_reason, ' +
  'primary_status, primary_error, primary_timeout, primary_latency_ms, primary_captured, ' +
  'shadow_status, shadow_error, shadow_timeout, shadow_latency_ms, shadow_captured, config_version';

const DAY_MS = 86_400_000;
const MAX_DAY = 0xffff; // 2149-06-06: what a block header can say
const SPECIAL = /[\\\t\n\r\0\uD800-\uDFFF]/;
const SPECIAL_EACH = /[\\\t\n\r]/g;
const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\t': '\\t',
  '\n': '\\n',
  '\r': '\\r',
};

/**
 * A text as a field of PostgreSQL's COPY text format (https://www.postgresql.org/docs/current/sql-copy.html, "Text
 * Format"): backslash, tab, newline and carriage return escaped, so neither `\N` nor `\.` can be forged; what
 * PostgreSQL cannot hold (NUL, lone surrogates) becomes U+FFFD.
 */
export function copyText(text: string): string {
  if (!SPECIAL.test(text)) return text;
  return storableText(text).replace(SPECIAL_EACH, (one) => ESCAPES[one] ?? one);
}

/**
 * The UTC day of an event as days since 1970: from the time in its UUIDv7, so that a retry can never land in another
 * partition; from `atMs` when the id is none. In [0, 65535], whatever comes in.
 */
export function eventDay(requestId: string, atMs: number): number {
  const timeMs = isUuidV7(requestId) ? uuidV7TimeMs(requestId) : atMs;
  const day = Math.floor(timeMs / DAY_MS);
  return day >= 0 && day <= MAX_DAY ? day : 0;
}

/** `YYYY-MM-DD` of a number of days since 1970 in [0, 65535]. */
export function dayText(day: number): string {
  if (day !== cachedDay) {
    cachedDayText = new Date(day * DAY_MS).toISOString().slice(0, 10);
    cachedDay = day;
  }
  return cachedDayText;
}

/** One exposure as a COPY line ending in a newline; `day` from {@link eventDay}. */
export function exposureLine(e: Exposure, day: number): string {
  return `${dayText(day)}\t${unitText(e.unitKey)}\t${e.requestId}\t${timeText(e.atMs)}\t${copyText(
    e.model,
  )}\t${e.experimentId}\t${e.epoch}\t${e.phase}\t${copyText(e.variant)}\t${copyText(e.version)}\t${e.configVersion}\n`;
}

/** One prediction as a COPY line ending in a newline; `day` from {@link eventDay}. */
export function predictionLine(p: Prediction, day: number): string {
  const variant = p.variant === null ? '\\N' : copyText(p.variant);
  return (
    `${dayText(day)}\t${unitText(p.unitKey)}\t${p.requestId}\t${timeText(p.atMs)}\t${copyText(p.model)}\t` +
    `${p.experimentId ?? '\\N'}\t${p.epoch ?? '\\N'}\t${p.phase ?? '\\N'}\t${variant}\t` +
    `${copyText(p.assignedVersion)}\t${copyText(p.servedVersion)}\t${copyText(p.reason)}\t${p.status}\t` +
    `${flag(p.error)}\t${flag(p.timeout)}\t${flag(p.fallback)}\t${p.latencyMs}\t${p.attempts}\t${capturedText(p.captured)}\t` +
    `${p.configVersion}\n`
  );
}

/** One mirrored request as a COPY line ending in a newline; `day` from {@link eventDay}. */
export function mirrorLine(m: Mirror, day: number): string {
  return (
    `${dayText(day)}\t${unitText(m.unitKey)}\t${m.requestId}\t${m.experimentId}\t${copyText(m.variant)}\t` +
    `${timeText(m.atMs)}\t${copyText(m.model)}\t${m.epoch}\t${m.phase}\t${copyText(m.version)}\t` +
    `${m.drop ?? '\\N'}\t${sideText(m.primary)}\t${m.shadow === null ? NO_SIDE : sideText(m.shadow)}\t` +
    `${m.configVersion}\n`
  );
}

const NO_SIDE = '\\N\t\\N\t\\N\t\\N\t\\N';

function sideText(side: MirrorSide): string {
  return `${side.status}\t${flag(side.error)}\t${flag(side.timeout)}\t${side.latencyMs}\t${capturedText(side.captured)}`;
}

// Two values that repeat from line to line (the day, the second) are kept: toISOString costs about as much as the
// whole rest of a line. Pure all the same: nothing but the argument decides what comes out.
let cachedDay = -1;
let cachedDayText = '';
let cachedSecond = Number.NaN;
let cachedSecondText = '';
const MILLISECONDS = Array.from({ length: 1000 }, (_, ms) => `.${String(ms).padStart(3, '0')}Z`);

function timeText(atMs: number): string {
  const wholeMs = Math.floor(atMs);
  const second = Math.floor(wholeMs / 1000);
  if (second !== cachedSecond) {
    if (!(Math.abs(second) < 8.64e12)) return '\\N';
    cachedSecondText = new Date(second * 1000).toISOString().slice(0, -5);
    cachedSecond = second;
  }
  return cachedSecondText + (MILLISECONDS[wholeMs - second * 1000] ?? '.000Z');
}

function unitText(unit: string): string {
  return copyText(unit.length > MAX_UNIT_KEY_LENGTH ? unitKeyOf(unit) : unit);
}

function flag(value: boolean): string {
  return value ? 't' : 'f';
}

/** jsonb refuses what text refuses (`\u0000`, lone surrogates), also when it is escaped: clean before stringifying. */
function capturedText(captured: Prediction['captured']): string {
  if (captured === null) return '\\N';
  const json = JSON.stringify(captured);
  if (!json.includes('\\u')) return copyText(json);
  const clean = Object.entries(captured).map(([name, value]) => [
    storableText(name),
    typeof value === 'string' ? storableText(value) : value,
  ]);
  return copyText(JSON.stringify(Object.fromEntries(clean)));
}
