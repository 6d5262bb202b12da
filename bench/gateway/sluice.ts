import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PlanSnapshot } from '../../src/gateway/plan-snapshot.js';
import type { ExperimentPlan, ModelPlan, TrafficPlan } from '../../src/routing/plan.js';
import type { Peer } from './peer.js';
import { childPids, MEASURED_CORE, startPinned, stopChild, waitForOutput } from './process.js';
import { START_FLAGS } from '../../test/support/start-flags.js';

const MAIN = fileURLToPath(new URL('../../dist/src/main.js', import.meta.url));
/** Nobody listens there: events stay in the spool, which is what the hot path costs by itself. */
const NO_DATABASE = 'postgres://nobody@127.0.0.1:1/none';

export interface SluiceOptions {
  readonly name: string;
  readonly stubPort: number;
  readonly shadow?: boolean;
  /** With it, events are shipped while they come. */
  readonly databaseUrl?: string;
  /** More than one, or one on any core: the system places them. */
  readonly processes?: number;
  /** Where its spool and plan go; by default the system's folder for temporary files. */
  readonly folder?: string;
}

/** The product itself as a gateway: everything on, with an experiment that every unit is in. */
export async function startSluicePeer(options: SluiceOptions): Promise<Peer> {
  const dataDir = mkdtempSync(join(options.folder ?? tmpdir(), 'sluice-bench-gateway-'));
  await new PlanSnapshot(join(dataDir, 'plan')).save(planOf(options));
  const processes = options.processes ?? 1;
  const core = options.processes === undefined ? MEASURED_CORE : null;
  const child = startPinned(core, [process.execPath, ...START_FLAGS, MAIN], {
    SLUICE_ROLES: 'gateway',
    SLUICE_GATEWAY_PORT: '0',
    SLUICE_CONTROL_PORT: '0',
    SLUICE_DATA_DIR: dataDir,
    SLUICE_SECRET: 'a secret of the benchmark alone',
    SLUICE_ALLOW_LOOPBACK: '1',
    SLUICE_LOG_LEVEL: 'silent',
    DATABASE_URL: options.databaseUrl ?? NO_DATABASE,
    ...(processes === 1 ? {} : { SLUICE_GATEWAY_PROCESSES: String(processes) }),
  });
  const port = Number(await waitForOutput(child, /gateway +http:\/\/127\.0\.0\.1:(\d+)/));
  const pid = child.pid ?? 0;
  return {
    name: options.name,
    path: '/models/spam/score',
    port,
    pids: [pid, ...childPids(pid)],
    close: async () => {
      await stopChild(child);
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** One model with two versions, half of all units each, and a shadow of every request if asked for. */
export function planOf({
  stubPort,
  shadow,
}: Pick<SluiceOptions, 'stubPort' | 'shadow'>): TrafficPlan {
  const url = `http://127.0.0.1:${stubPort}`;
  const version = (name: string): ModelPlan['versions'][string] => ({
    name,
    url: `${url}/models/spam`,
    sealedHeaders: null,
    timeoutMs: null,
  });
  const experiment: ExperimentPlan = {
    id: '0193b2c4-5d6e-7f80-9a1b-0123456789ab',
    name: 'spam-v2',
    kind: 'ab',
    epoch: 1,
    salt: '5f0c2b17',
    coverage: 1,
    phase: 1,
    variants: [
      { name: 'control', version: 'v1', control: true },
      { name: 'candidate', version: 'v2', control: false },
    ],
    segments: [{ upTo: 1, weights: [1, 1] }],
  };
  const copies = (control: string, id: string): ExperimentPlan => ({
    ...experiment,
    id,
    name: `spam-shadow-${control}`,
    kind: 'shadow',
    segments: [],
    variants: [
      { name: 'control', version: control, control: true },
      { name: 'shadow', version: 'v3', control: false },
    ],
    mirror: {
      share: 1,
      timeoutMs: 1_000,
      unsafeMethods: true,
      maxInFlight: 32,
      maxBodyBytes: 65_536,
    },
  });
  const shadows = [
    copies('v1', '0193b2c4-5d6e-7f80-9a1b-0123456789ac'),
    copies('v2', '0193b2c4-5d6e-7f80-9a1b-0123456789ad'),
  ];
  const model: ModelPlan = {
    name: 'spam',
    unit: { header: 'x-sluice-unit' },
    fallback: null,
    timeoutMs: 10_000,
    idempotent: true,
    capture: { output: {}, input: {} },
    disclose: false,
    champion: 'v1',
    versions: { v1: version('v1'), v2: version('v2'), v3: version('v3') },
    experiments: shadow === true ? [experiment, ...shadows] : [experiment],
  };
  return { version: 1, models: { spam: model }, keys: [] };
}
