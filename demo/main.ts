import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { runAa, toleratedActions } from './aa.js';
import { mistakesOf } from './canary.js';
import { MODEL } from './design.js';
import type { DemoOptions } from './options.js';
import { HELP, parseOptions } from './options.js';
import { paintWith, percent } from './paint.js';
import { seededRandom, shuffled } from './random.js';
import type { Material, VersionServers } from './setup.js';
import {
  closeServers,
  defineMetrics,
  prepareMaterial,
  registerModel,
  serveVersions,
  withOutcomeKey,
} from './setup.js';
import type { SluiceClient } from './sluice-client.js';
import type { SluiceProcess } from './sluice-process.js';
import { startSluiceProcess } from './sluice-process.js';
import type { Mode } from './stories.js';
import { runStories } from './stories.js';
import { renderSummary, summarise } from './summary.js';
import { isColoured, openDisplay } from './terminal.js';
import { Traffic } from './traffic.js';
import { intervalInWords } from './view.js';

interface Stage {
  readonly options: DemoOptions;
  readonly material: Material;
  readonly servers: VersionServers;
  readonly sluice: SluiceProcess;
  /** With the key that may post outcomes. */
  readonly client: SluiceClient;
  readonly tag: string;
  readonly startedAtMs: number;
  /** Resolves at the first signal to stop. */
  readonly interrupted: Promise<void>;
}

const KEEP_MAILS_PER_SECOND = 2;
const KEEP_LABEL_DELAY_MS = [2_000, 6_000] as const;
const EXIT_INTERRUPTED = 130;

async function main(): Promise<number> {
  const parsed = parseOptions(process.argv.slice(2));
  if (parsed.kind === 'help') {
    process.stdout.write(HELP);
    return 0;
  }
  if (parsed.kind === 'wrong') {
    process.stderr.write(`${parsed.message}\n\n${HELP}`);
    return 2;
  }
  const { options } = parsed;
  const interrupted = firstSignal();
  const startedAtMs = Date.now();
  say('reading mails and training three versions …');
  const material = prepareMaterial(options);
  const { accuracy, train, mails } = material;
  const shares = Object.entries(accuracy).map(([name, share]) => `${name} ${percent(share)}`);
  say(
    `trained on ${train} mails; accuracy on those held out: ${shares.join(', ')}; sending ${mails.length}`,
  );
  const servers = await serveVersions(material.versions);
  try {
    say('starting Sluice …');
    const sluice = await startSluiceProcess(interrupted);
    if (sluice === null) return EXIT_INTERRUPTED;
    return await onStage({ options, material, servers, sluice, startedAtMs, interrupted });
  } finally {
    await closeServers(servers);
  }
}

/** Heard from the beginning, so that no moment is left in which a signal would leave a database behind. */
function firstSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, resolve);
  });
}

async function onStage(parts: Omit<Stage, 'client' | 'tag'>): Promise<number> {
  const { sluice, options, servers, interrupted } = parts;
  // Ctrl-C before the end is an interruption; while everything is kept running it is the way to end it
  let code = EXIT_INTERRUPTED;
  const died = sluice.died.then((why): never => {
    throw new Error(why);
  });
  const perform = async (): Promise<void> => {
    const client = await withOutcomeKey(sluice.client);
    await defineMetrics(client);
    const tag = sluice.isKept ? `-${parts.startedAtMs.toString(36)}` : '';
    const stage: Stage = { ...parts, client, tag };
    if (options.runs > 1) {
      code = await runManyAa(stage);
      return;
    }
    await registerModel(client, MODEL, servers);
    code = await tellStories(stage);
    if (options.keep) await keepRunning(stage);
  };
  try {
    await Promise.race([perform(), interrupted, died]);
    return code;
  } finally {
    await sluice.stop();
  }
}

async function tellStories(stage: Stage): Promise<number> {
  const { options, material, client, tag, startedAtMs } = stage;
  const { seed, speed } = options;
  const mode: Mode = options.aa ? 'aa' : options.shuffleLabels ? 'shuffled' : 'normal';
  const display = openDisplay(process.stdout);
  const headline = `gateway ${client.address.gatewayUrl}  control ${client.address.controlUrl}`;
  let stories;
  try {
    stories = await runStories({
      mode,
      seed,
      speed,
      tag,
      client,
      mails: material.mails,
      onChange: (canaries) =>
        display.update({ nowMs: Date.now(), startedAtMs, headline, canaries }),
    });
  } finally {
    display.close();
  }
  const summary = summarise({
    mode,
    seed,
    speed,
    seconds: (Date.now() - startedAtMs) / 1000,
    train: material.train,
    heldOut: material.heldOut,
    accuracy: material.accuracy,
    stories,
  });
  const paint = paintWith(isColoured(process.stdout));
  say(['', ...renderSummary(summary, stories, paint), ''].join('\n'));
  if (options.json !== null) await writeFile(options.json, `${JSON.stringify(summary, null, 2)}\n`);
  return summary.asExpected && summary.replayed.identical === summary.replayed.of ? 0 : 1;
}

async function runManyAa(stage: Stage): Promise<number> {
  const { options, client, servers, material, tag, startedAtMs } = stage;
  const { runs, seed, speed } = options;
  say(`${runs} experiments with nothing to find (v2 is a copy of v1) …`);
  const results = await runAa({
    client,
    servers,
    mails: material.mails,
    runs,
    seed,
    speed,
    tag,
    onEnd: ({ run, canary }) => {
      const metric = mistakesOf(canary);
      const figures = metric === null ? 'no report' : intervalInWords(metric);
      const n = metric === null ? '' : `n ${metric.control.n} and ${metric.treatment.n}, `;
      say(`run ${String(run).padStart(3)}: ${canary.verdict.padEnd(8)} ${n}difference ${figures}`);
    },
  });
  const count = (verdict: string): number =>
    results.filter(({ canary }) => canary.verdict === verdict).length;
  const acted = count('promote') + count('rollback');
  const tolerated = toleratedActions(runs);
  const replayed = results.reduce((sum, { canary }) => sum + (canary.replayed?.identical ?? 0), 0);
  const decisions = results.reduce((sum, { canary }) => sum + (canary.replayed?.of ?? 0), 0);
  const seconds = Math.round((Date.now() - startedAtMs) / 1000);
  say(
    `${count('promote')} promoted and ${count('rollback')} rolled back of ${runs} (at most ${tolerated} tolerated); ` +
      `replayed ${replayed} of ${decisions} identical; ${seconds} s, seed ${seed}`,
  );
  if (options.json !== null) {
    const runsInShort = results.map(({ run, canary }) => ({
      run,
      verdict: canary.verdict,
      metric: mistakesOf(canary),
    }));
    await writeFile(
      options.json,
      `${JSON.stringify({ seed, runs: runsInShort, acted, tolerated }, null, 2)}\n`,
    );
  }
  return acted <= tolerated && replayed === decisions ? 0 : 1;
}

/** Leaves something to look at: a light stream of mails until Ctrl-C. */
async function keepRunning({ client, sluice, material, options }: Stage): Promise<void> {
  const { gatewayUrl, controlUrl, adminKey } = client.address;
  say(
    [
      'everything keeps running, with a light stream of mails, until Ctrl-C:',
      `  gateway    ${gatewayUrl}/models/${MODEL}/score`,
      `  control    ${controlUrl}/api/v1`,
      `  console    ${controlUrl}`,
      `  docs       ${controlUrl}/api/docs`,
      `  admin key  ${adminKey}`,
      `  data       ${sluice.dataDir}`,
      `  log        ${sluice.logFile}`,
      '',
    ].join('\n'),
  );
  const random = seededRandom(options.seed);
  for (let round = 1; ; round += 1) {
    const traffic = new Traffic(client, {
      model: MODEL,
      mailsPerSecond: KEEP_MAILS_PER_SECOND,
      labelDelayMs: KEEP_LABEL_DELAY_MS,
      random,
    });
    await traffic.run(
      shuffled(material.mails, random),
      `later-${round}`,
      new AbortController().signal,
    );
    await sleep(1_000);
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

// exit() and not exitCode: after Ctrl-C requests and timers of the interrupted story are still under way
try {
  process.exit(await main());
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
