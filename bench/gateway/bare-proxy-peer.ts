import type { Peer } from './peer.js';
import { MEASURED_CORE, startPinned, stopChild, waitForOutput } from './process.js';

/** The bare proxy as a peer. */
export async function startBareProxy(stubPort: number): Promise<Peer> {
  const [hooks = '', program = ''] = [
    '../../test/support/run-typescript.mjs',
    './bare-proxy.ts',
  ].map((file) => new URL(file, import.meta.url).pathname);
  const flags = ['--max-semi-space-size=16', '--import', hooks];
  const child = startPinned(MEASURED_CORE, [process.execPath, ...flags, program, String(stubPort)]);
  const port = Number(await waitForOutput(child, /port (\d+)/));
  return {
    name: 'node:http + undici request()',
    path: '/models/spam/score',
    port,
    pids: [child.pid ?? 0],
    close: () => stopChild(child),
  };
}
