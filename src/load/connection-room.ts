import type { Server } from 'node:net';
import { Logger } from '@nestjs/common';
import { openFilesLimit } from '../kernel/open-files.js';

/** Files of the process, its connections to PostgreSQL and Redis, the spool and what is being shipped: measured, 70. */
const OWN = 96;
/** Of the rest. A prediction needs one descriptor for its caller and one for its version. */
const CALLERS_SHARE = 0.45;
const CONTROL_SHARE = 0.1;
/** With fewer nothing could be looked at. */
const LEAST = 8;
/** One line of the log this often at most. */
const TOLD_EVERY_MS = 60_000;

/** Connections that a process accepts at once, per port. */
export interface ConnectionRoom {
  readonly callers: number;
  readonly control: number;
}

/**
 * Who accepts connections until no descriptor is left has none for the model's version, the database or the spool: the
 * callers that came first would get 502. So each port leaves room for the rest.
 *
 * @param openFiles limit of the process; null: none
 */
export function connectionRoom(openFiles: number | null): ConnectionRoom {
  const rest = openFiles === null ? Infinity : Math.max(0, openFiles - OWN);
  const share = (part: number): number => Math.max(LEAST, Math.floor(rest * part));
  return { callers: share(CALLERS_SHARE), control: share(CONTROL_SHARE) };
}

/**
 * From now on connections beyond the port's room are closed as soon as they come. Each is a `drop` event of the server.
 */
export function limitConnections(
  server: Server,
  port: keyof ConnectionRoom,
  openFiles = openFilesLimit(),
): void {
  const most = connectionRoom(openFiles)[port];
  if (most === Infinity) return;
  server.maxConnections = most;
  const logger = new Logger('Load');
  let refused = 0;
  let toldMs = -Infinity;
  server.on('drop', () => {
    refused += 1;
    const nowMs = performance.now();
    if (nowMs - toldMs < TOLD_EVERY_MS) return;
    toldMs = nowMs;
    logger.warn(
      `${refused} connections of ${port} refused so far: ${most} are open, and the rest of ${openFiles ?? 0} descriptors ` +
        'is kept for versions, database and spool; raise the limit (ulimit -n) or send fewer',
    );
  });
}
