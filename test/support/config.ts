import type { Config } from '../../src/config/config.js';

/** A configuration for tests: any free ports on loopback, everything in one process, quiet. */
export function testConfig(changes: Partial<Config> & Pick<Config, 'dataDir'>): Config {
  return {
    roles: ['gateway', 'control', 'worker'],
    gatewayHost: '127.0.0.1',
    gatewayPort: 0,
    gatewayProcesses: 1,
    controlHost: '127.0.0.1',
    controlPort: 0,
    databaseUrl: null,
    redisUrl: null,
    adminKey: null,
    secret: 'a secret that only tests use',
    upstreamAllow: [],
    allowLoopback: true,
    gatewayAuth: 'open',
    leaseMs: 5_000,
    maxInFlight: 1_024,
    maxQueueMs: 200,
    predictionsPerSecond: 0,
    outcomePostsPerSecond: 0,
    retentionDays: null,
    shipShare: 0.5,
    logLevel: 'silent',
    ...changes,
  };
}
