import createClient from 'openapi-fetch';
import type { paths } from './schema.js';
import type { Defect, Problem } from './types.js';

/** The API of the server that this page came from; the browser adds the session by itself. */
export const api = createClient<paths>({ baseUrl: globalThis.location.origin });

/** What the API refused, with one defect per field; `status` 0 when there was no answer at all. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly defects: readonly Defect[] = [],
  ) {
    super(message);
  }
}

interface Answer<T> {
  readonly data?: T;
  readonly error?: unknown;
  readonly response: Response;
}

/** The answer's data, or an `ApiProblem` whatever went wrong. */
export async function unwrap<T>(request: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await request;
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiProblem(0, 'unreachable', 'the server does not answer');
  }
  if (answer.response.ok && answer.data !== undefined) return answer.data;
  throw problemOf(answer.response.status, answer.error);
}

function problemOf(status: number, error: unknown): ApiProblem {
  if (typeof error === 'object' && error !== null && 'code' in error) {
    const { code, detail, defects } = error as Problem;
    return new ApiProblem(status, code, detail, defects);
  }
  return new ApiProblem(status, 'unreadable', `the server answered ${status}`);
}
