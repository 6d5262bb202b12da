// The load generator: requests over plain sockets, as many as are answered or at a steady rate, open loop: what is due
// is sent although others wait, and latency counts from when it was due. Started by the benchmark with
// port, path, connections, seconds and requests a second (0: as many as are answered).
import { createConnection, type Socket } from 'node:net';
import { BODY_BYTES, jsonOf } from './peer.js';

const [port = 0, connections = 1, seconds = 1, rate = 0] = [2, 4, 5, 6].map((index) =>
  Number(process.argv[index]),
);
const path = process.argv[3] ?? '/';
const UNITS = 1_000;
const WARM_SHARE = 0.1;

const body = jsonOf(BODY_BYTES);
const requests = Array.from({ length: UNITS }, (_, unit) =>
  Buffer.from(
    `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/json\r\n` +
      `x-sluice-unit: 7b1f0c1e-2f7e-4e65-9d5a-${String(unit).padStart(12, '0')}\r\n` +
      `content-length: ${body.length}\r\n\r\n${body}`,
  ),
);

let sent = 0;
let answered = 0;
let failures = 0;
const latenciesUs: number[] = [];
/** Requests that are due and wait for a connection, by when they were due. */
const due: number[] = [];
const idle: Connection[] = [];

/** One keep-alive connection with one request under way. */
class Connection {
  readonly #socket: Socket;
  #text = '';
  #dueMs = 0;

  constructor(onReady: () => void) {
    this.#socket = createConnection(port, '127.0.0.1', onReady);
    this.#socket.setNoDelay(true);
    this.#socket.on('data', (chunk) => this.#take(chunk.toString('latin1')));
    this.#socket.on('error', () => void (failures += 1));
  }

  send(dueMs: number): void {
    this.#dueMs = dueMs;
    sent += 1;
    this.#socket.write(requests[sent % UNITS] ?? '');
  }

  end(): void {
    this.#socket.destroy();
  }

  #take(text: string): void {
    this.#text += text;
    const head = this.#text.indexOf('\r\n\r\n');
    if (head < 0) return;
    const length = /\r\ncontent-length: (\d+)/i.exec(this.#text.slice(0, head))?.[1];
    if (length === undefined || this.#text.length < head + 4 + Number(length)) return;
    if (!this.#text.startsWith('HTTP/1.1 200')) failures += 1;
    this.#text = '';
    answered += 1;
    if (performance.now() > warmUntilMs) {
      latenciesUs.push((performance.now() - this.#dueMs) * 1_000);
    }
    next(this);
  }
}

function next(connection: Connection): void {
  if (performance.now() > untilMs) return;
  const dueMs = rate === 0 ? performance.now() : due.shift();
  if (dueMs === undefined) idle.push(connection);
  else connection.send(dueMs);
}

const all: Connection[] = [];
await Promise.all(
  Array.from(
    { length: connections },
    () => new Promise<void>((ready) => void all.push(new Connection(ready))),
  ),
);
const startMs = performance.now();
const untilMs = startMs + seconds * 1_000;
const warmUntilMs = startMs + seconds * 1_000 * WARM_SHARE;
let nextDueMs = startMs;

/** Timers are a millisecond coarse, which is longer than an answer takes: the loop is turned instead. */
function turn(): void {
  const nowMs = performance.now();
  for (; nextDueMs <= nowMs; nextDueMs += 1_000 / rate) {
    const connection = idle.pop();
    if (connection === undefined) due.push(nextDueMs);
    else connection.send(nextDueMs);
  }
  if (nowMs < untilMs) setImmediate(turn);
  else finish();
}

function finish(): void {
  for (const connection of all) connection.end();
  latenciesUs.sort((a, b) => a - b);
  const at = (share: number): number => latenciesUs[Math.floor(share * latenciesUs.length)] ?? 0;
  const result = { requests: answered, failures, p50Us: at(0.5), p99Us: at(0.99) };
  process.stdout.write(JSON.stringify(result));
  process.exit(0);
}

for (const connection of all) next(connection);
if (rate > 0) turn();
else setTimeout(finish, seconds * 1_000);
