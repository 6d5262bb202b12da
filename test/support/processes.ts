import { Agent, request } from 'node:http';
import { until } from './sluice.js';

/** A process loads the whole product; on a busy machine that takes its time. */
const START_MS = 90_000;

/** A connection that stays with the gateway process that accepted it. */
export interface Line {
  /** Index of the process at the other end. */
  readonly gateway: string;
  /** One request on this connection; throws when it breaks. */
  send(path: string, unit?: string): Promise<{ readonly version: string; readonly text: string }>;
  close(): void;
}

/** One connection to each of the first `count` processes behind a gateway's port. */
export async function lineToEach(gatewayUrl: string, count: number): Promise<readonly Line[]> {
  const lines = new Map<string, Line>();
  await until(
    `a connection to each of ${count} processes`,
    async () => {
      // refused or reset while processes come and go
      const line = await openLine(gatewayUrl).catch(() => null);
      if (line === null) return null;
      if (lines.has(line.gateway)) line.close();
      else lines.set(line.gateway, line);
      return lines.size === count ? true : null;
    },
    START_MS,
  );
  return [...lines.values()].sort((a, b) => a.gateway.localeCompare(b.gateway));
}

async function openLine(gatewayUrl: string): Promise<Line> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const send: Line['send'] = (path, unit) =>
    new Promise((resolve, reject) => {
      const headers = unit === undefined ? {} : { 'x-sluice-unit': unit };
      const sent = request(gatewayUrl + path, { agent, headers }, (response) => {
        response.toArray().then((parts) => {
          const text = Buffer.concat(parts as Buffer[]).toString();
          resolve({ text, version: String(response.headers['x-sluice-version']) });
        }, reject);
      });
      sent.once('error', reject);
      sent.end();
    });
  const { text } = await send('/metrics');
  const gateway = /^sluice_gateway_plan_version\{gateway="(\d+)"\}/m.exec(text)?.[1] ?? '';
  return { gateway, send, close: () => agent.destroy() };
}

/** The value of a metric in Prometheus format, its samples with these labels added up. */
export function metricOf(text: string, name: string, label = ''): number {
  return text
    .split('\n')
    .filter((line) => line.startsWith(name) && /^[{ ]/.test(line.slice(name.length)))
    .filter((line) => line.includes(label))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}
