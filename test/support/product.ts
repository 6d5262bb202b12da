import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceClient } from '../../demo/sluice-client.js';
import { until } from './sluice.js';
import { START_FLAGS } from './start-flags.js';

const top = join(import.meta.dirname, '..', '..');
const ADMIN_KEY = 'admin-key-of-the-faults-0123456789';
/** The first start makes a cluster; on a busy machine that takes its time. */
const START_MS = 90_000;
/** It promises to be gone within 25 s. */
const END_MS = 35_000;
/** Of what the process printed, for a message when it does not start. */
const KEPT_OUTPUT_LENGTH = 8_000;
const KEPT_LINES = 1_000;
/** A full collection takes a tenth of a second; a stopped process none. */
const COLLECTED_MS = 3_000;

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly elapsedMs: number;
}

/** As much of `/status` as the tests look at. */
export interface ProductStatus {
  readonly configVersion: number | null;
  readonly spool: {
    readonly unshippedBytes: number;
    readonly lagSeconds: number;
    readonly failure: string | null;
  };
  readonly gateways: readonly {
    readonly index: number;
    readonly pid: number | null;
    readonly restarts: number;
    readonly listening: boolean;
    readonly configVersion: number | null;
  }[];
}

export interface ProductOptions {
  /** Further variables of its environment, such as `SLUICE_ROLES`. */
  readonly env?: Readonly<Record<string, string>>;
  /** Modules of test/support that it loads before its own. */
  readonly imports?: readonly string[];
  /** As `ulimit -n`: descriptors that it may have open. */
  readonly maxOpenFiles?: number;
  /** Where its data folder is to be made; by default the system's folder for temporary files. */
  readonly parentDir?: string;
}

/** Bytes after a full collection. */
export interface Memory {
  readonly rss: number;
  /** On the heap and outside of it, reachable. */
  readonly live: number;
}

/** A line that the process printed, and when it came (`performance.now()`). */
interface Said {
  readonly atMs: number;
  readonly line: string;
}

/** The product as a process of its own that can be killed and started again on the same folder and ports. */
export class Product {
  readonly admin: SluiceClient;
  private child: ChildProcess | null = null;
  private text = '';
  private said: Said[] = [];
  private readonly env: Readonly<Record<string, string>>;

  private constructor(
    readonly dataDir: string,
    databaseUrl: string | null,
    private readonly options: ProductOptions,
    ports: readonly [number, number],
  ) {
    this.env = {
      ...(databaseUrl === null ? {} : { DATABASE_URL: databaseUrl }),
      ...options.env,
      SLUICE_GATEWAY_PORT: String(ports[0]),
      SLUICE_CONTROL_PORT: String(ports[1]),
    };
    this.admin = new SluiceClient({
      gatewayUrl: `http://127.0.0.1:${ports[0]}`,
      controlUrl: `http://127.0.0.1:${ports[1]}`,
      adminKey: ADMIN_KEY,
    });
  }

  /** Not started yet; without a database URL it brings its own embedded database. */
  static async in(databaseUrl: string | null, options: ProductOptions = {}): Promise<Product> {
    const folder = await mkdtemp(join(options.parentDir ?? tmpdir(), 'sluice-faults-'));
    return new Product(folder, databaseUrl, options, await freePorts());
  }

  /** Null while it does not run. */
  get pid(): number | null {
    return this.isAlive() ? (this.child?.pid ?? null) : null;
  }

  /** The end of what it printed. */
  get output(): string {
    return this.text;
  }

  /** Lines that it printed since a moment of `performance.now()`. */
  saidSince(sinceMs: number): readonly string[] {
    return this.said.filter(({ atMs }) => atMs >= sinceMs).map(({ line }) => line);
  }

  /** Milliseconds that the process was ready to run and others had the processor; 0 where the system does not tell. */
  get waitedForCpuMs(): number {
    const path = `/proc/${this.child?.pid ?? 0}/schedstat`;
    return existsSync(path) ? Number(readFileSync(path, 'utf8').split(' ')[1]) / 1e6 : 0;
  }

  /** Starts the process and returns at once. */
  spawn(): void {
    if (this.isAlive()) throw new Error('the product runs already');
    const { imports = [], maxOpenFiles } = this.options;
    const modules = ['run-typescript.mjs', ...imports].flatMap((name) => [
      '--import',
      join(top, 'test/support', name),
    ]);
    const command = [process.execPath, ...START_FLAGS, ...modules, join(top, 'src/main.ts')];
    // the shell becomes the process, so that its id is the one that is killed
    const limited =
      maxOpenFiles === undefined
        ? command
        : ['sh', '-c', `ulimit -n ${maxOpenFiles} && exec "$0" "$@"`, ...command];
    const child = spawn(limited[0] ?? '', limited.slice(1), {
      cwd: top,
      env: {
        PATH: process.env['PATH'],
        SLUICE_DATA_DIR: this.dataDir,
        SLUICE_ADMIN_KEY: ADMIN_KEY,
        SLUICE_ALLOW_LOOPBACK: '1',
        SLUICE_LOG_LEVEL: 'warn',
        // a machine that does other things too is no overload: what is given up then has a test of its own
        SLUICE_MAX_QUEUE_MS: '10000',
        ...this.env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const keep = (chunk: Buffer): void => {
      const text = chunk.toString();
      this.text = (this.text + text).slice(-KEPT_OUTPUT_LENGTH);
      const lines = text.split('\n').filter((line) => line !== '');
      this.said.push(...lines.map((line) => ({ atMs: performance.now(), line })));
      this.said = this.said.slice(-KEPT_LINES);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    this.child = child;
    // a test run that is broken off must not leave servers behind
    const kill = (): void => void child.kill('SIGKILL');
    process.once('exit', kill);
    child.once('exit', () => process.off('exit', kill));
  }

  /** Starts the process; resolves with the milliseconds until its control plane and database work. */
  async start(): Promise<number> {
    const sinceMs = performance.now();
    this.spawn();
    const what = 'the product works';
    const usable = async () => ((await this.isUsable()) ? true : null);
    await until(what, usable, START_MS).catch((error: unknown) => {
      throw new Error(`${String(error)}; it said: ${this.text}`);
    });
    return performance.now() - sinceMs;
  }

  /** With the role control once its database works, else once it is ready. */
  private async isUsable(): Promise<boolean> {
    const roles = this.env['SLUICE_ROLES'];
    if (roles?.includes('control') !== false) return (await this.admin.whyNotUsable()) === null;
    const { gatewayUrl, controlUrl } = this.admin.address;
    const url = roles.includes('gateway') ? gatewayUrl : controlUrl;
    return fetch(`${url}/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  }

  /** Sends a signal and does not wait: SIGSTOP, SIGCONT. */
  signal(signal: NodeJS.Signals): void {
    this.child?.kill(signal);
  }

  /** What is left after a full collection (module `collecting.mjs`); null where it does not answer. */
  async collected(): Promise<Memory | null> {
    const sinceMs = performance.now();
    this.signal('SIGUSR2');
    while (performance.now() - sinceMs < COLLECTED_MS) {
      await sleep(100);
      const line = this.saidSince(sinceMs).find((one) => one.startsWith('collected '));
      if (line !== undefined) return JSON.parse(line.slice('collected '.length)) as Memory;
    }
    return null;
  }

  /** Sends a signal and waits for the end; a process that outlives its own deadline by far is killed. */
  async end(signal: NodeJS.Signals): Promise<Exit> {
    const { child } = this;
    if (child === null) throw new Error('the product was not started');
    const sinceMs = performance.now();
    if (this.isAlive()) {
      const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      child.kill(signal);
      const patience = setTimeout(() => {
        const cpu = existsSync(`/proc/${child.pid}/stat`)
          ? readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(' ').slice(2, 15).join(' ')
          : '';
        process.stderr.write(`killed after ${END_MS} ms (${cpu}); it said: ${this.text}\n`);
        child.kill('SIGKILL');
      }, END_MS);
      await exited;
      clearTimeout(patience);
    }
    return {
      code: child.exitCode,
      signal: child.signalCode,
      elapsedMs: performance.now() - sinceMs,
    };
  }

  private isAlive(): boolean {
    return this.child?.exitCode === null && this.child.signalCode === null;
  }

  /** The sum of a metric's samples at the gateway (or, without that role, at the control port); null: not there. */
  async metric(name: string, where: 'gateway' | 'control' = 'gateway'): Promise<number | null> {
    const { gatewayUrl, controlUrl } = this.admin.address;
    const url = where === 'gateway' ? gatewayUrl : controlUrl;
    const text = await (await fetch(`${url}/metrics`)).text();
    const samples = text
      .split('\n')
      .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
      .map((line) => Number(line.slice(line.lastIndexOf(' ') + 1)));
    return samples.length === 0 ? null : samples.reduce((sum, value) => sum + value, 0);
  }

  async status(): Promise<ProductStatus> {
    const response = await fetch(`${this.admin.address.controlUrl}/status`);
    return (await response.json()) as ProductStatus;
  }

  /** Reads the embedded database's URL out of its folder; it answers only while the server runs. */
  embeddedUrl(): string {
    const remembered = join(this.dataDir, 'postgres.path');
    const root = existsSync(remembered)
      ? readFileSync(remembered, 'utf8').trim()
      : join(this.dataDir, 'postgres');
    const socketDir = readFileSync(join(root, 'data', 'postmaster.pid'), 'utf8').split('\n')[4];
    const password = readFileSync(join(this.dataDir, 'postgres.password'), 'utf8').trim();
    return `postgres://sluice:${password}@localhost:5432/sluice?host=${encodeURIComponent(socketDir ?? '')}`;
  }

  /** Ends the process and removes its folder. */
  async dispose(): Promise<void> {
    if (this.child !== null) await this.end('SIGTERM');
    await rm(this.dataDir, { recursive: true, force: true });
  }
}

/** Two ports that were free a moment ago; both are held before either is given back. */
async function freePorts(): Promise<readonly [number, number]> {
  const servers = [createServer(), createServer()] as const;
  const ports: number[] = [];
  for (const server of servers) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ports.push((server.address() as AddressInfo).port);
  }
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
  return [ports[0] ?? 0, ports[1] ?? 0];
}
