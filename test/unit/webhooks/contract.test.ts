import { describe, expect, it } from 'vitest';
import { webhookSchema } from '../../../src/webhooks/webhook.contract.js';

const url = 'https://hooks.example/sluice';

describe('a webhook as it is posted', () => {
  it('is told what it asks for, about every model, and is no gate', () => {
    expect(webhookSchema.parse({ url, events: ['promote', 'promote', 'rollback'] })).toEqual({
      url,
      events: ['promote', 'rollback'],
      models: null,
      gate: null,
    });
  });

  it('may be a gate alone', () => {
    expect(webhookSchema.parse({ url, gate: 'confirm-advance' }).events).toEqual([]);
  });

  it.each([
    ['neither events nor a gate', { url }],
    ['an unknown event', { url, events: ['promoted'] }],
    ['an unknown gate', { url, gate: 'confirm-rollback' }],
    ['no model at all', { url, events: ['hold'], models: [] }],
    ['a name that no model can have', { url, events: ['hold'], models: ['Spam!'] }],
    ['a weak secret', { url, events: ['hold'], secret: 'whsec_short' }],
    ['an unknown key', { url, events: ['hold'], retries: 3 }],
  ])('is refused with %s', (_what, body) => {
    expect(webhookSchema.safeParse(body).success).toBe(false);
  });
});
