import { SluiceError } from '../kernel/errors.js';

/** The value of a promise, or `unavailable` after the deadline; the promise itself goes on unobserved. */
export async function withDeadline<T>(
  work: Promise<T>,
  deadlineMs: number,
  what: string,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new SluiceError('unavailable', `${what} took longer than ${deadlineMs} ms`));
    }, deadlineMs);
  });
  work.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** True when the work settled in time, whether it succeeded or not: for closing things, where nothing else helps. */
export async function settlesWithin(work: Promise<unknown>, deadlineMs: number): Promise<boolean> {
  try {
    await withDeadline(
      work.catch(() => undefined),
      deadlineMs,
      'closing',
    );
    return true;
  } catch {
    return false;
  }
}
