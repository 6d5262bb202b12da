import type { WriteStream } from 'node:tty';
import { paintWith } from './paint.js';
import type { Screen } from './view.js';
import { renderLine, renderScreen } from './view.js';

/** Shows what happens while it happens: a screen where there is one, otherwise a line now and then. */
export interface Display {
  update(screen: Screen): void;
  /** Leaves the screen as it was, so that what follows is printed below. */
  close(): void;
}

const LINE_INTERVAL_MS = 5_000;
const ENTER_SCREEN = '\u001b[?1049h\u001b[?25l';
const LEAVE_SCREEN = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

export function isColoured(stream: WriteStream): boolean {
  return stream.isTTY && (process.env['NO_COLOR'] ?? '') === '';
}

export function openDisplay(stream: WriteStream): Display {
  return stream.isTTY ? screenOn(stream) : linesOn(stream);
}

function screenOn(stream: WriteStream): Display {
  const paint = paintWith(isColoured(stream));
  let isOpen = false;
  // whatever ends the process, the user's terminal must come back
  const restore = (): void => {
    if (isOpen) stream.write(LEAVE_SCREEN);
    isOpen = false;
  };
  process.once('exit', restore);
  return {
    update(screen) {
      if (!isOpen) stream.write(ENTER_SCREEN);
      isOpen = true;
      const lines = renderScreen(screen, stream.columns, paint).slice(0, stream.rows);
      stream.write(HOME + lines.map((line) => line + CLEAR_LINE).join('\r\n') + CLEAR_BELOW);
    },
    close() {
      restore();
      process.off('exit', restore);
    },
  };
}

function linesOn(stream: NodeJS.WritableStream): Display {
  let nextMs = 0;
  let name = '';
  let told = 0;
  return {
    update({ canaries, nowMs }) {
      const current = canaries.at(-1);
      if (current === undefined) return;
      if (current.spec.name !== name) told = 0;
      name = current.spec.name;
      const news = current.decisions.slice(told);
      if (nowMs < nextMs && news.length === 0) return;
      nextMs = nowMs + LINE_INTERVAL_MS;
      told = current.decisions.length;
      stream.write(`${renderLine(current, nowMs, news)}\n`);
    },
    close: () => undefined,
  };
}
