import { describe, expect, it } from 'vitest';
import { PinoLogger } from '../../../src/app/pino-logger.js';
import type { Config } from '../../../src/config/config.js';

function logger(level: Config['logLevel'] = 'debug') {
  const lines: string[] = [];
  const log = new PinoLogger(level, { write: (line: string) => void lines.push(line) });
  return { log, lines, first: () => JSON.parse(lines[0]!) as Record<string, unknown> };
}

describe('the log', () => {
  it('is one JSON object per line with time, context and message', () => {
    const { log, lines, first } = logger();
    log.log('it listens\non two lines', 'Gateway');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/\n$/);
    expect(first()).toMatchObject({
      level: 30,
      context: 'Gateway',
      msg: 'it listens\non two lines',
    });
    expect(Date.parse(first()['time'] as string)).not.toBeNaN();
  });

  it('keeps the stack of an error, however it is handed over', () => {
    const error = new Error('broken');
    for (const args of [
      ['went wrong', error.stack, 'Context'],
      ['went wrong', error, 'Context'],
      [error, 'Context'],
    ] as [unknown, ...unknown[]][]) {
      const { log, first } = logger();
      log.error(...args);
      expect(first()).toMatchObject({ level: 50, context: 'Context', stack: error.stack });
    }
  });

  it('carries fields of objects', () => {
    const { log, first } = logger();
    log.warn('slow', { ms: 12 }, 'Database');
    expect(first()).toMatchObject({ level: 40, ms: 12, context: 'Database', msg: 'slow' });
  });

  it('says nothing below its level, and nothing at all when silent', () => {
    const warn = logger('warn');
    warn.log.log('x');
    warn.log.debug('x');
    warn.log.verbose('x');
    expect(warn.lines).toEqual([]);
    const silent = logger('silent');
    silent.log.fatal('x');
    silent.log.error('x');
    expect(silent.lines).toEqual([]);
  });
});
