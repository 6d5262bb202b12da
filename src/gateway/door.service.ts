import type { Server } from 'node:net';
import { Injectable, Logger } from '@nestjs/common';
import { limitConnections } from '../load/connection-room.js';
import { Load } from '../load/load.service.js';
import type { CallerRequest } from './caller-request.js';
import type { CallerResponse } from './caller-response.js';
import { Forwarder } from './forwarder.service.js';
import { Gatekeeper } from './gatekeeper.service.js';
import { GatewayTelemetry } from './gateway-telemetry.service.js';
import { LivePlanService } from './live-plan.service.js';
import { refuseBody, sendProblem, type Problem } from './problem.js';
import { BODY_LIMIT_BYTES, readBody } from './request-body.js';
import { RequestIds } from './request-ids.js';
import type { MalformedRequest } from './request-parser.js';
import { climbs, originForm, parseTarget, type ModelTarget } from './route-request.js';

/** The first thing that a request meets: who answers it, and whether it may. */
@Injectable()
export class Door {
  readonly #logger = new Logger('Gateway');
  readonly #ids = new RequestIds();

  constructor(
    private readonly live: LivePlanService,
    private readonly gatekeeper: Gatekeeper,
    private readonly forwarder: Forwarder,
    private readonly telemetry: GatewayTelemetry,
    private readonly load: Load,
  ) {}

  /** Before any request: connections that find no room are closed and counted. */
  guard(server: Server): void {
    limitConnections(server, 'callers');
    this.telemetry.countRefusedConnections(server);
  }

  handle(req: CallerRequest, res: CallerResponse, nowMs: number): void {
    try {
      this.#handle(req, res, nowMs);
    } catch (error) {
      this.#broken(res, error);
    }
  }

  /** What came in was no request. */
  malformed(res: CallerResponse, { status, message }: MalformedRequest): void {
    this.#refuse(res, { status, code: MALFORMED[status], detail: message });
  }

  #handle(req: CallerRequest, res: CallerResponse, nowMs: number): void {
    const target = originForm(req);
    if (typeof target !== 'string') {
      this.#refuse(res, target);
      return;
    }
    const route = parseTarget(target);
    if (route === null) this.#operate(target, req, res);
    else this.#predict(route, { req, res, nowMs });
  }

  #predict(
    { model: name, rest }: ModelTarget,
    { req, res, nowMs }: { req: CallerRequest; res: CallerResponse; nowMs: number },
  ): void {
    // One plan from here to the answer: a newer one is for the next request.
    const plan = this.live.current;
    if (plan === null) {
      this.#refuse(res, NO_PLAN);
      return;
    }
    // before anything is read, looked up or computed: what is refused must cost next to nothing
    if (this.load.refusesPrediction()) {
      this.#refuse(res, OVERLOADED);
      return;
    }
    const { refusal, override } = this.gatekeeper.admit(req.headers, plan);
    const model = plan.models.get(name);
    if (refusal !== null || model === undefined || climbs(rest)) {
      this.#refuse(res, refusal ?? (model === undefined ? unknownModel(name) : CLIMBS));
      return;
    }
    readBody(req, BODY_LIMIT_BYTES, (body) => {
      if ('status' in body) {
        this.telemetry.refused(body.code);
        refuseBody(res, body);
        return;
      }
      // bodies that are still coming in are not under way: slow senders take no room from others
      if (!this.load.enter()) {
        this.#refuse(res, OVERLOADED);
        return;
      }
      res.onClose(this.load.leave);
      const startedMs = performance.now();
      const id = this.#ids.make(nowMs);
      const call = { req, res, id, atMs: nowMs, startedMs, plan, model, rest, body, override };
      try {
        this.forwarder.forward(call);
      } catch (error) {
        this.#broken(res, error);
      }
    });
  }

  /** `/live`, `/ready` and `/metrics`; none of them asks the database. */
  #operate(target: string, req: CallerRequest, res: CallerResponse): void {
    const query = target.indexOf('?');
    const path = query < 0 ? target : target.slice(0, query);
    const isRead = req.method === 'GET' || req.method === 'HEAD';
    if (isRead && path === '/live') sendJson(res, 200, { live: true });
    else if (isRead && path === '/ready') this.#ready(res);
    else if (isRead && path === '/metrics') this.#metrics(res);
    else this.#refuse(res, NOT_FOUND);
  }

  #ready(res: CallerResponse): void {
    const plan = this.live.current;
    if (plan === null) this.#refuse(res, NO_PLAN);
    else sendJson(res, 200, { ready: true, configVersion: plan.version });
  }

  #metrics(res: CallerResponse): void {
    this.telemetry.render().then(
      (text) => {
        const body = Buffer.from(text);
        const type = ['content-type', this.telemetry.contentType];
        res.writeHead(200, [...type, 'content-length', String(body.length)]);
        res.end(body);
      },
      (error: unknown) => {
        sendProblem(res, { status: 500, code: 'internal', detail: String(error) });
      },
    );
  }

  /** A bug of ours costs one request, not the process and every request in it. */
  #broken(res: CallerResponse, error: unknown): void {
    this.#logger.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
    this.#refuse(res, BROKEN);
  }

  #refuse(res: CallerResponse, problem: Problem): void {
    this.telemetry.refused(problem.code);
    // What follows a malformed request may not be what it seems: it must not be read as the next one.
    if (problem.status === 400) res.closeAfterwards();
    const retryAfterS = problem.retryAfterS ?? (problem.status === 503 ? 1 : null);
    const retry = retryAfterS === null ? [] : ['retry-after', String(retryAfterS)];
    sendProblem(res, problem, retry);
  }
}

const MALFORMED = {
  400: 'malformed_request',
  408: 'request_timeout',
  431: 'head_too_large',
} as const;

const NO_PLAN: Problem = {
  status: 503,
  code: 'no_plan',
  detail: 'this gateway does not know any traffic plan yet',
};
const OVERLOADED: Problem = {
  status: 503,
  code: 'overloaded',
  detail: 'this gateway has as much under way as it can answer',
};
const NOT_FOUND: Problem = {
  status: 404,
  code: 'not_found',
  detail: 'models answer under /models/{model}/{path}',
};
const BROKEN: Problem = {
  status: 500,
  code: 'internal',
  detail: 'the gateway could not handle this request',
};
const CLIMBS: Problem = {
  status: 400,
  code: 'malformed_request',
  detail: 'the path has a .. segment',
};

function unknownModel(name: string): Problem {
  return {
    status: 404,
    code: 'unknown_model',
    detail: `there is no model ${JSON.stringify(name)}`,
  };
}

function sendJson(res: CallerResponse, status: number, value: object): void {
  const body = Buffer.from(JSON.stringify(value));
  const length = String(body.length);
  res.writeHead(status, ['content-type', 'application/json', 'content-length', length]);
  res.end(body);
}
