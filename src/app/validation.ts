import { Injectable } from '@nestjs/common';
import type { ArgumentMetadata, PipeTransform } from '@nestjs/common';
import { z } from 'zod';
import { SluiceError } from '../kernel/errors.js';
import type { Defect } from '../kernel/errors.js';

/** Defects reported at once: the first few say it all, and a thousand bad rows must not make a thousand answers. */
const MAX_DEFECTS = 50;

/** Parses every body, query and parameter that has a zod schema; what fails comes back field by field. */
@Injectable()
export class ContractPipe implements PipeTransform<unknown, unknown> {
  transform(value: unknown, metadata: ArgumentMetadata): unknown {
    const { schema, type, data } = metadata;
    if (!(schema instanceof z.ZodType)) return value;
    const parsed = schema.safeParse(value, { reportInput: false });
    if (parsed.success) return parsed.data;
    const base = type === 'body' || data === undefined ? [] : [data];
    const defects = defectsOf(parsed.error.issues, value, base).slice(0, MAX_DEFECTS);
    const first = defects[0];
    const where = first?.field === undefined || first.field === '' ? type : first.field;
    throw new SluiceError(
      'invalid_input',
      `${where}: ${first?.expected ?? 'not as expected'}`,
      defects,
    );
  }
}

/** zod's issues as defects: a JSON pointer into the body (or the parameter's name), what was there, what fits. */
export function defectsOf(
  issues: readonly z.core.$ZodIssue[],
  input: unknown,
  base: readonly PropertyKey[],
): readonly Defect[] {
  return issues.flatMap((issue): readonly Defect[] => {
    const path = [...base, ...issue.path];
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        field: pointer([...path, key]),
        expected: 'no such field',
        advice: 'remove it, or check its spelling against /api/docs',
      }));
    }
    const given = valueAt(input, issue.path);
    return [
      {
        field: pointer(path),
        ...(isShowable(path, given) ? { given } : {}),
        expected: expectedOf(issue),
      },
    ];
  });
}

function expectedOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const branches = issue.errors.map((branch) =>
      branch
        .map(({ path, message }) => (path.length === 0 ? message : `${pointer(path)} ${message}`))
        .join(', '),
    );
    return `one of: ${[...new Set(branches)].join(' | ')}`;
  }
  return issue.message;
}

function pointer(path: readonly PropertyKey[]): string {
  return path
    .map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('');
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, step) =>
      value !== null && typeof value === 'object' && Object.hasOwn(value, step)
        ? (value as Record<PropertyKey, unknown>)[step]
        : undefined,
    input,
  );
}

/** Header values are secrets even when they are malformed, and objects may hold some; what is missing has no value. */
function isShowable(path: readonly PropertyKey[], given: unknown): boolean {
  if (given === undefined || path.includes('headers')) return false;
  return given === null || typeof given !== 'object';
}
