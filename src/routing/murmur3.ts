const C1 = 0xcc9e2d51;
const C2 = 0x1b873593;
const BUCKETS = 0x1_0000_0000;
const COLON = 0x3a;
const encoder = new TextEncoder();

/**
 * MurmurHash3 x86_32 of the UTF-8 bytes of a text (Appleby, smhasher, MurmurHash3.cpp; public domain).
 * ASCII texts, which nearly all units are, are hashed in place; others are encoded first. A lone surrogate is
 * hashed as U+FFFD, as every UTF-8 encoder writes it.
 *
 * @param seed an integer; its low 32 bits count
 * @returns an integer in [0, 2^32)
 */
export function murmur3(text: string, seed = 0): number {
  const length = text.length;
  const blocks = length & ~3;
  let hash = seed | 0;
  for (let at = 0; at < blocks; at += 4) {
    const a = text.charCodeAt(at);
    const b = text.charCodeAt(at + 1);
    const c = text.charCodeAt(at + 2);
    const d = text.charCodeAt(at + 3);
    if ((a | b | c | d) > 0x7f) return murmur3Bytes(encoder.encode(text), seed);
    hash = mixBlock(hash, a | (b << 8) | (c << 16) | (d << 24));
  }
  let tail = 0;
  for (let at = length - 1; at >= blocks; at--) {
    const unit = text.charCodeAt(at);
    if (unit > 0x7f) return murmur3Bytes(encoder.encode(text), seed);
    tail = (tail << 8) | unit;
  }
  return finish(hash, tail, length);
}

/**
 * The place of a unit on [0, 1): the 32-bit hash of `salt:unit` over 2^32. Two salts give independent places.
 *
 * @param salt without a colon (ours are hex and dots), so that no two (salt, unit) pairs hash the same text
 */
export function bucket(salt: string, unit: string): number {
  return hashOfPair(salt, unit) / BUCKETS;
}

/**
 * `murmur3` of `salt:unit` without joining them: a joined text would be copied before it can be read, a third of the
 * cost, and this runs several times per request.
 */
function hashOfPair(salt: string, unit: string): number {
  let hash = 0;
  let block = 0;
  let bits = 0;
  for (let at = 0; at <= salt.length; at++) {
    const code = at === salt.length ? COLON : salt.charCodeAt(at);
    if (code > 0x7f) return murmur3(`${salt}:${unit}`);
    block |= code << bits;
    bits += 8;
    if (bits === 32) {
      hash = mixBlock(hash, block);
      block = 0;
      bits = 0;
    }
  }
  let at = 0;
  for (; bits > 0 && at < unit.length; at++) {
    const code = unit.charCodeAt(at);
    if (code > 0x7f) return murmur3(`${salt}:${unit}`);
    block |= code << bits;
    bits += 8;
    if (bits === 32) {
      hash = mixBlock(hash, block);
      block = 0;
      bits = 0;
    }
  }
  for (; at + 4 <= unit.length; at += 4) {
    const a = unit.charCodeAt(at);
    const b = unit.charCodeAt(at + 1);
    const c = unit.charCodeAt(at + 2);
    const d = unit.charCodeAt(at + 3);
    if ((a | b | c | d) > 0x7f) return murmur3(`${salt}:${unit}`);
    hash = mixBlock(hash, a | (b << 8) | (c << 16) | (d << 24));
  }
  for (; at < unit.length; at++, bits += 8) {
    const code = unit.charCodeAt(at);
    if (code > 0x7f) return murmur3(`${salt}:${unit}`);
    block |= code << bits;
  }
  return finish(hash, block, salt.length + 1 + unit.length);
}

function murmur3Bytes(bytes: Uint8Array, seed: number): number {
  const length = bytes.length;
  const blocks = length & ~3;
  const at = (index: number): number => bytes[index] ?? 0;
  let hash = seed | 0;
  for (let i = 0; i < blocks; i += 4) {
    hash = mixBlock(hash, at(i) | (at(i + 1) << 8) | (at(i + 2) << 16) | (at(i + 3) << 24));
  }
  let tail = 0;
  for (let i = length - 1; i >= blocks; i--) tail = (tail << 8) | at(i);
  return finish(hash, tail, length);
}

function scramble(block: number): number {
  const k = Math.imul(block, C1);
  return Math.imul((k << 15) | (k >>> 17), C2);
}

function mixBlock(hash: number, block: number): number {
  const h = hash ^ scramble(block);
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}

function finish(hash: number, tail: number, length: number): number {
  // A tail of no bytes is 0 and scrambles to 0, so that it changes nothing.
  let h = hash ^ scramble(tail) ^ length;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
