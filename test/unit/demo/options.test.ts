import { describe, expect, it } from 'vitest';
import { parseOptions } from '../../../demo/options.js';

describe('the options of the demo', () => {
  it('have defaults', () => {
    expect(parseOptions([])).toEqual({
      kind: 'run',
      options: {
        keep: false,
        json: null,
        shuffleLabels: false,
        aa: false,
        runs: 1,
        seed: 1,
        speed: 1,
      },
    });
  });

  it('are read', () => {
    const args = [
      '--keep',
      '--json',
      'x.json',
      '--seed',
      '7',
      '--speed',
      '2.5',
      '--shuffle-labels',
    ];
    expect(parseOptions(args)).toMatchObject({
      options: { keep: true, json: 'x.json', shuffleLabels: true, seed: 7, speed: 2.5 },
    });
    expect(parseOptions(['--aa', '--runs', '20'])).toMatchObject({
      options: { aa: true, runs: 20 },
    });
    expect(parseOptions(['-h'])).toEqual({ kind: 'help' });
  });

  it.each([
    [['--speed', '0'], '--speed 0: expected'],
    [['--seed', '1.5'], '--seed 1.5: expected'],
    [['--aa', '--runs', '0'], '--runs 0: expected'],
    [['--runs', '3'], '--runs 3: expected used together with --aa'],
    [['--aa', '--shuffle-labels'], 'exclude each other'],
    [['--sped', '2'], "'--sped'"],
    [['surprise'], 'surprise'],
  ])('refuse %j, saying why', (args, expected) => {
    const parsed = parseOptions(args);
    expect(parsed.kind).toBe('wrong');
    expect(parsed.kind === 'wrong' && parsed.message).toContain(expected);
  });
});
