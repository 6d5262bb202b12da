/** One request as it goes to an upstream. */
export interface UpstreamRequest {
  /** Path and query. */
  readonly path: string;
  readonly method: string;
  /** Header lines, each `name: value` and CRLF; without those of framing and host, which the connection writes. */
  readonly headerLines: string;
  /** Null: none. */
  readonly body: Buffer | null;
}

/** The side of a connection that the handler of a request may act on, until its end. */
export interface UpstreamExchange {
  /** Ends the exchange and its connection; nothing is told to the handler any more. */
  abort(): void;
  /** Reads no more of the answer for now. */
  pause(): void;
  resume(): void;
}

/** What becomes of a request: `onStart`, then the answer; exactly one `onEnd` or `onError`, unless it was aborted. */
export interface UpstreamHandler {
  /** False once nobody waits any more: then it is not sent. */
  readonly isWanted: boolean;
  /** From here on its bytes may reach the upstream. */
  onStart(exchange: UpstreamExchange): void;
  /** @param rawHeaders name, value, name, value … as received; bytes as Latin-1 */
  onHead(status: number, rawHeaders: string[]): void;
  onData(bytes: Buffer): void;
  onEnd(): void;
  onError(error: Error): void;
}

/** Silence in the middle of an answer: nobody knows whether it would have gone on. */
export const SILENT_UPSTREAM = 'SLUICE_SILENT_UPSTREAM';
