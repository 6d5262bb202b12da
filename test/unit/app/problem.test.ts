import {
  BadRequestException,
  NotFoundException,
  ServiceUnavailableException,
} from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { problemOf } from '../../../src/app/problem.js';
import { SluiceError } from '../../../src/kernel/errors.js';
import type { ErrorCode } from '../../../src/kernel/errors.js';

describe('problem documents', () => {
  it.each<[ErrorCode, number]>([
    ['invalid_input', 422],
    ['unauthorized', 401],
    ['forbidden', 403],
    ['not_found', 404],
    ['conflict', 409],
    ['not_yet', 422],
    ['too_large', 413],
    ['unavailable', 503],
  ])('say %s with status %i, in our words', (code, status) => {
    const defects = [{ field: '/a', given: 1, expected: '2', advice: 'change it' }];
    expect(problemOf(new SluiceError(code, 'in our words', defects))).toEqual({
      type: `urn:sluice:problem:${code}`,
      title: expect.any(String),
      status,
      detail: 'in our words',
      code,
      defects,
    });
  });

  it.each([
    ['an internal error', new SluiceError('internal', 'secret invariant', [{ given: 'secret' }])],
    ['an unknown error', new Error('secret password')],
    ['a thrown text', 'secret'],
    ['an error with a server status', Object.assign(new Error('secret'), { statusCode: 500 })],
    ['nothing', undefined],
  ])('say nothing about our insides for %s', (_what, error) => {
    const told = problemOf(error);
    expect(told).toMatchObject({ status: 500, code: 'internal', defects: [] });
    expect(JSON.stringify(told)).not.toContain('secret');
  });

  it.each([
    [new BadRequestException('bad'), 400, 'malformed'],
    [new NotFoundException('gone'), 404, 'not_found'],
    [new ServiceUnavailableException('inside'), 503, 'unavailable'],
    [Object.assign(new Error('too big'), { statusCode: 413 }), 413, 'too_large'],
    [Object.assign(new Error('no'), { statusCode: 415 }), 415, 'unsupported_media_type'],
    [Object.assign(new Error('teapot'), { statusCode: 418 }), 418, 'refused'],
  ])('take the status of errors of the framework: %s', (error, status, code) => {
    expect(problemOf(error)).toMatchObject({ status, code });
  });

  it('cut long given values, so that an answer is never as large as a bad request', () => {
    const given = { text: 'x'.repeat(10_000) };
    for (const value of [given, given.text]) {
      const told = problemOf(new SluiceError('invalid_input', 'no', [{ field: '', given: value }]));
      expect(JSON.stringify(told).length).toBeLessThan(500);
    }
  });
});
