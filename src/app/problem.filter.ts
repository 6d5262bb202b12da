import { Catch, Injectable, Logger, NotFoundException } from '@nestjs/common';
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RouteCatalog } from '../auth/route-catalog.service.js';
import { asUnavailable } from '../database/connection-errors.js';
import { SluiceError } from '../kernel/errors.js';
import { problem, PROBLEM_MEDIA_TYPE, problemOf } from './problem.js';
import type { Problem } from './problem.js';

/** How soon a caller should try again when something of ours is away: our reconnects are quicker than that. */
const RETRY_AFTER_S = 1;

/** The one place where an error becomes an answer. */
@Catch()
@Injectable()
export class ProblemFilter implements ExceptionFilter<unknown> {
  readonly #logger = new Logger('http');

  constructor(private readonly routes: RouteCatalog) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const error = asUnavailable(thrown);
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const path = (request.raw.url ?? '/').split('?', 1)[0] ?? '/';
    const allowed = error instanceof NotFoundException ? this.#allowed(path) : [];
    const told = this.#problem(error, { method: request.method, path, allowed });
    this.#log(`${request.method} ${path}`, told, error);
    if (reply.sent) return;
    if (told.status === 401) void reply.header('www-authenticate', 'Bearer realm="sluice"');
    if (told.status === 405) void reply.header('allow', allowed.join(', '));
    if (told.status === 503 || told.status === 429) {
      const known = error instanceof SluiceError ? error.retryAfterS : null;
      void reply.header('retry-after', known ?? RETRY_AFTER_S);
    }
    void reply
      .status(told.status)
      .header('content-type', PROBLEM_MEDIA_TYPE)
      .send(JSON.stringify({ ...told, instance: path }));
  }

  #log(what: string, told: Problem, error: unknown): void {
    const cause = error instanceof Error ? error : new Error(String(error));
    // what is away says so itself, once; every caller and probe that meets it would only repeat it
    if (told.status === 503) this.#logger.debug(`${what}: ${cause.message}`);
    else if (told.status >= 500) this.#logger.error(`${what}: ${cause.message}`, cause.stack);
  }

  #problem(
    error: unknown,
    at: { readonly method: string; readonly path: string; readonly allowed: readonly string[] },
  ): Problem {
    if (!(error instanceof NotFoundException)) return problemOf(error);
    if (at.allowed.length === 0) return problem(404, 'not_found', `there is nothing at ${at.path}`);
    return problem(405, 'method_not_allowed', `${at.path} takes ${at.allowed.join(', ')}`);
  }

  /** Methods that a path has routes for; asked only after the router found none for the request's own method. */
  #allowed(path: string): readonly string[] {
    const methods = this.routes.list().flatMap((route) => {
      const pattern = route.path.replaceAll(/[.]/g, '\\.').replaceAll(/:\w+/g, '[^/]+');
      return new RegExp(`^${pattern}/?$`).test(path) ? [route.method] : [];
    });
    return [...new Set(methods)].sort();
  }
}
