import { SluiceError } from '../kernel/errors.js';
import type { Defect } from '../kernel/errors.js';

/** A refusal that waiting cannot cure: the start ends with it instead of trying for ever. */
export function permanentFailure(message: string, defect: Defect, cause?: unknown): SluiceError {
  return new SluiceError(
    'conflict',
    message,
    [defect],
    cause === undefined ? undefined : { cause },
  );
}

/** `unavailable` passes by itself, a network error too; what contradicts the configuration or the data does not. */
export function isPermanent(error: unknown): error is SluiceError {
  return (
    error instanceof SluiceError && (error.code === 'conflict' || error.code === 'invalid_input')
  );
}
