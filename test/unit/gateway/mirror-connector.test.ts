import type { LookupFunction } from 'node:net';
import { fc } from '../../support/property.js';
import { describe, expect, it } from 'vitest';
import {
  ConnectBudget,
  fewLookups,
  MAX_CONNECTS_PER_S,
  NO_CONNECTION,
} from '../../../src/gateway/mirror-connector.js';

describe('the budget of connections to a shadow', () => {
  it('is never exceeded within any second, and never smaller than it says', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 200 }), (gapsMs) => {
        const budget = new ConnectBudget();
        const takenMs: number[] = [];
        let nowMs = 5_000;
        for (const gapMs of gapsMs) {
          nowMs += gapMs;
          const recent = takenMs.filter((atMs) => nowMs - atMs < 1_000).length;
          expect(budget.left(nowMs)).toBe(MAX_CONNECTS_PER_S - recent);
          expect(budget.take(nowMs)).toBe(recent < MAX_CONNECTS_PER_S);
          if (recent < MAX_CONNECTS_PER_S) takenMs.push(nowMs);
        }
        expect(budget.taken).toBe(takenMs.length);
      }),
    );
  });
});

describe('look-ups for shadows', () => {
  type Told = Parameters<LookupFunction>[2];

  it('are at most two names at once; who asks for one of these waits for the same answer', async () => {
    const running = new Map<string, Told>();
    const lookUp = fewLookups((hostname, _options, told) => running.set(hostname, told));
    const ask = (hostname: string): Promise<unknown> =>
      new Promise((done) => {
        lookUp(hostname, { all: true }, (error, found) => done(error ?? found));
      });
    const asked = [ask('a'), ask('b'), ask('a')];
    expect([...running.keys()]).toEqual(['a', 'b']);
    expect(await ask('c')).toMatchObject({ code: NO_CONNECTION });
    const found = [{ address: '127.0.0.1', family: 4 }];
    running.get('a')?.(null, found);
    running.get('b')?.(Object.assign(new Error('none'), { code: 'ENOTFOUND' }), []);
    expect(await Promise.all(asked)).toMatchObject([found, { code: 'ENOTFOUND' }, found]);
    void ask('c');
    expect(running.has('c')).toBe(true);
  });
});
