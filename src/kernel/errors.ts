/** What went wrong, in terms that the HTTP filter maps to a status (src/app) and a caller can branch on. */
export type ErrorCode =
  | 'invalid_input'
  | 'unauthorized'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'not_yet'
  | 'too_large'
  | 'rate_limited'
  | 'unavailable'
  | 'internal';

/** One thing that was wrong: which field, what was given, what is expected, what to do about it. */
export interface Defect {
  readonly field?: string;
  readonly given?: unknown;
  readonly expected?: string;
  readonly advice?: string;
}

/** An error with a stable code and the defects that caused it; never carries secrets. */
export class SluiceError extends Error {
  override readonly name = 'SluiceError';
  /** When it is worth trying again; null: not said. */
  readonly retryAfterS: number | null;

  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly defects: readonly Defect[] = [],
    options?: { readonly cause?: unknown; readonly retryAfterS?: number },
  ) {
    super(message, options);
    this.retryAfterS = options?.retryAfterS ?? null;
  }
}
