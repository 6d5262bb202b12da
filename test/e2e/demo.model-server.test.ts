import { afterEach, describe, expect, it } from 'vitest';
import type { Classifier } from '../../demo/classifiers/classifier.js';
import type { ModelServer } from '../../demo/model-server.js';
import { startModelServer } from '../../demo/model-server.js';

const LONG_SUBJECTS_ARE_SPAM: Classifier = {
  probability: ({ subject }) => (subject.length > 5 ? 0.9 : 0.1),
};

describe('a model server of the demo', () => {
  let server: ModelServer | null = null;

  afterEach(async () => {
    await server?.close();
    server = null;
  });

  async function post(body: string, path = '/score'): Promise<Response> {
    server ??= await startModelServer(LONG_SUBJECTS_ARE_SPAM);
    return fetch(`${server.url}${path}`, { method: 'POST', body });
  }

  it('scores a mail', async () => {
    const spam = await post('{"subject":"win money","body":""}');
    expect(await spam.json()).toEqual({ spam: true, probability: 0.9 });
    const ham = await post('{"subject":"hi","body":"","more":1}');
    expect(await ham.json()).toEqual({ spam: false, probability: 0.1 });
  });

  it('takes mails of hundreds of kilobytes', async () => {
    const answer = await post(JSON.stringify({ subject: 'hi', body: 'é'.repeat(400_000) }));
    expect(answer.status).toBe(200);
  });

  it('refuses what is not a mail, and says why', async () => {
    expect((await post('{"subject":"hi"}')).status).toBe(400);
    expect((await post('null')).status).toBe(400);
    expect((await post('no json')).status).toBe(400);
    expect((await post('{}', '/other')).status).toBe(404);
    expect((await post('x'.repeat(3 * 1024 * 1024))).status).toBe(413);
  });
});
