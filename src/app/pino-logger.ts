import type { LoggerService } from '@nestjs/common';
import { destination, pino } from 'pino';
import type { DestinationStream, Level, Logger } from 'pino';
import type { Config } from '../config/config.js';

/** What Nest tells about its own wiring, one line per module and route; of use only when the wiring is at fault. */
const WIRING = new Set(['NestFactory', 'InstanceLoader', 'RoutesResolver', 'RouterExplorer']);

/** JSON lines on standard error; standard output is for people (URLs and the first key). */
export class PinoLogger implements LoggerService {
  readonly #pino: Logger;

  constructor(
    level: Config['logLevel'],
    stream: DestinationStream = destination({ dest: 2, sync: true }),
    /** On every line: which process it is, where there are several. */
    base: Readonly<Record<string, unknown>> | null = null,
  ) {
    this.#pino = pino(
      { level, base, timestamp: () => `,"time":"${new Date().toISOString()}"` },
      stream,
    );
  }

  log(message: unknown, ...rest: readonly unknown[]): void {
    const context = rest.at(-1);
    const isWiring = typeof context === 'string' && WIRING.has(context);
    this.#write(isWiring ? 'debug' : 'info', message, rest);
  }

  error(message: unknown, ...rest: readonly unknown[]): void {
    this.#write('error', message, rest);
  }

  warn(message: unknown, ...rest: readonly unknown[]): void {
    this.#write('warn', message, rest);
  }

  debug(message: unknown, ...rest: readonly unknown[]): void {
    this.#write('debug', message, rest);
  }

  verbose(message: unknown, ...rest: readonly unknown[]): void {
    this.#write('debug', message, rest);
  }

  fatal(message: unknown, ...rest: readonly unknown[]): void {
    this.#write('fatal', message, rest);
  }

  /** Nest hands over (message, …details, context); the last text is the context, an earlier one a stack. */
  #write(level: Level, message: unknown, rest: readonly unknown[]): void {
    if (!this.#pino.isLevelEnabled(level)) return;
    const texts = rest.filter((part) => typeof part === 'string');
    const objects = rest.filter((part) => part !== null && typeof part === 'object');
    const error = [message, ...objects].find((part) => part instanceof Error);
    const fields = {
      context: texts.at(-1),
      ...Object.fromEntries(
        objects.flatMap((part) => (part instanceof Error ? [] : Object.entries(part))),
      ),
      ...(texts.length > 1 ? { stack: texts[0] } : {}),
      ...(error === undefined ? {} : { stack: error.stack }),
    };
    this.#pino[level](fields, message instanceof Error ? message.message : textOf(message));
  }
}

function textOf(message: unknown): string {
  return typeof message === 'string' ? message : JSON.stringify(message);
}
