import { describe, expect, it } from 'vitest';
import { checklist } from '../../../src/rollouts/policy/checklist.js';
import { decide } from '../../../src/rollouts/policy/decide.js';
import {
  goodAssessment,
  guardrail,
  metric,
  readyInput,
  tested,
} from '../../support/assessments.js';

const open = guardrail({ nonInferiority: tested(false) });

describe('the checklist', () => {
  it('says what every rule says, also after the first that holds', () => {
    const given = readyInput({ assessment: goodAssessment({ metrics: [metric(), open] }) });
    const trace = decide(given).trace;
    const list = checklist(given);
    expect(trace.at(-1)).toMatchObject({ rule: 'non_inferiority', outcome: 'hold' });
    expect(list.slice(0, trace.length)).toEqual(trace);
    expect(list.length).toBeGreaterThan(trace.length);
  });

  it('shows superiority as met while only a guardrail is missing', () => {
    const better = metric({ superiority: tested(true) });
    const given = readyInput({ assessment: goodAssessment({ metrics: [better, open] }) });
    const last = checklist(given).at(-1);
    expect(last).toMatchObject({ rule: 'superiority', outcome: 'pass' });
    expect(decide(given).kind).toBe('hold');
  });

  it('has nothing to say without an assessment', () => {
    expect(checklist(readyInput({ assessment: null }))).toEqual([]);
  });
});
