// How fast the gateway is beside others, in one run on one machine: nginx that splits by a hash, the same with mirror, and
// a bare node:http + undici proxy. Load and versions on one core, what is measured on the other; rounds are interleaved
// and ratios are medians of the ratios of a round. Peers that are not installed are left out with a notice.
// Run: npm run bench:gateway (-- --rounds 7 --seconds 3 --only saturated,mirrored,steady,processes --folder /dev/shm)
import { parseArgs } from 'node:util';
import { appendResult } from './results.js';
import { startBareProxy } from './gateway/bare-proxy-peer.js';
import { startNginxSplit, startNginxStub } from './gateway/nginx.js';
import { startNodeStub } from './gateway/node-stub.js';
import type { Peer } from './gateway/peer.js';
import { cpuSeconds, LOAD_CORE, residentBytes } from './gateway/process.js';
import { table, type Figures } from './gateway/table.js';
import { startSluicePeer } from './gateway/sluice.js';
import { hasWrk, runNodeLoad, saturate } from './gateway/wrk.js';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '3' },
    only: { type: 'string', default: 'saturated,mirrored,steady,processes' },
    rate: { type: 'string', default: '3000' },
    // for the spool; on a file system in memory the disk costs nothing
    folder: { type: 'string' },
    out: { type: 'string', default: 'bench/results/gateway.json' },
  },
});
const ROUNDS = Number(options.rounds);
const SECONDS = Number(options.seconds);
const CONNECTIONS = [32, 128];
/** Load of the comparison of latencies: no gateway here is busy at it. */
const STEADY = { connections: 32, rate: Number(options.rate) };
/** The optimising compiler of V8 shares the core with what is measured: after fewer requests it is part of the figures. */
const WARM_UP_SECONDS = 10;

const say = (text: string): void => void process.stdout.write(`${text}\n`);
if (!hasWrk())
  say('notice: wrk is not installed; our own generator is slower and bounds the figures');

const stub = (await startNginxStub()) ?? (await startNodeStub());
const rows: Record<string, unknown>[] = [];
const only = new Set(options.only.split(','));

async function peersOf(made: readonly Promise<Peer | null>[]): Promise<readonly Peer[]> {
  const peers = (await Promise.all(made)).filter((peer) => peer !== null);
  if (peers.length < made.length) say('notice: nginx is not installed; its rows are left out');
  for (const peer of peers) await saturate(peer, { connections: 32, seconds: WARM_UP_SECONDS });
  return peers;
}

/** One figure set per peer and round, in an order that is turned round every other time. */
async function rounds(
  peers: readonly Peer[],
  measure: (peer: Peer) => Promise<Figures>,
): Promise<ReadonlyMap<string, readonly Figures[]>> {
  const found = new Map<string, Figures[]>(peers.map(({ name }) => [name, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    const order = round % 2 === 0 ? peers : [...peers].reverse();
    for (const peer of order) found.get(peer.name)?.push(await measure(peer));
    process.stderr.write(`  round ${round + 1} of ${ROUNDS}\r`);
  }
  return found;
}

async function saturated(
  peer: Peer,
  connections: number,
  core: number | null = LOAD_CORE,
): Promise<Figures> {
  const before = cpuSeconds(peer.pids);
  const load = { connections, seconds: SECONDS, core };
  const { requests, seconds, failures } = await saturate(peer, load);
  const cpu = cpuSeconds(peer.pids) - before;
  if (failures > 0) throw new Error(`${peer.name}: ${failures} requests failed`);
  return {
    rps: requests / seconds,
    'CPU us': (cpu / requests) * 1e6,
    'RSS MiB': residentBytes(peer.pids) / 2 ** 20,
  };
}

async function steady(peer: Peer): Promise<Figures> {
  const { failures, p50Us, p99Us } = await runNodeLoad(peer, { ...STEADY, seconds: SECONDS });
  if (failures > 0) throw new Error(`${peer.name}: ${failures} requests failed`);
  return { 'p50 us': p50Us, 'p99 us': p99Us };
}

function report(title: string, found: ReadonlyMap<string, readonly Figures[]>): void {
  say(`\n${title}`);
  say(table(found));
  rows.push({ title, peers: Object.fromEntries(found) });
}

async function close(peers: readonly Peer[]): Promise<void> {
  for (const peer of peers) await peer.close();
}

const folder = options.folder === undefined ? {} : { folder: options.folder };
const sluice = { name: 'sluice, everything on', stubPort: stub.port, ...folder };
if (only.has('saturated') || only.has('steady')) {
  const peers = await peersOf([
    startNginxSplit(stub.port, false),
    startBareProxy(stub.port),
    startSluicePeer(sluice),
  ]);
  if (only.has('saturated')) {
    for (const connections of CONNECTIONS) {
      const found = await rounds(peers, (peer) => saturated(peer, connections));
      report(`as much as it takes, ${connections} connections, 1 kB in, 200 B out`, found);
    }
  }
  if (only.has('steady')) {
    report(`${STEADY.rate} requests a second`, await rounds(peers, steady));
  }
  await close(peers);
}
if (only.has('mirrored')) {
  const peers = await peersOf([
    startNginxSplit(stub.port, true),
    startSluicePeer({ ...sluice, name: 'sluice, everything on + shadow', shadow: true }),
  ]);
  report(
    'with a copy of every request, 32 connections',
    await rounds(peers, (peer) => saturated(peer, 32)),
  );
  await close(peers);
}
if (only.has('processes')) {
  // Generator and version share the cores with them: that bounds the ratio, and the processor time of a request tells.
  const peers = await peersOf([
    startSluicePeer({ ...sluice, name: 'one gateway process, any core', processes: 1 }),
    startSluicePeer({ ...sluice, name: 'two gateway processes, any core', processes: 2 }),
  ]);
  const found = await rounds(peers, (peer) => saturated(peer, 128, null));
  report('processes of the gateway, 128 connections', found);
  await close(peers);
}
await stub.close();
appendResult(options.out, { rounds: ROUNDS, seconds: SECONDS, rows });
