import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

const PREFIX = 'sl_';
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** 160 bits need ceil(160 / log2 62) = 27 digits, a CRC-32 needs 6. */
const SECRET_DIGITS = 27;
const CHECKSUM_DIGITS = 6;
const SHAPE = new RegExp(`^${PREFIX}[0-9A-Za-z]{${SECRET_DIGITS + CHECKSUM_DIGITS}}$`);

/** Shortest admin key that an operator may bring. */
export const MIN_GIVEN_KEY_LENGTH = 20;
/** Longest text that is looked at as a key: hashing is not offered to strangers by the megabyte. */
export const MAX_KEY_LENGTH = 256;
/** Characters of a key that a list shows, enough to recognise it and far too few to guess it. */
const SHOWN_LENGTH = 8;

function base62(value: bigint, digits: number): string {
  let text = '';
  let rest = value;
  for (let digit = 0; digit < digits; digit += 1) {
    text = ALPHABET.charAt(Number(rest % 62n)) + text;
    rest /= 62n;
  }
  return text;
}

function checksum(secret: string): string {
  return base62(BigInt(crc32(secret)), CHECKSUM_DIGITS);
}

/** A new key: prefix for secret scanners, 160 random bits, checksum. */
export function newKey(): string {
  const secret = base62(BigInt(`0x${randomBytes(20).toString('hex')}`), SECRET_DIGITS);
  return PREFIX + secret + checksum(secret);
}

/** False for a text that cannot be a key (mistyped, cut, over-long), so that it costs no query. */
export function isPlausibleKey(key: string): boolean {
  if (key.length < MIN_GIVEN_KEY_LENGTH || key.length > MAX_KEY_LENGTH) return false;
  if (!SHAPE.test(key)) return true; // an operator's own admin key has any shape
  const secret = key.slice(PREFIX.length, PREFIX.length + SECRET_DIGITS);
  return checksum(secret) === key.slice(PREFIX.length + SECRET_DIGITS);
}

/** The part of a key that may be shown again. */
export function shownPrefix(key: string): string {
  return SHAPE.test(key) ? key.slice(0, SHOWN_LENGTH) : key.slice(0, 3);
}
