import { Injectable, Logger } from '@nestjs/common';
import type { Prediction } from '../events/event.js';
import { Spool } from '../events/spool.service.js';
import { assign, mayFallBack } from '../routing/assign.js';
import { NO_ATTRIBUTES, type AttributeReader } from '../routing/audience.js';
import type { Assignment } from '../routing/plan.js';
import type { Attempt } from './attempt.js';
import { attributesOf } from './attributes.js';
import type { AssignedCall, ReceivedCall } from './call.js';
import { Exchange, type ExchangeHost } from './exchange.js';
import { GatewayTelemetry } from './gateway-telemetry.service.js';
import type { LiveVersion } from './live-plan.js';
import { Mirrors } from './mirrors.service.js';
import { sendProblem } from './problem.js';
import { afterRequest, afterRetry, FULL_BUDGET, type RetryBudget } from './retry.js';
import { upstreamPath } from './route-request.js';
import { unitOf } from './unit.js';
import { Upstreams } from './upstreams.service.js';

/** A lasting fault of one kind is logged at most this often; the metric counts every one. */
const COMPLAIN_INTERVAL_MS = 10_000;

/**
 * From a received call to its answer: unit, assignment, exposure on disk, upstream. Whatever fails on our side, the
 * champion answers, outside of any experiment and with the reason `fault`.
 */
@Injectable()
export class Forwarder implements ExchangeHost {
  readonly #logger = new Logger('Gateway');
  readonly #budgets = new Map<string, RetryBudget>();
  readonly #complainedMs = new Map<string, number>();

  constructor(
    private readonly spool: Spool,
    private readonly upstreams: Upstreams,
    private readonly telemetry: GatewayTelemetry,
    private readonly mirrors: Mirrors,
  ) {}

  forward(received: ReceivedCall): void {
    const model = received.model.plan.name;
    this.#budgets.set(model, afterRequest(this.#budgets.get(model) ?? FULL_BUDGET));
    const call = this.#assigned(received);
    if (call === null) {
      this.#refuse(received);
      return;
    }
    if (call.enrolment === null) this.#exchange(call);
    else this.#expose(call);
  }

  dispatch(attempt: Attempt, call: AssignedCall, headerLines: string): void {
    const { address } = attempt.replica;
    this.upstreams.dispatch(
      address.origin,
      {
        path: upstreamPath(address, call.rest),
        method: call.req.method,
        headerLines,
        body: call.body.bytes.length === 0 ? null : call.body.bytes,
      },
      attempt,
    );
  }

  takeRetry(model: string): boolean {
    const left = afterRetry(this.#budgets.get(model) ?? FULL_BUDGET);
    if (left === null) return false;
    this.#budgets.set(model, left);
    this.telemetry.retried(model);
    return true;
  }

  failed(model: string, version: string, kind: string): void {
    this.telemetry.upstreamFailed(model, version, kind);
  }

  done(prediction: Prediction): void {
    this.telemetry.answered(prediction);
    try {
      this.spool.appendPrediction(prediction);
    } catch (error) {
      this.#fault(prediction.model, 'prediction', error);
    }
  }

  closed(call: AssignedCall, prediction: Prediction): void {
    this.mirrors.answered(call, prediction);
  }

  /** Intention to treat: the exposure is on disk before the version can be called, and fail. */
  #expose(call: AssignedCall): void {
    const { enrolment } = call;
    if (enrolment === null) return;
    const durable = (ok: boolean): void => {
      if (ok) this.#exchange(call);
      else this.#withoutExposure(call);
    };
    try {
      this.spool.appendExposure(
        {
          requestId: call.id,
          atMs: call.atMs,
          model: call.model.plan.name,
          unitKey: call.unitKey,
          experimentId: enrolment.experimentId,
          epoch: enrolment.epoch,
          phase: enrolment.phase,
          variant: enrolment.variant,
          version: call.assigned.name,
          configVersion: call.plan.version,
        },
        durable,
      );
    } catch (error) {
      this.#fault(call.model.plan.name, 'exposure', error);
      this.#withoutExposure(call);
    }
  }

  /** Nobody may be in an experiment without a record of it. Who is held out stays on the same version even so. */
  #withoutExposure(call: AssignedCall): void {
    this.telemetry.fault(call.model.plan.name, 'exposure');
    if (call.reason === 'holdout') {
      this.#exchange({ ...call, reason: 'fault', enrolment: null, unit: null });
      return;
    }
    const champion = this.#champion(call);
    if (champion !== null) this.#exchange(champion);
    else this.#refuse(call);
  }

  #refuse({ model, res }: ReceivedCall): void {
    this.telemetry.refused('no_champion');
    sendProblem(res, {
      status: 503,
      code: 'no_champion',
      detail: `model ${model.plan.name} has no champion that can be called`,
    });
  }

  #exchange(call: AssignedCall): void {
    new Exchange(this, call).start();
  }

  #assigned(received: ReceivedCall): AssignedCall | null {
    const { model, req, id, rest, body, override } = received;
    try {
      const fields = { headers: req.headers, rest, body, requestId: id };
      const unit = unitOf(model, fields);
      const attributes = attributesOf(model.attributes, fields);
      const assignment = assign(model.plan, unit, override, attributes);
      if (assignment === null) return null;
      const version = model.versions.get(assignment.version);
      if (version !== undefined) return join(received, assignment, { version, unit, attributes });
      this.#fault(model.plan.name, 'version', `${assignment.version} cannot be called`);
    } catch (error) {
      this.#fault(model.plan.name, 'assignment', error);
    }
    return this.#champion(received);
  }

  #champion(received: ReceivedCall): AssignedCall | null {
    const { champion } = received.model.plan;
    const version = champion === null ? undefined : received.model.versions.get(champion);
    if (version === undefined) return null;
    return {
      ...received,
      assigned: version,
      reason: 'fault',
      enrolment: null,
      unit: null,
      unitKey: received.id,
      attributes: NO_ATTRIBUTES,
      mayFallBack: true,
    };
  }

  #fault(model: string, what: string, error: unknown): void {
    this.telemetry.fault(model, what);
    const nowMs = performance.now();
    if (nowMs - (this.#complainedMs.get(what) ?? -COMPLAIN_INTERVAL_MS) < COMPLAIN_INTERVAL_MS)
      return;
    this.#complainedMs.set(what, nowMs);
    this.#logger.error(`${what} of model ${model} failed: ${String(error)}`);
  }
}

function join(
  received: ReceivedCall,
  assignment: Assignment,
  known: {
    readonly version: LiveVersion;
    readonly unit: string | null;
    readonly attributes: AttributeReader;
  },
): AssignedCall {
  const { reason, enrolment } = assignment;
  const { version, unit, attributes } = known;
  return {
    ...received,
    assigned: version,
    reason,
    enrolment,
    unit,
    unitKey: unit ?? received.id,
    attributes,
    mayFallBack: mayFallBack(assignment),
  };
}
