import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const top = join(import.meta.dirname, '..', '..');
/** Of what a process printed, for whoever looks into a failure. */
const KEPT_OUTPUT_LENGTH = 4_000;

/** The product with the role worker as a process of its own, which can be stopped, killed and started again. */
export class WorkerProcess {
  /** Database role that it connects as; tells the tests who did something. */
  readonly name: string;
  private readonly dataDir = mkdtempSync(join(tmpdir(), 'sluice-worker-'));
  private readonly env: Readonly<Record<string, string>>;
  private child: ChildProcess | null = null;
  private text = '';

  constructor(databaseUrl: string, leaseMs: number) {
    this.name = new URL(databaseUrl).username;
    this.env = { DATABASE_URL: databaseUrl, SLUICE_LEASE_MS: String(leaseMs) };
  }

  get output(): string {
    return this.text;
  }

  start(): void {
    const hooks = join(top, 'test/support/run-typescript.mjs');
    const child = spawn(process.execPath, ['--import', hooks, join(top, 'src/main.ts')], {
      cwd: top,
      env: {
        PATH: process.env['PATH'],
        SLUICE_ROLES: 'worker',
        SLUICE_CONTROL_PORT: '0',
        SLUICE_DATA_DIR: this.dataDir,
        SLUICE_SECRET: 'a secret of the workers',
        SLUICE_LOG_LEVEL: 'warn',
        ...this.env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const keep = (chunk: Buffer): void => {
      this.text = (this.text + chunk.toString()).slice(-KEPT_OUTPUT_LENGTH);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    this.child = child;
    // a test run that is broken off must not leave workers behind
    const kill = (): void => void child.kill('SIGKILL');
    process.once('exit', kill);
    child.once('exit', () => process.off('exit', kill));
  }

  /** SIGSTOP: it does not know that time passes. */
  pause(): void {
    this.child?.kill('SIGSTOP');
  }

  /** SIGCONT: it goes on in the middle of what it did. */
  resume(): void {
    this.child?.kill('SIGCONT');
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    const { child } = this;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGKILL');
    await gone;
  }

  async dispose(): Promise<void> {
    await this.kill();
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}
