import { SluiceError } from '../kernel/errors.js';

const SYSTEM_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOENT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);
/** 08: connection exception; 57P: the server shuts down, crashed or starts; 53300: too many connections. */
const SQL_STATES = /^(08...|57P0.|53300|25P03)$/;
/** pg gives these errors no code. */
const MESSAGES =
  /^(Query read timeout|Connection terminated|timeout exceeded when trying to connect|timeout expired|Client has encountered a connection error|Client was closed|Cannot use a pool after calling end)/;

/** True when the database could not be asked or its answer is unknown, as opposed to it having refused the statement. */
export function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  if (typeof code === 'string' && (SYSTEM_CODES.has(code) || SQL_STATES.test(code))) return true;
  return MESSAGES.test(error.message);
}

/** The error itself, or `unavailable` with it as the cause. */
export function asUnavailable(error: unknown): unknown {
  if (!isConnectionError(error)) return error;
  return new SluiceError(
    'unavailable',
    `the database cannot be reached: ${(error as Error).message}`,
    [],
    {
      cause: error,
    },
  );
}
