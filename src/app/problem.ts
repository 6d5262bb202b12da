import { STATUS_CODES } from 'node:http';
import { HttpException } from '@nestjs/common';
import { SluiceError } from '../kernel/errors.js';
import type { Defect, ErrorCode } from '../kernel/errors.js';

export const PROBLEM_MEDIA_TYPE = 'application/problem+json; charset=utf-8';

/** RFC 9457 problem document; `defects` says field by field what to change. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly defects: readonly Defect[];
  readonly instance?: string;
}

const STATUS_OF: Readonly<Record<ErrorCode, number>> = {
  invalid_input: 422,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  not_yet: 422,
  too_large: 413,
  rate_limited: 429,
  unavailable: 503,
  internal: 500,
};

/** Codes of failures that never reach our own code: the HTTP server and the router report them by status. */
const CODE_OF: Readonly<Record<number, string>> = {
  400: 'malformed',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  408: 'timeout',
  413: 'too_large',
  414: 'too_large',
  415: 'unsupported_media_type',
  431: 'too_large',
  503: 'unavailable',
};

/** Longest given value that is sent back; a caller knows what it sent. */
const SHOWN_LENGTH = 200;

/** A problem from its parts; the type is stable per code, so that clients can branch on it. */
export function problem(
  status: number,
  code: string,
  detail: string,
  defects: readonly Defect[] = [],
): Problem {
  const title = STATUS_CODES[status] ?? 'Error';
  return { type: `urn:sluice:problem:${code}`, title, status, detail, code, defects };
}

/** What a caller is told about anything that was thrown. Unknown errors say nothing about our insides. */
export function problemOf(error: unknown): Problem {
  if (error instanceof SluiceError) return ofSluiceError(error);
  const status = statusOf(error);
  if (status === null || status >= 500) {
    return status === 503
      ? problem(503, 'unavailable', 'not available at the moment')
      : problem(500, 'internal', 'something went wrong on our side; the log says what');
  }
  const message = error instanceof Error ? error.message : 'the request was refused';
  return problem(status, CODE_OF[status] ?? 'refused', message);
}

function ofSluiceError(error: SluiceError): Problem {
  const status = STATUS_OF[error.code];
  if (error.code === 'internal') {
    return problem(status, 'internal', 'something went wrong on our side; the log says what');
  }
  return problem(status, error.code, error.message, error.defects.map(shownDefect));
}

/** Nest's own exceptions and Fastify's errors carry the status in different places. */
function statusOf(error: unknown): number | null {
  if (error instanceof HttpException) return error.getStatus();
  if (error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number') {
    return error.statusCode;
  }
  return null;
}

function shownDefect(defect: Defect): Defect {
  if (!('given' in defect)) return defect;
  return { ...defect, given: shown(defect.given) };
}

function shown(given: unknown): unknown {
  if (typeof given === 'string') {
    return given.length > SHOWN_LENGTH ? `${given.slice(0, SHOWN_LENGTH)}…` : given;
  }
  if (given === null || typeof given !== 'object') return given;
  const text = JSON.stringify(given);
  return text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : given;
}
