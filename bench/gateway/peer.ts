/** A gateway under test, listening on loopback. */
export interface Peer {
  readonly name: string;
  /** Path that its requests go to. */
  readonly path: string;
  readonly port: number;
  /** Processes that do its work. */
  readonly pids: readonly number[];
  close(): Promise<void>;
}

/** Bytes of an answer and of a request, as the goals have them. */
export const ANSWER_BYTES = 200;
export const BODY_BYTES = 1_000;

/** A JSON document of exactly this many bytes. */
export function jsonOf(bytes: number): string {
  const empty = JSON.stringify({ score: 0.5, text: '' });
  return JSON.stringify({ score: 0.5, text: 'x'.repeat(bytes - empty.length) });
}
