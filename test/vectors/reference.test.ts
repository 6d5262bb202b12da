import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { check } from './compare.js';
import { readFamilies } from './families.js';
import { operations } from './operations.js';

const families = readFamilies(fileURLToPath(new URL('reference', import.meta.url)));

describe.each(families)('reference vectors of $family', ({ cases }) => {
  it.each(cases)('$id: $op agrees, refuses or declines as expected', (vector) => {
    expect(check(vector, operations[vector.op])).toBeNull();
  });
});

describe('the reference vectors', () => {
  it('cover every operation that the engine claims', () => {
    const covered = new Set(families.flatMap(({ cases }) => cases.map(({ op }) => op)));
    expect(Object.keys(operations).filter((op) => !covered.has(op))).toEqual([]);
  });
});
