import type { Prediction } from '../events/event.js';
import { Answer } from './answer.js';
import { Attempt, type AttemptListener } from './attempt.js';
import type { AssignedCall } from './call.js';
import { capture } from './capture.js';
import { answerHead, upstreamHeaderLines } from './headers.js';
import type { LiveVersion } from './live-plan.js';
import { sendProblem, type Problem } from './problem.js';
import type { Replica } from './replica-set.js';
import { mayRetry, type Failure } from './retry.js';

/** A version that is full has room again as soon as one of its calls ends. */
const RETRY_AFTER_S = '1';

/** What an exchange needs from the gateway around it. */
export interface ExchangeHost {
  dispatch(attempt: Attempt, call: AssignedCall, headerLines: string): void;
  /** Takes a retry out of the model's budget; false when it is used up. */
  takeRetry(model: string): boolean;
  failed(model: string, version: string, kind: string): void;
  done(prediction: Prediction): void;
  /** The whole answer is out and nobody waits any more. */
  closed(call: AssignedCall, prediction: Prediction): void;
}

/** One call from its assignment to its answer: attempts, at most one retry, the fallback, and the record of it. */
export class Exchange implements AttemptListener {
  readonly #answer: Answer;
  #attempt: Attempt | null = null;
  #attempts = 0;
  #retries = 0;
  #error = false;
  #timeout = false;
  #isOver = false;
  #recorded: Prediction | null = null;

  constructor(
    private readonly host: ExchangeHost,
    private readonly call: AssignedCall,
  ) {
    this.#answer = new Answer(call.res, call.model.captureOutput.length > 0);
    call.res.onClose(() => {
      if (this.#recorded === null) this.#onCallerGone();
      else this.host.closed(this.call, this.#recorded);
    });
  }

  start(): void {
    // Gone while the exposure was written: it stands, but there is nobody to call the version for.
    if (this.call.res.destroyed) this.#onCallerGone();
    else this.#try(this.call.assigned, this.call.assigned.timeoutMs);
  }

  onHead(attempt: Attempt, status: number, rawHeaders: readonly string[]): void {
    if (status >= 500) {
      this.host.failed(this.call.model.plan.name, attempt.version.name, 'status');
      if (attempt.version === this.call.assigned) {
        this.#error = true;
        const fallback = this.#fallback();
        if (fallback !== null) {
          attempt.discard();
          this.#try(fallback, fallback.timeoutMs);
          return;
        }
      }
    }
    this.#answer.begin(status, answerHead(rawHeaders), this.#ownHeaders(attempt.version), () => {
      attempt.endDeadline();
    });
  }

  onData(attempt: Attempt, chunk: Buffer): boolean {
    const mayGoOn = this.#answer.write(chunk);
    if (!mayGoOn) {
      this.call.res.onceDrained(() => {
        attempt.resume();
      });
    }
    return mayGoOn;
  }

  onEnd(attempt: Attempt): void {
    const { status } = this.#answer;
    this.#isOver = true;
    const latencyMs = this.#elapsedMs();
    try {
      this.#answer.end();
    } catch (error) {
      // An answer that cannot be written, such as a header with control characters.
      this.#error ||= attempt.version === this.call.assigned;
      this.#sendFailure(attempt.version, broken(String(error)));
      this.#record(attempt.version, 502, latencyMs);
      return;
    }
    this.#record(attempt.version, status, latencyMs);
  }

  onFailure(attempt: Attempt, failure: Failure): void {
    const { call } = this;
    this.host.failed(call.model.plan.name, attempt.version.name, failure.kind);
    if (this.#answer.isFlowing) {
      this.#breakOff(attempt, failure);
      return;
    }
    this.#answer.drop();
    if (this.#retry(attempt, failure)) return;
    if (attempt.version === call.assigned) {
      this.#error = true;
      this.#timeout = failure.kind === 'timeout';
      const fallback = this.#fallback();
      if (fallback !== null) {
        this.#try(fallback, fallback.timeoutMs);
        return;
      }
    }
    this.#isOver = true;
    const latencyMs = this.#elapsedMs();
    this.#sendFailure(attempt.version, failure);
    this.#record(attempt.version, statusOf(failure), latencyMs);
  }

  /** @param avoid the replica that has just failed */
  #try(version: LiveVersion, timeoutMs: number, avoid: Replica | null = null): void {
    const { call } = this;
    const replica = version.replicas.acquire(avoid);
    if (replica === null) {
      this.#saturated(version);
      return;
    }
    this.#attempts += 1;
    const attempt = new Attempt(version, replica, this, timeoutMs);
    this.#attempt = attempt;
    try {
      this.host.dispatch(attempt, call, upstreamHeaderLines(call.req.rawHeaders, version, call.id));
    } catch (error) {
      attempt.onError(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #retry(attempt: Attempt, failure: Failure): boolean {
    const { plan } = this.call.model;
    const retryable = mayRetry(failure, {
      retries: this.#retries,
      method: this.call.req.method,
      idempotent: plan.idempotent,
    });
    const leftMs = attempt.version.timeoutMs - this.#elapsedMs();
    // Only the assigned version is tried again: a fallback that fails has had its chance.
    if (!retryable || leftMs < 1 || attempt.version !== this.call.assigned) return false;
    if (!this.host.takeRetry(plan.name)) return false;
    this.#retries += 1;
    this.#try(attempt.version, leftMs, attempt.replica);
    return true;
  }

  #fallback(): LiveVersion | null {
    const { model, assigned, mayFallBack } = this.call;
    if (!mayFallBack) return null;
    if (model.plan.fallback === null || model.plan.fallback === assigned.name) return null;
    const fallback = model.versions.get(model.plan.fallback);
    // a fallback without room cannot help: whatever the assigned version said is the better answer
    return fallback === undefined || fallback.replicas.isFull ? null : fallback;
  }

  /** The version has as many calls under way as it may have: its fallback answers, or nobody, at once. */
  #saturated(version: LiveVersion): void {
    const { call } = this;
    const model = call.model.plan.name;
    this.host.failed(model, version.name, 'saturated');
    if (version === call.assigned) {
      this.#error = true;
      const fallback = this.#fallback();
      if (fallback !== null) {
        this.#try(fallback, fallback.timeoutMs);
        return;
      }
    }
    this.#isOver = true;
    const latencyMs = this.#elapsedMs();
    const detail = `version ${version.name} of model ${model} has as many calls under way as it may have`;
    const headers = [...this.#ownHeaders(version), 'retry-after', RETRY_AFTER_S];
    sendProblem(call.res, { status: 503, code: 'version_saturated', detail }, headers);
    this.#record(version, 503, latencyMs);
  }

  /** The upstream broke in the middle of an answer: the caller must see it break too. */
  #breakOff(attempt: Attempt, failure: Failure): void {
    if (attempt.version === this.call.assigned) {
      this.#error = true;
      this.#timeout = failure.kind === 'timeout';
    }
    this.#isOver = true;
    this.call.res.destroy();
    this.#record(attempt.version, this.#answer.status, this.#elapsedMs());
  }

  #onCallerGone(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const attempt = this.#attempt;
    attempt?.abort();
    const status = this.#answer.isFlowing ? this.#answer.status : 0;
    this.#record(attempt?.version ?? this.call.assigned, status, this.#elapsedMs());
  }

  #sendFailure(version: LiveVersion, failure: Failure): void {
    const problem: Problem = {
      status: statusOf(failure),
      code: failure.kind === 'timeout' ? 'upstream_timeout' : 'upstream_failed',
      detail: `version ${version.name} of model ${this.call.model.plan.name} did not answer (${failure.kind})`,
    };
    sendProblem(this.call.res, problem, this.#ownHeaders(version));
  }

  #ownHeaders(served: LiveVersion): string[] {
    const { call } = this;
    const headers = [
      'x-sluice-request-id',
      call.id,
      'x-sluice-version',
      served.name,
      'x-sluice-reason',
      served === call.assigned ? call.reason : 'fallback',
      'x-sluice-config-version',
      String(call.plan.version),
    ];
    if (call.model.plan.disclose && call.enrolment !== null) {
      const { experimentName, variant } = call.enrolment;
      headers.push('x-sluice-experiment', experimentName, 'x-sluice-variant', variant);
    }
    return headers;
  }

  #elapsedMs(): number {
    return performance.now() - this.call.startedMs;
  }

  #record(served: LiveVersion, status: number, latencyMs: number): void {
    const { call } = this;
    const { enrolment } = call;
    this.#recorded = {
      requestId: call.id,
      atMs: call.atMs,
      model: call.model.plan.name,
      unitKey: call.unitKey,
      experimentId: enrolment?.experimentId ?? null,
      epoch: enrolment?.epoch ?? null,
      phase: enrolment?.phase ?? null,
      variant: enrolment?.variant ?? null,
      assignedVersion: call.assigned.name,
      servedVersion: served.name,
      reason: served === call.assigned ? call.reason : 'fallback',
      status,
      error: this.#error,
      timeout: this.#timeout,
      fallback: served !== call.assigned,
      latencyMs,
      attempts: this.#attempts,
      captured: capture(call.model, call.body, this.#answer.kept),
      configVersion: call.plan.version,
    };
    this.host.done(this.#recorded);
  }
}

function statusOf(failure: Failure): number {
  return failure.kind === 'timeout' ? 504 : 502;
}

function broken(detail: string): Failure {
  return { kind: 'broken', sent: true, detail };
}
