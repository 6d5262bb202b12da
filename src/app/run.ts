import type { FirstKey } from '../auth/first-key.service.js';
import { loadConfig } from '../config/load-config.js';
import { SluiceError } from '../kernel/errors.js';
import { listen } from './start.js';
import type { StartingSluice } from './start.js';

/** Within this the process is gone, whatever hangs; supervisors kill after 30 s. */
const SHUTDOWN_DEADLINE_MS = 24_000;

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** Runs the product as a process: prints where it is, ends in order at the first signal and at once at the second. */
export async function run(env: NodeJS.ProcessEnv): Promise<void> {
  const state: { isStopping: boolean } = { isStopping: false };
  const started = Promise.resolve(env).then(loadConfig).then(listen);
  const stop = (exitCode: number): void => {
    if (state.isStopping) process.exit(130);
    state.isStopping = true;
    setTimeout(() => process.exit(1), SHUTDOWN_DEADLINE_MS).unref();
    void started
      .then((sluice) => sluice.close())
      .then(
        () => process.exit(exitCode),
        () => process.exit(1),
      );
  };
  // whoever read our output may leave without taking the process along
  process.stdout.on('error', () => undefined);
  for (const signal of SIGNALS) process.on(signal, () => stop(0));
  try {
    const sluice = await started;
    process.stdout.write(whereText(sluice));
    process.stdout.write(keyText(await sluice.firstKey()));
  } catch (error) {
    // a stop during the start makes it fail too; that is no news
    if (state.isStopping) return;
    process.stderr.write(refusalText(error));
    stop(1);
  }
}

export function whereText(sluice: Omit<StartingSluice, 'firstKey' | 'close'>): string {
  const { roles, gatewayUrl, controlUrl } = sluice;
  const lines = [
    'Sluice is listening',
    ...(gatewayUrl === null ? [] : [`  gateway  ${gatewayUrl}/models/{model}/…`]),
    ...(roles.includes('control')
      ? [
          `  console  ${controlUrl}`,
          `  control  ${controlUrl}/api/v1`,
          `  docs     ${controlUrl}/api/docs`,
        ]
      : []),
    `  status   ${controlUrl}/status`,
  ];
  return `\n${lines.join('\n')}\n\n`;
}

export function keyText(first: FirstKey): string {
  if (first.kind !== 'made') return '';
  const line = '─'.repeat(72);
  return `${line}\n  Admin key, shown this once. Keep it: nothing can show it again.\n\n    ${first.key}\n\n  Use it as  authorization: Bearer <key>\n${line}\n\n`;
}

/** What stopped the start, for the person in front of it; the stack only where the fault is ours. */
export function refusalText(error: unknown): string {
  if (!(error instanceof SluiceError) || error.code === 'internal') {
    return `sluice cannot start: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`;
  }
  const defects = error.defects.map(({ field, expected, advice }) =>
    [
      `  ${field ?? ''}`,
      expected === undefined ? '' : `: expected ${expected}`,
      advice === undefined ? '' : ` (${advice})`,
    ].join(''),
  );
  return [`sluice cannot start: ${error.message}`, ...defects, ''].join('\n');
}
