import type { FastifyInstance } from 'fastify';
import type { Load } from '../load/load.service.js';
import { sheddableRequest } from '../load/shed-order.js';
import { problem, PROBLEM_MEDIA_TYPE } from './problem.js';

/** How soon a refused caller should come again: load rises and falls within about a second. */
const RETRY_AFTER_S = 1;

/** Refuses what is given up under load, before its body is read, its key looked up or a database asked. */
export function shedRequests(server: FastifyInstance, load: Load): void {
  server.addHook('onRequest', (request, reply, done) => {
    const path = request.url.split('?', 1)[0] ?? '';
    const what = sheddableRequest(request.method, path);
    if ((what !== 'outcomes' && what !== 'reads') || !load.refuses(what)) {
      done();
      return;
    }
    const detail = `too busy for ${what} at the moment`;
    void reply
      .status(503)
      .header('retry-after', RETRY_AFTER_S)
      .header('content-type', PROBLEM_MEDIA_TYPE)
      .send(JSON.stringify({ ...problem(503, 'overloaded', detail), instance: path }));
  });
}
