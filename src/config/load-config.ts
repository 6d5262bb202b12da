import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { z } from 'zod';
import { SluiceError } from '../kernel/errors.js';
import type { Defect } from '../kernel/errors.js';
import type { Config, Role } from './config.js';
import { nearestName } from '../kernel/nearest-name.js';

const ROLES = ['gateway', 'control', 'worker'] as const satisfies readonly Role[];
const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'silent'] as const;
/** 16 characters of a good generator; less could be guessed. */
const SECRET_MIN_LENGTH = 16;
/** Below this a busy machine loses its lease between two renewals; above it a crash delays decisions for minutes. */
const LEASE_MIN_MS = 200;
const LEASE_MAX_MS = 600_000;
const LEASE_DEFAULT_MS = 5_000;
/** Each has connections to the database of its own (src/database): more would use up what one server bears. */
const GATEWAY_PROCESSES_MAX = 64;
/** Twice what one version may have under way by default: one that is stuck leaves as much to the others. */
const IN_FLIGHT_DEFAULT = 1_024;
/** A request and its answer take up to 2 MiB while they are under way: more than this no process could hold. */
const IN_FLIGHT_MAX = 65_536;
/** A wait that callers notice beside the time of a model; bursts and pauses of the collector stay below it. */
const QUEUE_DEFAULT_MS = 200;
const QUEUE_MIN_MS = 10;
const QUEUE_MAX_MS = 10_000;
/** More requests per second than a process can answer. */
const RATE_MAX = 1_000_000;
/** A week at least: a weekend without anybody must not cost the evidence of a Friday. */
const RETENTION_MIN_DAYS = 7;
const RETENTION_MAX_DAYS = 36_500;
/** Below it a busy gateway writes faster than it ships. */
const SHIP_SHARE_MIN = 0.05;
const SHIP_SHARE_DEFAULT = 0.5;
const HOST = /^[a-zA-Z0-9_.:*-]+$|^\[[0-9a-fA-F:.]+\]$/;
const UPSTREAM =
  /^(\*\.)?[a-zA-Z0-9_.-]+(:\d{1,5})?$|^[0-9a-fA-F:.]+\/\d{1,3}$|^\[[0-9a-fA-F:.]+\](:\d{1,5})?$|^[0-9a-fA-F]*:[0-9a-fA-F:.]+$/;

/** What each variable must be, in words: the same words appear in a refusal. */
const EXPECTED = {
  SLUICE_ROLES: `a comma-separated list of ${ROLES.join(', ')}`,
  SLUICE_GATEWAY_HOST: 'a host name or an IP address',
  SLUICE_GATEWAY_PORT: 'a port from 0 to 65535 (0: any free one)',
  SLUICE_GATEWAY_PROCESSES: `a whole number from 1 to ${GATEWAY_PROCESSES_MAX}, or auto (one per processor)`,
  SLUICE_CONTROL_HOST: 'a host name or an IP address',
  SLUICE_CONTROL_PORT: 'a port from 0 to 65535 (0: any free one)',
  SLUICE_DATA_DIR: 'the path of a folder',
  DATABASE_URL: 'postgres://user:password@host:port/database',
  REDIS_URL: 'redis://host:port or rediss://host:port',
  SLUICE_ADMIN_KEY: 'the text of a key',
  SLUICE_SECRET: `at least ${SECRET_MIN_LENGTH} characters`,
  SLUICE_UPSTREAM_ALLOW: 'a comma-separated list of hosts, host:port or CIDR blocks',
  SLUICE_ALLOW_LOOPBACK: 'true or false',
  SLUICE_GATEWAY_AUTH: 'open or key',
  SLUICE_LEASE_MS: `milliseconds, from ${LEASE_MIN_MS} to ${LEASE_MAX_MS}`,
  SLUICE_MAX_IN_FLIGHT: `a whole number from 1 to ${IN_FLIGHT_MAX}`,
  SLUICE_MAX_QUEUE_MS: `milliseconds, from ${QUEUE_MIN_MS} to ${QUEUE_MAX_MS}`,
  SLUICE_PREDICTIONS_PER_SECOND: `a whole number from 0 (no limit) to ${RATE_MAX}`,
  SLUICE_OUTCOME_POSTS_PER_SECOND: `a whole number from 0 (no limit) to ${RATE_MAX}`,
  SLUICE_RETENTION_DAYS: `days, from ${RETENTION_MIN_DAYS} to ${RETENTION_MAX_DAYS}, or forever`,
  SLUICE_SHIP_SHARE: `a number from ${SHIP_SHARE_MIN} to 1`,
  SLUICE_LOG_LEVEL: `one of ${LOG_LEVELS.join(', ')}`,
} as const;
type Name = keyof typeof EXPECTED;

const NAMES = Object.keys(EXPECTED) as readonly Name[];
/** Their values go into no message. */
const PRIVATE: readonly string[] = [
  'DATABASE_URL',
  'REDIS_URL',
  'SLUICE_ADMIN_KEY',
  'SLUICE_SECRET',
];

const list = z.string().transform((text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
);
const port = z
  .string()
  .regex(/^\d{1,5}$/)
  .transform(Number)
  .refine((value) => value <= 65_535);
const leaseMs = z
  .string()
  .regex(/^\d{1,6}$/)
  .transform(Number)
  .refine((value) => value >= LEASE_MIN_MS && value <= LEASE_MAX_MS);
const processes = z
  .string()
  .regex(/^(auto|[1-9]\d?)$/)
  .transform((text) => (text === 'auto' ? processorsToUse() : Number(text)))
  .refine((value) => value <= GATEWAY_PROCESSES_MAX);
const whole = (from: number, to: number): z.ZodType<number, string> =>
  z
    .string()
    .regex(/^\d{1,7}$/)
    .transform(Number)
    .refine((value) => value >= from && value <= to);
const retentionDays = z
  .string()
  .regex(/^(forever|\d{1,5})$/)
  .transform((text) => (text === 'forever' ? null : Number(text)))
  .refine((days) => days === null || (days >= RETENTION_MIN_DAYS && days <= RETENTION_MAX_DAYS));
const shipShare = z
  .string()
  .regex(/^[01](\.\d{1,3})?$/)
  .transform(Number)
  .refine((share) => share >= SHIP_SHARE_MIN && share <= 1);
const truth = z
  .enum(['true', 'false', '1', '0', 'yes', 'no'])
  .transform((text) => text === 'true' || text === '1' || text === 'yes');
const urlOf = (...schemes: readonly string[]): z.ZodType<string, string> =>
  z.string().refine((text) => URL.canParse(text) && schemes.includes(new URL(text).protocol));

const schema = z.object({
  SLUICE_ROLES: list
    .pipe(z.array(z.enum(ROLES)).min(1))
    .transform((roles) => [...new Set(roles)])
    .default([...ROLES]),
  SLUICE_GATEWAY_HOST: z.string().regex(HOST).default('127.0.0.1'),
  SLUICE_GATEWAY_PORT: port.default(8080),
  SLUICE_GATEWAY_PROCESSES: processes.default(1),
  SLUICE_CONTROL_HOST: z.string().regex(HOST).default('127.0.0.1'),
  SLUICE_CONTROL_PORT: port.default(8081),
  SLUICE_DATA_DIR: z.string().default('.sluice'),
  DATABASE_URL: urlOf('postgres:', 'postgresql:').nullable().default(null),
  REDIS_URL: urlOf('redis:', 'rediss:').nullable().default(null),
  SLUICE_ADMIN_KEY: z.string().nullable().default(null),
  SLUICE_SECRET: z.string().min(SECRET_MIN_LENGTH).nullable().default(null),
  SLUICE_UPSTREAM_ALLOW: list.pipe(z.array(z.string().regex(UPSTREAM))).default([]),
  SLUICE_ALLOW_LOOPBACK: truth.default(false),
  SLUICE_GATEWAY_AUTH: z.enum(['open', 'key']).default('open'),
  SLUICE_LEASE_MS: leaseMs.default(LEASE_DEFAULT_MS),
  SLUICE_MAX_IN_FLIGHT: whole(1, IN_FLIGHT_MAX).default(IN_FLIGHT_DEFAULT),
  SLUICE_MAX_QUEUE_MS: whole(QUEUE_MIN_MS, QUEUE_MAX_MS).default(QUEUE_DEFAULT_MS),
  SLUICE_PREDICTIONS_PER_SECOND: whole(0, RATE_MAX).default(0),
  SLUICE_OUTCOME_POSTS_PER_SECOND: whole(0, RATE_MAX).default(0),
  SLUICE_RETENTION_DAYS: retentionDays.nullable().default(null),
  SLUICE_SHIP_SHARE: shipShare.default(SHIP_SHARE_DEFAULT),
  SLUICE_LOG_LEVEL: z.enum(LOG_LEVELS).default('info'),
});

/**
 * The configuration that the environment asks for.
 *
 * @param env variables by name; an empty one counts as unset
 * @throws SluiceError `invalid_input` with one defect per bad or unknown variable, all at once
 */
export function loadConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.fromEntries(
    NAMES.flatMap((name) => (isSet(env[name]) ? [[name, env[name]?.trim()]] : [])),
  );
  const parsed = schema.safeParse(given);
  const defects = [
    ...unknownNames(env),
    ...(parsed.success ? togetherDefects(parsed.data) : badValues(parsed.error, given)),
  ];
  if (defects.length > 0 || !parsed.success) {
    const names = defects.map((defect) => defect.field).join(', ');
    throw new SluiceError('invalid_input', `the environment is not usable: ${names}`, defects);
  }
  return toConfig(parsed.data);
}

function toConfig(values: z.output<typeof schema>): Config {
  return {
    roles: values.SLUICE_ROLES,
    gatewayHost: values.SLUICE_GATEWAY_HOST,
    gatewayPort: values.SLUICE_GATEWAY_PORT,
    gatewayProcesses: values.SLUICE_GATEWAY_PROCESSES,
    controlHost: values.SLUICE_CONTROL_HOST,
    controlPort: values.SLUICE_CONTROL_PORT,
    dataDir: resolve(values.SLUICE_DATA_DIR),
    databaseUrl: values.DATABASE_URL,
    redisUrl: values.REDIS_URL,
    adminKey: values.SLUICE_ADMIN_KEY,
    secret: values.SLUICE_SECRET,
    upstreamAllow: values.SLUICE_UPSTREAM_ALLOW,
    allowLoopback: values.SLUICE_ALLOW_LOOPBACK,
    gatewayAuth: values.SLUICE_GATEWAY_AUTH,
    leaseMs: values.SLUICE_LEASE_MS,
    maxInFlight: values.SLUICE_MAX_IN_FLIGHT,
    maxQueueMs: values.SLUICE_MAX_QUEUE_MS,
    predictionsPerSecond: values.SLUICE_PREDICTIONS_PER_SECOND,
    outcomePostsPerSecond: values.SLUICE_OUTCOME_POSTS_PER_SECOND,
    retentionDays: values.SLUICE_RETENTION_DAYS,
    shipShare: values.SLUICE_SHIP_SHARE,
    logLevel: values.SLUICE_LOG_LEVEL,
  };
}

/** Processors that this process may use, as far as the system tells. */
function processorsToUse(): number {
  return Math.min(GATEWAY_PROCESSES_MAX, availableParallelism());
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value.trim() !== '';
}

/** A mistyped name would silently mean the default. */
function unknownNames(env: Readonly<Record<string, string | undefined>>): readonly Defect[] {
  const unknown = Object.keys(env).filter(
    (name) => name.startsWith('SLUICE_') && !(name in EXPECTED),
  );
  return unknown.map((field) => ({
    field,
    expected: 'a variable that Sluice knows',
    advice: didYouMean(field),
  }));
}

function didYouMean(field: string): string {
  const meant = nearestName(field, NAMES);
  return meant === null ? `one of ${NAMES.join(', ')}` : `did you mean ${meant}?`;
}

function badValues(error: z.ZodError, given: Readonly<Record<string, unknown>>): readonly Defect[] {
  const names = new Set(error.issues.map((issue) => String(issue.path[0])));
  return NAMES.filter((name) => names.has(name)).map((field) => ({
    field,
    given: PRIVATE.includes(field) ? '(not shown)' : given[field],
    expected: EXPECTED[field],
  }));
}

/** Values that are fine by themselves and cannot work together. */
function togetherDefects(values: z.output<typeof schema>): readonly Defect[] {
  const defects: Defect[] = [];
  if (values.DATABASE_URL === null && !values.SLUICE_ROLES.includes('control')) {
    defects.push({
      field: 'DATABASE_URL',
      given: null,
      expected: 'a database shared with the process that has the role control',
      advice:
        'the embedded database belongs to one process: set DATABASE_URL in all of them, or run all roles in one',
    });
  }
  const {
    SLUICE_GATEWAY_PORT: gateway,
    SLUICE_CONTROL_PORT: control,
    SLUICE_ROLES: roles,
  } = values;
  const serves = roles.includes('gateway') && roles.includes('control');
  if (
    serves &&
    gateway !== 0 &&
    gateway === control &&
    values.SLUICE_GATEWAY_HOST === values.SLUICE_CONTROL_HOST
  ) {
    defects.push({
      field: 'SLUICE_CONTROL_PORT',
      given: String(control),
      expected: 'another port than SLUICE_GATEWAY_PORT',
    });
  }
  return defects;
}
