import { randomFillSync } from 'node:crypto';
import { uuidV7, type RequestId } from '../kernel/ids.js';

const BYTES_PER_ID = 10;
/** Random bytes are drawn for this many ids at a time: one draw costs as much as fifty ids. */
const IDS_PER_DRAW = 1024;

/** Makes request ids: UUIDv7, so that an id carries the day that its events live in. */
export class RequestIds {
  readonly #pool = Buffer.allocUnsafe(BYTES_PER_ID * IDS_PER_DRAW);
  #next = this.#pool.length;

  make(nowMs: number): RequestId {
    if (this.#next === this.#pool.length) {
      randomFillSync(this.#pool);
      this.#next = 0;
    }
    const random = this.#pool.subarray(this.#next, this.#next + BYTES_PER_ID);
    this.#next += BYTES_PER_ID;
    return uuidV7(nowMs, random);
  }
}
