import { SluiceError } from './errors.js';

/** Makes a switch over a union exhaustive: compiles only while every case is handled. */
export function assertNever(value: never): never {
  throw new SluiceError('internal', `unexpected value ${JSON.stringify(value)}`);
}

/** Throws `internal` when an invariant of ours does not hold; for programmer errors, never for input. */
export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new SluiceError('internal', `invariant broken: ${message}`);
}
