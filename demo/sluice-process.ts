import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { SluiceClient } from './sluice-client.js';

/** The product itself, as `npm start` runs it. */
export interface SluiceProcess {
  readonly client: SluiceClient;
  readonly dataDir: string;
  readonly logFile: string;
  /** True when the data survive the demo, so an earlier demo may have left something there. */
  readonly isKept: boolean;
  /** Resolves with a sentence when the process ends without having been asked to. */
  readonly died: Promise<string>;
  stop(): Promise<void>;
}

const MAIN = fileURLToPath(new URL('../src/main.js', import.meta.url));
/** The first start unpacks and initialises a database; on a slow shared machine that takes its time. */
const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 30_000;
const POLL_MS = 200;
const LOG_LINES_SHOWN = 15;

/** Starts it and waits until it can be used; null when `interrupted` resolved first, and nothing is left then. */
export async function startSluiceProcess(
  interrupted: Promise<void>,
): Promise<SluiceProcess | null> {
  const given = process.env['SLUICE_DATA_DIR'];
  const dataDir = given ?? (await mkdtemp(join(tmpdir(), 'sluice-demo-')));
  const logFile = join(tmpdir(), `sluice-demo-${process.pid}.log`);
  const gatewayPort = await portFor('SLUICE_GATEWAY_PORT', 8080);
  const controlPort = await portFor('SLUICE_CONTROL_PORT', 8081, gatewayPort);
  const adminKey = process.env['SLUICE_ADMIN_KEY'] ?? `demo-${randomBytes(20).toString('hex')}`;
  const log = await open(logFile, 'w');
  const child = spawn(process.execPath, [MAIN], {
    stdio: ['ignore', log.fd, log.fd],
    // a group of its own: Ctrl-C must reach the demo alone, which then ends Sluice in order; a second signal would cut that short
    detached: true,
    env: {
      ...process.env,
      SLUICE_DATA_DIR: dataDir,
      SLUICE_GATEWAY_PORT: String(gatewayPort),
      SLUICE_CONTROL_PORT: String(controlPort),
      SLUICE_ADMIN_KEY: adminKey,
      SLUICE_ALLOW_LOOPBACK: '1',
    },
  });
  await log.close();
  const exit = watch(child);
  const client = new SluiceClient({
    gatewayUrl: `http://127.0.0.1:${gatewayPort}`,
    controlUrl: `http://127.0.0.1:${controlPort}`,
    adminKey,
  });
  const clean = async (): Promise<void> => {
    await end(child, exit.ended);
    if (given === undefined) await rm(dataDir, { recursive: true, force: true });
  };
  const stop = async (): Promise<void> => {
    await clean();
    await rm(logFile, { force: true });
  };
  const died = exit.ended.then(
    async (how) => `Sluice ended ${how}; its log is ${logFile}\n${await tail(logFile)}`,
  );
  try {
    const failure = died.then((why) => Promise.reject(new Error(why)));
    const isUsable = usable(client).then(() => true);
    if (!(await Promise.race([isUsable, failure, interrupted.then(() => false)]))) {
      await stop();
      return null;
    }
  } catch (error) {
    await clean();
    throw error;
  }
  const isKept = given !== undefined || process.env['DATABASE_URL'] !== undefined;
  return { client, dataDir, logFile, isKept, died, stop };
}

/** The port that the environment or the product names, or a free one where that is taken. */
async function portFor(variable: string, usual: number, taken?: number): Promise<number> {
  const given = process.env[variable];
  if (given !== undefined) return Number(given);
  if (usual !== taken && (await isFree(usual))) return usual;
  return freePort();
}

async function isFree(port: number): Promise<boolean> {
  try {
    await listenOnce(port);
    return true;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  return listenOnce(0);
}

async function listenOnce(port: number): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, () => {
      const { port: bound } = server.address() as AddressInfo;
      server.close(() => resolve(bound));
    });
  });
}

async function usable(client: SluiceClient): Promise<void> {
  const deadlineMs = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const obstacle = await client.whyNotUsable();
    if (obstacle === null) return;
    if (Date.now() > deadlineMs) {
      throw new Error(`Sluice was not usable after ${START_TIMEOUT_MS / 1000} s: ${obstacle}`);
    }
    await sleep(POLL_MS);
  }
}

function watch(child: ChildProcess): { readonly ended: Promise<string> } {
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`before it began: ${error.message}`));
    child.once('exit', (code, signal) => resolve(`with ${signal ?? `exit code ${String(code)}`}`));
  });
  return { ended };
}

async function end(child: ChildProcess, ended: Promise<string>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const timeout = new AbortController();
  const late = sleep(STOP_TIMEOUT_MS, true, { signal: timeout.signal }).catch(() => false);
  const isLate = await Promise.race([ended.then(() => false), late]);
  timeout.abort();
  if (isLate) child.kill('SIGKILL');
  await ended;
}

async function tail(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-LOG_LINES_SHOWN).join('\n');
}
