import type { ClientBase, Connection } from 'pg';

/** What pg's connection offers beyond its published types. */
interface CopyConnection {
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

/**
 * One COPY ... FROM STDIN of bytes that are all there. Not pg-copy-streams: when PostgreSQL refuses a line while the
 * socket is full, its stream writes to a connection that it has already let go of and the TypeError is uncaught.
 * pg finds `callback` and hangs its query_timeout on it.
 */
class CopyBytes {
  callback: (error?: Error | null) => void;
  #isOver = false;

  constructor(
    private readonly statement: string,
    private readonly bytes: Buffer,
    private readonly settle: (error: Error | null) => void,
  ) {
    this.callback = () => undefined;
  }

  submit(connection: Connection): void {
    connection.query(this.statement);
  }

  handleCopyInResponse(connection: CopyConnection): void {
    connection.sendCopyFromChunk(this.bytes);
    connection.endCopyFrom();
  }

  handleCommandComplete(): void {
    // Over only when the server is ready again.
  }

  handleReadyForQuery(): void {
    this.#over(null);
  }

  handleError(error: Error): void {
    this.#over(error);
  }

  #over(error: Error | null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.callback(error); // clears pg's timer
    this.settle(error);
  }
}

/**
 * Copies lines in COPY text format into a table.
 *
 * @param target table and columns, trusted SQL
 * @param bytes UTF-8 lines, each ending in a newline
 */
export function copyFrom(client: ClientBase, target: string, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const statement = `COPY ${target} FROM STDIN WITH (FORMAT text, ENCODING 'UTF8')`;
    client.query(
      new CopyBytes(statement, bytes, (error) => (error === null ? resolve() : reject(error))),
    );
  });
}
