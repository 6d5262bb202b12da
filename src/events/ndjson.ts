import { isUtf8 } from 'node:buffer';

/** A valid outcome of 8,192 escaped characters fits; what is longer is skipped, not held. */
export const MAX_LINE_BYTES = 64 * 1024;

/** A line without its end, or why it is none. */
export type Line = string | { readonly defect: string };

const TOO_LONG: Line = { defect: `the line is longer than ${MAX_LINE_BYTES} bytes` };
const NOT_UTF8: Line = { defect: 'the line is not UTF-8' };
const NEWLINE = 0x0a;

/**
 * Cuts bytes that come in pieces into lines, whatever the pieces are; blank lines are left out. Holds at most one line
 * that is not over.
 */
export class LineSplitter {
  #carried: Buffer[] = [];
  #carriedBytes = 0;
  #isSkipping = false;

  /** The lines that end in this piece. */
  push(piece: Buffer): readonly Line[] {
    const last = piece.lastIndexOf(NEWLINE);
    if (last < 0) {
      this.#carry(piece);
      return [];
    }
    const lines = this.#linesOf(piece.subarray(0, last));
    this.#carry(piece.subarray(last + 1));
    return lines;
  }

  /** The last line, if the bytes did not end with a newline. */
  end(): readonly Line[] {
    return this.#linesOf(Buffer.alloc(0));
  }

  /** Lines of what was carried and `rest`, which ends where a newline was. */
  #linesOf(rest: Buffer): readonly Line[] {
    const isSkipping = this.#isSkipping;
    const skipped = isSkipping ? rest.indexOf(NEWLINE) : -1;
    const kept = isSkipping ? (skipped < 0 ? null : rest.subarray(skipped + 1)) : rest;
    const bytes =
      kept === null
        ? Buffer.alloc(0)
        : this.#carriedBytes === 0
          ? kept
          : Buffer.concat([...this.#carried, kept]);
    this.#carried = [];
    this.#carriedBytes = 0;
    this.#isSkipping = false;
    const lines = isUtf8(bytes) ? textLines(bytes) : byteLines(bytes);
    return isSkipping ? [TOO_LONG, ...lines] : lines;
  }

  #carry(piece: Buffer): void {
    if (this.#isSkipping || piece.length === 0) return;
    this.#carried.push(piece);
    this.#carriedBytes += piece.length;
    if (this.#carriedBytes <= MAX_LINE_BYTES) return;
    this.#carried = [];
    this.#carriedBytes = 0;
    this.#isSkipping = true;
  }
}

function textLines(bytes: Buffer): readonly Line[] {
  const lines: Line[] = [];
  for (const line of bytes.toString('utf8').split('\n')) {
    if (isTooLong(line)) lines.push(TOO_LONG);
    else if (line.trim() !== '') lines.push(line);
  }
  return lines;
}

function byteLines(bytes: Buffer): readonly Line[] {
  const lines: Line[] = [];
  for (let from = 0; from <= bytes.length;) {
    const newline = bytes.indexOf(NEWLINE, from);
    const end = newline < 0 ? bytes.length : newline;
    const line = bytes.subarray(from, end);
    if (line.length > MAX_LINE_BYTES) lines.push(TOO_LONG);
    else lines.push(...(isUtf8(line) ? textLines(line) : [NOT_UTF8]));
    from = end + 1;
  }
  return lines;
}

/** UTF-8 takes at most three bytes per code unit: only long lines are measured. */
function isTooLong(line: string): boolean {
  return 3 * line.length > MAX_LINE_BYTES && Buffer.byteLength(line) > MAX_LINE_BYTES;
}

/**
 * Lines of a stream in batches of about `size` (a piece's lines stay together), as they arrive: the next piece is only
 * asked for when the last batch was taken, so a sender is never faster than whoever stores.
 */
export async function* lineBatches(
  source: AsyncIterable<Buffer>,
  size: number,
): AsyncGenerator<readonly Line[]> {
  const splitter = new LineSplitter();
  let batch: Line[] = [];
  for await (const piece of source) {
    for (const line of splitter.push(piece)) batch.push(line);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  for (const line of splitter.end()) batch.push(line);
  if (batch.length > 0) yield batch;
}
