import type { IncomingMessage } from 'node:http';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../config/config.js';
import { serveConsole } from '../console/console-pages.js';
import { limitConnections } from '../load/connection-room.js';
import { parseJsonBody } from './json-body.js';
import { problem, PROBLEM_MEDIA_TYPE, problemOf } from './problem.js';
import type { Problem } from './problem.js';

/** Largest body: an outcome batch of 1,000 events stays below it. */
export const BODY_LIMIT_BYTES = 1_048_576;
const MAX_HEADER_BYTES = 16_384;
/** Time to send a whole request; fastify sets none by itself, so a slow sender could hold a socket for ever. */
const REQUEST_TIMEOUT_MS = 30_000;
const HEADERS_TIMEOUT_MS = 10_000;
/** Longer than the 60 s idle limit of common load balancers, so that they close first. */
const KEEP_ALIVE_TIMEOUT_MS = 72_000;
/** Event streams send something every 15 s; a socket that is silent for longer than this is gone. */
const SOCKET_TIMEOUT_MS = 120_000;

/** The HTTP server of the control plane with every limit set, before Nest puts routes on it. */
export function controlServer(config: Pick<Config, 'roles'>): FastifyAdapter {
  const adapter = new FastifyAdapter({
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    connectionTimeout: SOCKET_TIMEOUT_MS,
    http: { maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: HEADERS_TIMEOUT_MS },
    // connections that are idle when the process stops end at once; busy ones finish their request
    forceCloseConnections: 'idle',
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 256 },
    frameworkErrors: (error: Error, _request: FastifyRequest, reply: FastifyReply) => {
      send(reply, problemOf(error));
    },
  });
  const server = adapter.getInstance<FastifyInstance>();
  limitConnections(server.server, 'control');
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    try {
      done(null, parseJsonBody(body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });
  // not read here: outcomes are taken line by line as they arrive, however many there are
  server.addContentTypeParser('application/x-ndjson', (_request, stream, done) => {
    done(null, stream);
  });
  server.addHook('onRequest', (request, reply, done) => {
    const refusal = smuggling(request.raw) ?? missingRole(config, request);
    if (refusal === null) done();
    else send(reply, refusal);
  });
  server.addHook('onSend', (_request, reply, payload, done) => {
    void reply.header('x-content-type-options', 'nosniff');
    if (!reply.hasHeader('cache-control')) void reply.header('cache-control', 'no-store');
    done(null, payload);
  });
  if (config.roles.includes('control')) serveConsole(server);
  return adapter;
}

function send(reply: FastifyReply, told: Problem): void {
  void reply
    .status(told.status)
    .header('content-type', PROBLEM_MEDIA_TYPE)
    .send(JSON.stringify(told));
}

/** Requests that two servers could read differently; Node and fastify let them pass. */
export function smuggling(
  request: Pick<IncomingMessage, 'rawHeaders' | 'headers' | 'url'>,
): Problem | null {
  const names = request.rawHeaders.filter((_text, index) => index % 2 === 0);
  const hosts = names.filter((name) => name.toLowerCase() === 'host');
  if (hosts.length > 1) return problem(400, 'malformed', 'more than one Host header');
  const coding = request.headers['transfer-encoding'];
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') {
    return problem(400, 'malformed', 'no Transfer-Encoding but chunked is understood');
  }
  if (request.url?.startsWith('/') !== true && request.url !== '*') {
    return problem(400, 'malformed', 'the request target is a path');
  }
  return null;
}

/** Processes without the control role answer for health and telemetry only. */
function missingRole(config: Pick<Config, 'roles'>, request: FastifyRequest): Problem | null {
  if (config.roles.includes('control') || !request.url.startsWith('/api/')) return null;
  return problem(404, 'not_found', `this process has the roles ${config.roles.join(', ')} only`);
}
