/** The first 48 bits are milliseconds since 1970 (RFC 9562 §5.7), so an id carries its own day. */
export type RequestId = string & { readonly __brand: 'RequestId' };

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/**
 * A UUIDv7 (RFC 9562 §5.7) from a time and ten random bytes; both are arguments so that it stays pure.
 *
 * @param nowMs milliseconds since 1970, an integer in [0, 2^48)
 * @param random at least ten random bytes; the version and variant bits in them are overwritten
 */
export function uuidV7(nowMs: number, random: Uint8Array): RequestId {
  const at = (index: number): number => random[index] ?? 0;
  const hex = (byte: number): string => HEX[byte & 0xff] ?? '';
  const high = Math.floor(nowMs / 0x1_0000_0000);
  const low = nowMs >>> 0;
  return (hex(high >>> 8) +
    hex(high) +
    hex(low >>> 24) +
    hex(low >>> 16) +
    '-' +
    hex(low >>> 8) +
    hex(low) +
    '-' +
    hex(0x70 | (at(0) & 0x0f)) +
    hex(at(1)) +
    '-' +
    hex(0x80 | (at(2) & 0x3f)) +
    hex(at(3)) +
    '-' +
    hex(at(4)) +
    hex(at(5)) +
    hex(at(6)) +
    hex(at(7)) +
    hex(at(8)) +
    hex(at(9))) as RequestId;
}

/** True for a lower-case UUIDv7. */
export function isUuidV7(text: string): text is RequestId {
  return UUID_V7.test(text);
}

/** Milliseconds since 1970 that a UUIDv7 carries. */
export function uuidV7TimeMs(id: RequestId): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

/** The UTC day (`YYYY-MM-DD`) of a UUIDv7: the partition that its events live in, whenever they arrive. */
export function uuidV7Day(id: RequestId): string {
  return new Date(uuidV7TimeMs(id)).toISOString().slice(0, 10);
}
