// Ten minutes of steady load with a fault every five seconds: nothing may be lost, doubled or unanswered, and memory and
// descriptors must stay flat. `npm run test:soak -- --minutes 10 --rate 500 --every 5 --seed 1`
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Logger } from '@nestjs/common';
import { audit, CLEAN } from '../support/audit.js';
import { auditDecisions, SOUND } from '../support/decision-audit.js';
import { checkLog, drained, goesOn } from '../support/fault-scene.js';
import { tableOf } from '../support/scoreboard.js';
import { FAULTS, type SoakScene, startSoak } from './scene.js';
import { Watch } from './watch.js';

const PRINT_MS = 30_000;
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    rate: { type: 'string', default: '500' },
    every: { type: 'string', default: '5' },
    seed: { type: 'string', default: '1' },
  },
});
const [minutes, rate, everyS, seed] = [values.minutes, values.rate, values.every, values.seed].map(
  (text) => positive(text),
) as [number, number, number, number];

function positive(text: string): number {
  const value = Number(text);
  if (value > 0) return value;
  process.stderr.write(`soak: ${JSON.stringify(text)} is given, a positive number is expected\n`);
  process.exit(2);
}

/** Park and Miller's generator: the same faults in the same order for the same seed. */
function drawer(start: number): () => number {
  let state = start % 2_147_483_647 || 1;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

/** Faults until the time is over; how often each came. */
async function inflict(scene: SoakScene, untilMs: number): Promise<ReadonlyMap<string, number>> {
  const draw = drawer(seed);
  const counts = new Map<string, number>();
  const names = Object.keys(FAULTS);
  for (let dueMs = performance.now(); (dueMs += everyS * 1_000) < untilMs;) {
    await sleep(Math.max(0, dueMs - performance.now()));
    const name = names[Math.floor(draw() * names.length)] ?? '';
    counts.set(name, (counts.get(name) ?? 0) + 1);
    await FAULTS[name]?.(scene, draw);
  }
  await sleep(Math.max(0, untilMs - performance.now()));
  return counts;
}

/** How long it took until analyses went on; why they did not, with what the worker said last. */
async function goingOn({ client, cast }: SoakScene): Promise<{
  readonly onMs: number;
  readonly standstill: readonly string[];
}> {
  try {
    return { onMs: await goesOn(client), standstill: [] };
  } catch (error) {
    const said = cast.as('worker').output.split('\n').slice(-20).join('\n');
    return { onMs: Number.NaN, standstill: [`${String(error)}; the worker said last:\n${said}`] };
  }
}

async function soak(scene: SoakScene): Promise<boolean> {
  const { load, cast, database } = scene;
  const { ledger } = load;
  load.start();
  const watch = new Watch(scene.watched);
  const printer = setInterval(() => {
    const { sent, answered, unanswered, acknowledged } = ledger;
    process.stdout.write(
      `${watch.line()}  sent ${sent} answered ${answered.length} unanswered ${unanswered.length} outcomes ${acknowledged.size}\n`,
    );
  }, PRINT_MS);
  const faults = await inflict(scene, performance.now() + minutes * 60_000);
  clearInterval(printer);
  const verdicts = watch.end();
  const { onMs, standstill } = await goingOn(scene);
  await load.pause();
  const drainedMs = await drained(cast, load);
  const found = await audit(database.url, cast.dataDir, ledger);
  const decided = await auditDecisions(database.url);
  const log = await checkLog(scene.client);
  for (const { text } of verdicts) process.stdout.write(`${text}\n`);
  process.stdout.write(
    `faults: ${[...faults].map(([name, count]) => `${name} ${count}`).join(', ')}\n` +
      `the last decision: ${log.last}\n` +
      `unanswered: ${tallied(ledger.unanswered.map(({ why }) => why))}\n`,
  );
  const lost = found.exposuresLost + found.outcomesLost;
  const doubled = found.exposuresDoubled + found.predictionsDoubled + found.outcomesDoubled;
  const notes = `${ledger.acknowledged.size} outcomes, ${log.kinds.length} decisions (the last: ${log.kinds.at(-1) ?? 'none'}), went on ${(onMs / 1_000).toFixed(1)} s after`;
  const { sent: requests, answered } = ledger;
  const line = { requests, answered: answered.length, lost, doubled, drainedMs, notes };
  process.stdout.write(
    `\n${tableOf([{ scenario: `soak ${minutes} min at ${rate}/s`, ...line }])}\n`,
  );
  const wrong = [
    ...differences(found, { ...CLEAN, predictionsMissing: 0 }),
    ...differences(decided, SOUND),
    ...(log.chainIntact && log.different.length === 0 ? [] : ['the decision log']),
    ...(ledger.unanswered.length === 0 ? [] : [`${ledger.unanswered.length} unanswered`]),
    ...standstill,
    ...verdicts.filter(({ isFlat }) => !isFlat).map(({ text }) => text),
  ];
  for (const what of wrong) process.stdout.write(`WRONG: ${what}\n`);
  return wrong.length === 0;
}

function differences(found: object, expected: object): readonly string[] {
  const are = found as Readonly<Record<string, number>>;
  return Object.entries(expected)
    .filter(([name, value]) => are[name] !== value)
    .map(([name, value]) => `${name} is ${are[name]}, not ${String(value)}`);
}

function tallied(whys: readonly string[]): string {
  const counts = Map.groupBy(whys, (why) => why);
  return counts.size === 0
    ? 'none'
    : [...counts].map(([why, all]) => `${why} ${all.length}`).join(', ');
}

// an exit takes the product and the database along; a signal alone would leave them behind
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
Logger.overrideLogger(false);
process.stdout.write(
  `soak: ${minutes} min at ${rate} predictions/s, a fault every ${everyS} s, seed ${seed}\n`,
);
const scene = await startSoak(rate);
try {
  process.exitCode = (await soak(scene)) ? 0 : 1;
} finally {
  await scene.close();
}
process.exit();
