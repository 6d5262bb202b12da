import { describe, expect, it } from 'vitest';
import { LoadGauge } from '../../../src/gateway/mirror-load.js';

describe('the load of a process', () => {
  it('is high while every turn is long, and no longer when they are short again', () => {
    const load = new LoadGauge();
    for (let turn = 0; turn < 50; turn += 1) load.turned(80);
    expect(load.isHigh).toBe(true);
    for (let turn = 0; turn < 50; turn += 1) load.turned(1);
    expect(load.isHigh).toBe(false);
  });

  it('is not high after one long pause', () => {
    const load = new LoadGauge();
    load.turned(400);
    expect(load.isHigh).toBe(false);
  });
});
