// A process that holds an embedded database: prints one line with its URL, then stays until it is told to go.
import { Logger } from '@nestjs/common';
import { EmbeddedPostgres } from '../../src/database/embedded-postgres.js';

Logger.overrideLogger(false);
const server = new EmbeddedPostgres(process.argv[2] ?? '');
// the process must not end while the server is idle
const stay = setInterval(() => undefined, 60_000);
process.once('SIGTERM', () => {
  clearInterval(stay);
  void server.stop();
});
try {
  const url = await server.start();
  process.stdout.write(`${JSON.stringify({ url, pid: server.pid, uid: process.getuid?.() })}\n`);
} catch (error) {
  clearInterval(stay);
  process.stdout.write(`${JSON.stringify({ error: (error as Error).message })}\n`);
}
