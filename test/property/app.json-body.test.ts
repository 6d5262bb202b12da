import { fc } from '../support/property.js';
import { describe, expect, it } from 'vitest';
import { parseJsonBody } from '../../src/app/json-body.js';
import { jsonDepth } from '../../src/kernel/json-depth.js';

function depthOf(value: unknown): number {
  if (value === null || typeof value !== 'object') return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

describe('the depth of a JSON text', () => {
  it('is the depth of its value, whatever its strings hold', () => {
    fc.assert(
      fc.property(
        fc.jsonValue({ maxDepth: 8, stringUnit: 'binary' }),
        fc.constantFrom(0, 2),
        (value, indent) => {
          const text = JSON.stringify(value, null, indent);
          expect(jsonDepth(text, 100)).toBe(depthOf(value));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('never lets the parser meet more than the limit, valid JSON or not', () => {
    const noise = fc.stringMatching(/^[[\]{}",:\\a1 ]*$/);
    fc.assert(
      fc.property(noise, (text) => {
        try {
          expect(depthOf(parseJsonBody(Buffer.from(text)))).toBeLessThanOrEqual(32);
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid_input' });
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
