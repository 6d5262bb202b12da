import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load-config.js';
import { SluiceError } from '../../../src/kernel/errors.js';
import type { Defect } from '../../../src/kernel/errors.js';

function defectsOf(env: Record<string, string>): readonly Defect[] {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'invalid_input') return error.defects;
    throw error;
  }
  return [];
}

describe('loading the configuration', () => {
  it('needs no variable at all', () => {
    expect(loadConfig({})).toEqual({
      roles: ['gateway', 'control', 'worker'],
      gatewayHost: '127.0.0.1',
      gatewayPort: 8080,
      gatewayProcesses: 1,
      controlHost: '127.0.0.1',
      controlPort: 8081,
      dataDir: resolve('.sluice'),
      databaseUrl: null,
      redisUrl: null,
      adminKey: null,
      secret: null,
      upstreamAllow: [],
      allowLoopback: false,
      gatewayAuth: 'open',
      leaseMs: 5_000,
      maxInFlight: 1_024,
      maxQueueMs: 200,
      predictionsPerSecond: 0,
      outcomePostsPerSecond: 0,
      retentionDays: null,
      shipShare: 0.5,
      logLevel: 'info',
    });
  });

  it('takes every variable', () => {
    const config = loadConfig({
      SLUICE_ROLES: ' worker, gateway ,worker',
      SLUICE_GATEWAY_HOST: '0.0.0.0',
      SLUICE_GATEWAY_PORT: '0',
      SLUICE_CONTROL_HOST: '::1',
      SLUICE_CONTROL_PORT: '65535',
      SLUICE_DATA_DIR: '/var/lib/x',
      DATABASE_URL: 'postgres://u:p@h:5432/d?host=%2Frun',
      REDIS_URL: 'rediss://h:6379',
      SLUICE_ADMIN_KEY: 'k',
      SLUICE_SECRET: '0123456789abcdef',
      SLUICE_UPSTREAM_ALLOW: 'models.internal, 10.0.0.0/8,fd00::/8, *.models.example:8443,[::1]:80',
      SLUICE_ALLOW_LOOPBACK: 'true',
      SLUICE_GATEWAY_AUTH: 'key',
      SLUICE_LEASE_MS: '400',
      SLUICE_MAX_IN_FLIGHT: '65536',
      SLUICE_MAX_QUEUE_MS: '10000',
      SLUICE_PREDICTIONS_PER_SECOND: '250',
      SLUICE_OUTCOME_POSTS_PER_SECOND: '10',
      SLUICE_RETENTION_DAYS: '90',
      SLUICE_SHIP_SHARE: '0.25',
      SLUICE_LOG_LEVEL: 'silent',
    });
    expect(config).toMatchObject({
      roles: ['worker', 'gateway'],
      gatewayHost: '0.0.0.0',
      gatewayPort: 0,
      controlHost: '::1',
      controlPort: 65535,
      dataDir: '/var/lib/x',
      databaseUrl: 'postgres://u:p@h:5432/d?host=%2Frun',
      redisUrl: 'rediss://h:6379',
      upstreamAllow: [
        'models.internal',
        '10.0.0.0/8',
        'fd00::/8',
        '*.models.example:8443',
        '[::1]:80',
      ],
      allowLoopback: true,
      gatewayAuth: 'key',
      leaseMs: 400,
      maxInFlight: 65_536,
      maxQueueMs: 10_000,
      predictionsPerSecond: 250,
      outcomePostsPerSecond: 10,
      retentionDays: 90,
      shipShare: 0.25,
      logLevel: 'silent',
    });
  });

  it('takes a number of gateway processes, or one per processor', () => {
    const processes = (given: string) =>
      loadConfig({ SLUICE_GATEWAY_PROCESSES: given }).gatewayProcesses;
    expect(processes('64')).toBe(64);
    expect(processes('auto')).toBe(Math.min(64, availableParallelism()));
    for (const given of ['0', '65', '2.5', '-1', 'all', '02', '1e1']) {
      expect(defectsOf({ SLUICE_GATEWAY_PROCESSES: given })).toEqual([
        {
          field: 'SLUICE_GATEWAY_PROCESSES',
          given,
          expected: 'a whole number from 1 to 64, or auto (one per processor)',
        },
      ]);
    }
  });

  it('takes an empty variable for an unset one', () => {
    expect(loadConfig({ DATABASE_URL: '', SLUICE_GATEWAY_PORT: ' ' })).toEqual(loadConfig({}));
  });

  it('names every bad variable at once, with what was given and what is expected', () => {
    const defects = defectsOf({
      SLUICE_ROLES: 'gateway,worm',
      SLUICE_GATEWAY_PORT: '80a',
      SLUICE_CONTROL_PORT: '65536',
      SLUICE_GATEWAY_HOST: 'http://x/',
      SLUICE_ALLOW_LOOPBACK: 'maybe',
      SLUICE_GATEWAY_AUTH: 'none',
      SLUICE_LEASE_MS: '199',
      SLUICE_MAX_IN_FLIGHT: '0',
      SLUICE_MAX_QUEUE_MS: '9',
      SLUICE_PREDICTIONS_PER_SECOND: '-1',
      SLUICE_OUTCOME_POSTS_PER_SECOND: '1.5',
      SLUICE_LOG_LEVEL: 'loud',
      SLUICE_UPSTREAM_ALLOW: 'good, http://bad',
      DATABASE_URL: 'mysql://u:p@h/d',
      REDIS_URL: 'localhost',
      SLUICE_SECRET: 'short',
    });
    expect(defects.map(({ field }) => field)).toEqual([
      'SLUICE_ROLES',
      'SLUICE_GATEWAY_HOST',
      'SLUICE_GATEWAY_PORT',
      'SLUICE_CONTROL_PORT',
      'DATABASE_URL',
      'REDIS_URL',
      'SLUICE_SECRET',
      'SLUICE_UPSTREAM_ALLOW',
      'SLUICE_ALLOW_LOOPBACK',
      'SLUICE_GATEWAY_AUTH',
      'SLUICE_LEASE_MS',
      'SLUICE_MAX_IN_FLIGHT',
      'SLUICE_MAX_QUEUE_MS',
      'SLUICE_PREDICTIONS_PER_SECOND',
      'SLUICE_OUTCOME_POSTS_PER_SECOND',
      'SLUICE_LOG_LEVEL',
    ]);
    for (const { expected, given } of defects) expect([expected, given]).not.toContain(undefined);
    expect(defects[2]).toEqual({
      field: 'SLUICE_GATEWAY_PORT',
      given: '80a',
      expected: 'a port from 0 to 65535 (0: any free one)',
    });
  });

  it('never repeats a secret in a refusal', () => {
    const defects = defectsOf({
      DATABASE_URL: 'mysql://u:canary@h/d',
      SLUICE_SECRET: 'canary',
      REDIS_URL: 'canary',
    });
    expect(defects).toHaveLength(3);
    expect(JSON.stringify(defects)).not.toContain('canary');
  });

  it('refuses an unknown SLUICE_ variable and proposes the nearest name', () => {
    const defects = defectsOf({ SLUICE_GATEWAY_PROT: '1', SLUICE_DATADIR: 'x', OTHER: 'y' });
    expect(defects).toEqual([
      expect.objectContaining({
        field: 'SLUICE_GATEWAY_PROT',
        advice: 'did you mean SLUICE_GATEWAY_PORT?',
      }),
      expect.objectContaining({ field: 'SLUICE_DATADIR', advice: 'did you mean SLUICE_DATA_DIR?' }),
    ]);
  });

  it('refuses a process without the control role on an embedded database: nobody could share it', () => {
    expect(defectsOf({ SLUICE_ROLES: 'gateway' })).toEqual([
      expect.objectContaining({ field: 'DATABASE_URL' }),
    ]);
    expect(defectsOf({ SLUICE_ROLES: 'gateway', DATABASE_URL: 'postgres://h/d' })).toEqual([]);
  });

  it('refuses one port for both listeners unless it is any free one', () => {
    const same = { SLUICE_GATEWAY_PORT: '9000', SLUICE_CONTROL_PORT: '9000' };
    expect(defectsOf(same)).toEqual([expect.objectContaining({ field: 'SLUICE_CONTROL_PORT' })]);
    expect(defectsOf({ SLUICE_GATEWAY_PORT: '0', SLUICE_CONTROL_PORT: '0' })).toEqual([]);
    expect(defectsOf({ ...same, SLUICE_CONTROL_HOST: '0.0.0.0' })).toEqual([]);
  });
});
