import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bucket } from '../../src/routing/murmur3.js';
import { etaCanary, etaMetrics, type EtaVersion, startEta, tripOf } from '../support/eta-world.js';
import { seedsOf, Stage } from '../support/stage.js';
import type { Upstream } from '../support/sluice.js';

const SEEDS = seedsOf([11, 22, 33, 44, 55]);
/** Five scenarios share the machine, and the machine may be shared too. */
const TEST_MS = 240_000;

/** Accurate within some six minutes. */
const OLD: EtaVersion = { noise: 8 };
const BETTER: EtaVersion = { noise: 2 };

const RAMP = [{ coverage: 0.2 }, { coverage: 0.5 }, { coverage: 1 }];

let stage: Stage;
const servers: Upstream[] = [];

beforeAll(async () => {
  stage = await Stage.open();
  await etaMetrics(stage);
});

afterAll(async () => {
  await stage.close();
  await Promise.all(servers.map((server) => server.close()));
});

async function serve(version: EtaVersion, seed: number): Promise<string> {
  const server = await startEta(version, seed);
  servers.push(server);
  return server.url;
}

async function canary(
  name: string,
  seed: number,
  v2: EtaVersion,
  steps: readonly object[] = RAMP,
): Promise<{ readonly model: string; readonly experiment: string }> {
  const model = `${name}-${String(seed)}`;
  const urls = { v1: await serve(OLD, seed), v2: await serve(v2, seed) };
  return { model, experiment: await etaCanary(stage, model, urls, steps) };
}

function play(
  { model, experiment }: { readonly model: string; readonly experiment: string },
  seed: number,
  maxUnits: number,
  comes: (unit: string) => boolean = () => true,
): Promise<void> {
  const visits = (trip: number) => {
    const visit = tripOf(seed, trip);
    return comes(visit.unit) ? [visit] : null;
  };
  return stage.play({ model, experiment, visits, maxUnits });
}

async function expectReplay(experiment: string): Promise<void> {
  for (const { number } of await stage.log(experiment)) {
    expect(await stage.client.replay(experiment, number)).toBe(true);
  }
}

const coverages = async (experiment: string): Promise<readonly number[]> =>
  ((await stage.experiment(experiment)).rollout?.phases ?? []).map(({ coverage }) => coverage);

describe.concurrent.each(SEEDS)(
  'a canary of arrival times (seed %i)',
  { timeout: TEST_MS },
  (seed) => {
    it('that is more accurate, but slow in its 95th percentile, is never promoted', async () => {
      const slow = { ...BETTER, slowOneIn: 10, slowMs: 400 };
      const run = await canary('slow', seed, slow);
      await play(run, seed, 6_000);
      const last = await stage.decision(run.experiment, ({ kind }) => kind === 'rollback');
      expect(last.summary).toMatch(
        /guardrail slow of v2 is worse: 0\.\d+ against 0(\.\d+)? in the/,
      );
      expect((await stage.experiment(run.experiment)).status).toBe('rolled_back');
      expect(await stage.client.champion(run.model)).toBe('v1');
      const report = await stage.client.report(run.experiment);
      const error = report?.assessment.metrics.find(({ metric }) => metric === 'eta_error');
      expect(error?.effect).toBeLessThan(-2);
      await expectReplay(run.experiment);
    });

    it('that is more accurate and as fast is promoted', async () => {
      const run = await canary('fast', seed, BETTER);
      await play(run, seed, 6_000);
      const last = await stage.decision(run.experiment, ({ kind }) => kind === 'promote');
      expect(last.summary).toContain('v2 is better on eta_error');
      expect(await stage.client.champion(run.model)).toBe('v2');
      expect(await coverages(run.experiment)).toEqual([0.2, 0.5]);
      await expectReplay(run.experiment);
    });

    it('that fails with 500 for 2 % of the units is rolled back before 25 % coverage', async () => {
      const steps = [
        { coverage: 0.15, hold: { minUnits: 200 } },
        { coverage: 0.2, hold: { minUnits: 1_500 } },
        { coverage: 0.5 },
        { coverage: 1 },
      ];
      const run = await canary('failing', seed, { ...BETTER, failsOneIn: 50 }, steps);
      await play(run, seed, 12_000);
      const last = await stage.decision(run.experiment, ({ kind }) => kind === 'rollback');
      expect(last.summary).toMatch(/guardrail error_rate of v2 is worse: 0\.0\d+ against 0 in the/);
      expect(Math.max(...(await coverages(run.experiment)))).toBeLessThan(0.25);
      expect(await stage.client.champion(run.model)).toBe('v1');
      await expectReplay(run.experiment);
    });

    it('that fails for everybody is gone by its hard limit, below every minimum of evidence', async () => {
      const steps = [{ coverage: 0.1, hold: { minUnits: 5_000 } }, { coverage: 1 }];
      const run = await canary('broken', seed, { ...BETTER, failsOneIn: 1 }, steps);
      await play(run, seed, 3_000);
      const last = await stage.decision(run.experiment, ({ kind }) => kind === 'rollback');
      expect(last.reasons.code).toBe('error_limit_exceeded');
      expect(last.summary).toMatch(
        /v2 is above the limit of errors, 0\.25: (\d+) of \1 units met one/,
      );
      expect(await stage.client.champion(run.model)).toBe('v1');
      await expectReplay(run.experiment);
    });

    it('whose client crashes before its first request is never promoted: the sample ratio tells', async () => {
      const steps = [{ coverage: 0.5, hold: { minUnits: 400 } }, { coverage: 1 }];
      const run = await canary('crashing', seed, BETTER, steps);
      const { salt } = await stage.experiment(run.experiment);
      // an application that knows which version is next loads a client for it; that of v2 crashes for 60 % of its units
      const comes = (unit: string): boolean =>
        bucket(salt, unit) >= 0.5 || bucket(`crash-${String(seed)}`, unit) >= 0.6;
      await play(run, seed, 2_400, comes);
      const isHold = ({ reasons }: { readonly reasons: { readonly code?: string } }): boolean =>
        reasons.code === 'sample_ratio_mismatch';
      const held = await stage.decision(run.experiment, isHold);
      expect(held.kind).toBe('hold');
      await stage.analysedAgain(run.experiment);
      const after = await stage.log(run.experiment);
      expect(after.filter(({ kind }) => kind === 'promote' || kind === 'advance')).toEqual([]);
      expect((await stage.experiment(run.experiment)).status).toBe('running');
      expect(await stage.client.champion(run.model)).toBe('v1');
      await stage.client.perform(run.experiment, 'abort', 'the scenario is over');
    });
  },
);
