/** A PostgreSQL whose address is known once it runs: one of our own, or one that another process of ours looks after. */
export interface DatabaseServer {
  /** Resolves with the URL once the server answers queries; may be called again after a failure. */
  start(): Promise<string>;
  /** A start that is under way fails. */
  stop(): Promise<void>;
}

/** Injection token of a server to use instead of an embedded one of this process. */
export const DATABASE_SERVER = Symbol('DATABASE_SERVER');
