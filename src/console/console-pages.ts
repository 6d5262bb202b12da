import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type ConsoleFile, type ConsoleFiles, readConsole } from './console-files.js';

/** Everything comes from this server, and nothing runs or is styled inline. */
export const CONSOLE_CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Paths that the console's own router understands; everything else stays with the API and its problem documents. */
const PAGES = ['/', '/sign-in', '/experiments', '/experiments/*', '/models', '/models/*', '/new'];

const YEAR_S = 31_536_000;

const NOT_BUILT =
  '<!doctype html><html lang="en"><meta charset="utf-8"><title>Sluice</title>' +
  '<p>The console is not built here: run <code>npm run build</code>, then start again. ' +
  'The API is described at <a href="/api/docs">/api/docs</a>.';

/** Puts the console beside the API: its page at every path of its own, its assets under names that never change. */
export function serveConsole(server: FastifyInstance, files = readConsole()): void {
  const page = files === null ? null : files.page;
  for (const path of PAGES) {
    server.get(path, (request, reply) => {
      guard(reply);
      void reply.header('cache-control', 'no-cache');
      if (page === null) return reply.status(503).type('text/html; charset=utf-8').send(NOT_BUILT);
      return send(page, request, reply);
    });
  }
  server.get<{ Params: { file: string } }>('/assets/:file', (request, reply) => {
    const file = assetOf(files, request.params.file);
    if (file === null) {
      reply.callNotFound();
      return reply;
    }
    guard(reply);
    void reply.header('cache-control', `public, max-age=${YEAR_S}, immutable`);
    return send(file, request, reply);
  });
}

function assetOf(files: ConsoleFiles | null, name: string): ConsoleFile | null {
  return files?.assets.get(name) ?? null;
}

function guard(reply: FastifyReply): void {
  void reply.headers({
    'content-security-policy': CONSOLE_CSP,
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  });
}

function send(file: ConsoleFile, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  void reply.headers({ etag: file.etag, vary: 'accept-encoding' });
  if (request.headers['if-none-match'] === file.etag) return reply.status(304).send();
  void reply.type(file.type);
  const takesGzip = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
  if (!takesGzip || file.gzipped === null) return reply.send(file.body);
  return reply.header('content-encoding', 'gzip').send(file.gzipped);
}
