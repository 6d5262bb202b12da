import { Injectable, Logger } from '@nestjs/common';
import type { MirrorDrop, MirrorSide, Prediction } from '../events/event.js';
import { Spool } from '../events/spool.service.js';
import { Load } from '../load/load.service.js';
import { UpstreamGuard } from '../models/upstream-guard.js';
import { mirrorsOf } from '../routing/mirrors.js';
import type { ExperimentPlan, MirrorPlan, VariantPlan } from '../routing/plan.js';
import type { AssignedCall } from './call.js';
import { captureOutput } from './capture.js';
import { GatewayTelemetry } from './gateway-telemetry.service.js';
import { shadowHeaderLines } from './headers.js';
import type { LiveModel, LivePlan, LiveVersion } from './live-plan.js';
import { mirrorConnector } from './mirror-connector.js';
import { MirrorTarget, type MirrorResult, type TargetStatus } from './mirror-target.js';
import { upstreamPath } from './route-request.js';

/** Longest body that is copied, and longest answer that is read, whatever a plan says. */
const MAX_BODY_BYTES = 64 * 1024;

/** Methods whose copy changes nothing (RFC 9110 §9.2.1). */
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** One version that an experiment copies to. */
interface Shadow {
  /** Of its target. */
  readonly key: string;
  readonly experiment: ExperimentPlan;
  readonly variant: VariantPlan;
  readonly version: LiveVersion;
}

interface KnownShadows {
  readonly model: LiveModel;
  readonly shadows: readonly Shadow[];
}

/** One answered request and the shadow that it is to be copied to. */
interface Candidate extends Shadow {
  readonly call: AssignedCall;
  readonly prediction: Prediction;
  readonly mirror: MirrorPlan;
  readonly target: MirrorTarget;
}

/**
 * Copies requests to the shadow versions of `shadow` experiments, once their callers have been answered. Nothing here
 * can delay, change or fail an answer: what is too much is dropped, counted, and written down as dropped.
 */
@Injectable()
export class Mirrors {
  readonly #logger = new Logger('Mirrors');
  readonly #connect: ReturnType<typeof mirrorConnector>;
  readonly #shadows = new WeakMap<ExperimentPlan, KnownShadows>();
  #targets: ReadonlyMap<string, MirrorTarget> = new Map();
  readonly #retiring = new Set<MirrorTarget>();
  readonly #waiting: Candidate[] = [];
  #isStopped = false;

  constructor(
    guard: UpstreamGuard,
    private readonly spool: Spool,
    private readonly telemetry: GatewayTelemetry,
    private readonly load: Load,
  ) {
    this.#connect = mirrorConnector(guard);
    telemetry.watchMirrors(() => this.status);
  }

  /** Every shadow of the plan in force. */
  get status(): readonly TargetStatus[] {
    return [...this.#targets.values()].map((target) => target.status);
  }

  /** Follows a plan: shadows that are over are let go of, those that go on keep their connections and breaker. */
  follow(plan: LivePlan): void {
    const wanted = new Map<string, MirrorTarget>();
    for (const model of plan.models.values()) {
      for (const { key, experiment, variant, version } of shadowsIn(model)) {
        const known = this.#targets.get(key);
        wanted.set(key, known ?? this.#target(model, experiment, { variant, version }));
      }
    }
    for (const [key, target] of this.#targets) if (!wanted.has(key)) this.#retire(target);
    this.#targets = wanted;
  }

  /** The caller of this call has its answer, and nobody waits any more. Never throws. */
  answered(call: AssignedCall, prediction: Prediction): void {
    if (this.#targets.size === 0) return;
    // Without an answer of the assigned version there is nothing to compare with.
    // (no attempt: the version was full, and copies of what was refused would be load without bound)
    if (prediction.attempts === 0) return;
    if (prediction.fallback || prediction.status === 0 || call.reason === 'override') return;
    try {
      for (const experiment of mirrorsOf(call.model.plan, call.unit, call.attributes)) {
        this.#consider(call, prediction, experiment);
      }
    } catch (error) {
      this.#broke(call, error);
    }
  }

  /** For the shutdown: drops what is under way, and everything that still comes. */
  stop(): void {
    this.#isStopped = true;
    for (const target of [...this.#targets.values(), ...this.#retiring]) target.destroy();
  }

  #target(
    model: LiveModel,
    experiment: ExperimentPlan,
    { variant, version }: Pick<Shadow, 'variant' | 'version'>,
  ): MirrorTarget {
    const name = {
      model: model.plan.name,
      experiment: experiment.name,
      variant: variant.name,
      version: version.name,
    };
    return new MirrorTarget(name, this.#connect, (target, change) => {
      const what = `shadow ${name.version} of ${name.experiment}`;
      if (change === 'closed') this.#logger.log(`${what} answers again`);
      else this.#logger.warn(`${what} is left alone for a while: ${target.lastFailure}`);
    });
  }

  #retire(target: MirrorTarget): void {
    this.#retiring.add(target);
    void target.retire().then(() => this.#retiring.delete(target));
  }

  #consider(call: AssignedCall, prediction: Prediction, experiment: ExperimentPlan): void {
    const { mirror } = experiment;
    const control = experiment.variants.find((variant) => variant.control);
    if (mirror === undefined || control?.version !== prediction.servedVersion) return;
    for (const shadow of this.#shadowsOf(call.model, experiment)) {
      const target = this.#targets.get(shadow.key);
      // The plan has changed since the call came in: that shadow is over.
      if (target === undefined) continue;
      const candidate = { call, prediction, mirror, target, ...shadow };
      const reason = this.#refusal(candidate);
      if (reason === null) this.#later(candidate);
      else this.#record(candidate, target.drop(reason));
    }
  }

  /** The same for every call of a plan, so found once. */
  #shadowsOf(model: LiveModel, experiment: ExperimentPlan): readonly Shadow[] {
    const known = this.#shadows.get(experiment);
    if (known?.model === model) return known.shadows;
    const shadows = shadowsOf(model, experiment);
    this.#shadows.set(experiment, { model, shadows });
    return shadows;
  }

  #refusal({ call, mirror, target }: Candidate): MirrorDrop | null {
    if (this.#isStopped) return 'shutdown';
    const isHarmless = SAFE_METHODS.has(call.req.method) || call.model.plan.idempotent;
    if (!isHarmless && !mirror.unsafeMethods) return 'method';
    if (call.body.bytes.length > bodyLimit(mirror)) return 'body_too_large';
    return target.refusal(mirror.maxInFlight);
  }

  /** One turn of the event loop later, behind whatever waits already. */
  #later(candidate: Candidate): void {
    this.#waiting.push(candidate);
    if (this.#waiting.length > 1) return;
    setImmediate(() => {
      setImmediate(() => {
        for (const one of this.#waiting.splice(0)) this.#sendOrDrop(one);
      });
    });
  }

  #sendOrDrop(candidate: Candidate): void {
    const { call, target } = candidate;
    try {
      if (this.#isStopped) this.#record(candidate, target.drop('shutdown'));
      else if (this.load.sheds('shadows')) {
        this.load.droppedCopy();
        this.#record(candidate, target.drop('overload'));
      } else this.#send(candidate);
    } catch (error) {
      this.#broke(call, error);
    }
  }

  #send(candidate: Candidate): void {
    const { call, experiment, mirror, version, target } = candidate;
    const address = version.replicas.nextForCopy();
    target.send(
      {
        origin: address.origin,
        request: {
          path: upstreamPath(address, call.rest),
          method: call.req.method,
          headerLines: shadowHeaderLines(call.req.rawHeaders, version, {
            requestId: call.id,
            experiment: experiment.name,
          }),
          body: call.body.bytes.length === 0 ? null : call.body.bytes,
        },
        limits: { timeoutMs: mirror.timeoutMs, maxBodyBytes: bodyLimit(mirror) },
        maxInFlight: mirror.maxInFlight,
      },
      (result) => {
        this.#record(candidate, result);
      },
    );
  }

  #record(candidate: Candidate, result: MirrorResult): void {
    const { call, prediction, experiment, variant, target } = candidate;
    this.telemetry.mirrored(target.name, result);
    this.spool.appendMirror({
      requestId: call.id,
      atMs: call.atMs,
      model: call.model.plan.name,
      unitKey: call.unitKey,
      experimentId: experiment.id,
      epoch: experiment.epoch,
      phase: experiment.phase,
      variant: variant.name,
      version: variant.version,
      drop: result.kind === 'dropped' ? result.reason : null,
      primary: {
        status: prediction.status,
        error: prediction.error,
        timeout: prediction.timeout,
        latencyMs: prediction.latencyMs,
        captured: prediction.captured,
      },
      shadow: shadowSide(call.model, result, candidate.mirror),
      configVersion: call.plan.version,
    });
  }

  #broke(call: AssignedCall, error: unknown): void {
    this.telemetry.fault(call.model.plan.name, 'mirror');
    this.#logger.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
}

function shadowSide(model: LiveModel, result: MirrorResult, mirror: MirrorPlan): MirrorSide | null {
  switch (result.kind) {
    case 'dropped':
      return null;
    case 'failed': {
      const { status, timeout, latencyMs } = result;
      return { status, error: true, timeout, latencyMs, captured: null };
    }
    case 'answered': {
      const { status, latencyMs, chunks, contentEncoding } = result;
      const captured = captureOutput(model, { chunks, contentEncoding }, bodyLimit(mirror));
      return { status, error: status >= 500, timeout: false, latencyMs, captured };
    }
  }
}

function shadowsIn(model: LiveModel): readonly Shadow[] {
  return model.plan.experiments.flatMap((experiment) => shadowsOf(model, experiment));
}

/** The versions that an experiment copies to; one that cannot be called is left out, as it is everywhere. */
function shadowsOf(model: LiveModel, experiment: ExperimentPlan): readonly Shadow[] {
  if (experiment.kind !== 'shadow') return [];
  return experiment.variants.flatMap((variant) => {
    const version = model.versions.get(variant.version);
    if (variant.control || variant.closed === true || version === undefined) return [];
    return [{ key: keyOf(experiment, variant, version), experiment, variant, version }];
  });
}

function bodyLimit(mirror: MirrorPlan): number {
  return Math.min(mirror.maxBodyBytes, MAX_BODY_BYTES);
}

function keyOf(experiment: ExperimentPlan, variant: VariantPlan, version: LiveVersion): string {
  const urls = version.replicas.replicas.map(({ address }) => address.url);
  return [experiment.id, variant.name, version.name, ...urls].join(' ');
}
