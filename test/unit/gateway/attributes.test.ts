import { describe, expect, it } from 'vitest';
import { attributesOf, prepareAttributes } from '../../../src/gateway/attributes.js';
import { RequestHeaders } from '../../../src/gateway/caller-request.js';
import { RequestBody } from '../../../src/gateway/request-body.js';
import { NO_ATTRIBUTES } from '../../../src/routing/audience.js';
import type { AttributeSource, Predicate } from '../../../src/routing/plan.js';
import { canary, model } from '../routing/plans.js';

const attributes: Readonly<Record<string, AttributeSource>> = {
  country: { header: 'x-country' },
  plan: { query: 'plan' },
  age: { pointer: '/user/age' },
  pro: { pointer: '/user/pro' },
  tags: { pointer: '/user/tags' },
};
const audience: readonly Predicate[] = [{ attribute: 'country', kind: 'equals', value: 'IN' }];
const live = prepareAttributes(model({ attributes, experiments: [canary(1, { audience })] }));

class CountingBody extends RequestBody {
  parsed = 0;
  override json(): unknown {
    this.parsed += 1;
    return super.json();
  }
}

function request(body = '', headers: Record<string, string> = {}, rest = '') {
  const held = new CountingBody(Buffer.from(body));
  const fields = { headers: new RequestHeaders(Object.entries(headers).flat()), rest, body: held };
  return { body: held, read: attributesOf(live, fields) };
}

describe('attributes of a request', () => {
  it('come from headers, the query and the body', () => {
    const body = '{"user":{"age":41,"pro":true,"tags":["a"]}}';
    const { read } = request(body, { 'x-country': ' IN ' }, '/predict?plan=gold%20x');
    expect(read('country')).toBe('IN');
    expect(read('plan')).toBe('gold x');
    expect(read('age')).toBe(41);
    expect(read('pro')).toBe(true);
  });

  it('are unknown where the request has none, an empty text, a list, or a text beyond 1,024 characters', () => {
    const { read } = request('{"user":{"tags":["a"]}}', { 'x-country': '  ' });
    for (const name of ['country', 'plan', 'age', 'tags', 'nobody', 'constructor']) {
      expect(read(name), name).toBeUndefined();
    }
    expect(request('', { 'x-country': 'x'.repeat(1_024) }).read('country')).toHaveLength(1_024);
    expect(request('', { 'x-country': 'x'.repeat(1_025) }).read('country')).toBeUndefined();
    expect(request('no json').read('age')).toBeUndefined();
  });

  it('are read as UTF-8 wherever they come from', () => {
    const latin1 = Buffer.from('Österreich', 'utf8').toString('latin1');
    expect(request('', { 'x-country': latin1 }).read('country')).toBe('Österreich');
  });

  it('parse the body only when one in the body is asked for', () => {
    const { body, read } = request('{"user":{"age":41}}', { 'x-country': 'IN' }, '?plan=gold');
    expect([read('country'), read('plan')]).toEqual(['IN', 'gold']);
    expect(body.parsed).toBe(0);
    expect(read('age')).toBe(41);
    expect(body.parsed).toBe(1);
  });

  it('cost nothing while no experiment of the model has an audience', () => {
    const plain = prepareAttributes(model({ attributes, experiments: [canary(1)] }));
    expect(plain).toBeNull();
    const headers = new RequestHeaders([]);
    const fields = { headers, rest: '', body: new RequestBody(Buffer.alloc(0)) };
    expect(attributesOf(plain, fields)).toBe(NO_ATTRIBUTES);
  });
});
