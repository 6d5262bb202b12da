import { useSyncExternalStore } from 'react';
import type { Changes } from '../api/types.js';
import { refresh } from './resource.js';

/** `away`: the server is there, its database is not. */
export type Connection = 'connecting' | 'live' | 'away' | 'lost';

export interface Live {
  readonly connection: Connection;
  /** When the connection was lost; null while it is not. */
  readonly lostAtMs: number | null;
}

const RETRY_FIRST_MS = 500;
const RETRY_MAX_MS = 10_000;

/** Streams are never silent for longer than 15 s; after this one is dead, whatever the browser thinks. */
const SILENCE_MS = 40_000;

/** Traffic changes with every request, so nobody is told; it is asked for while a page shows it. */
const TRAFFIC_MS = 5_000;

let state: Live = { connection: 'connecting', lostAtMs: null };
let source: EventSource | null = null;
let retryMs = RETRY_FIRST_MS;
let lastHeardMs = 0;
let before: Changes | null = null;
let timers: readonly number[] = [];
const listeners = new Set<() => void>();

export function useLive(): Live {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => state,
  );
}

/** Opens the stream; returns how to end it. */
export function startLive(): () => void {
  open();
  timers = [
    window.setInterval(watchSilence, 5_000),
    window.setInterval(() => {
      if (document.visibilityState === 'visible' && state.connection === 'live') {
        refresh((topic) => topic === 'traffic');
      }
    }, TRAFFIC_MS),
  ];
  window.addEventListener('online', reopen);
  window.addEventListener('offline', lose);
  return stopLive;
}

function stopLive(): void {
  for (const timer of timers) window.clearInterval(timer);
  window.removeEventListener('online', reopen);
  window.removeEventListener('offline', lose);
  source?.close();
  source = null;
  before = null;
  set({ connection: 'connecting', lostAtMs: null });
}

function open(): void {
  source?.close();
  const stream = new EventSource('/api/v1/changes');
  source = stream;
  lastHeardMs = Date.now();
  stream.addEventListener('changes', (event: MessageEvent<string>) => {
    heard();
    hear(JSON.parse(event.data) as Changes);
  });
  stream.addEventListener('alive', heard);
  stream.addEventListener('away', () => {
    lastHeardMs = Date.now();
    set({ connection: 'away', lostAtMs: state.lostAtMs ?? Date.now() });
  });
  stream.onerror = () => {
    if (source !== stream) return;
    lose();
    window.setTimeout(() => {
      if (source === stream) open();
    }, retryMs);
    retryMs = Math.min(RETRY_MAX_MS, retryMs * 2);
  };
}

function reopen(): void {
  retryMs = RETRY_FIRST_MS;
  open();
}

function lose(): void {
  set({ connection: 'lost', lostAtMs: state.lostAtMs ?? Date.now() });
}

function watchSilence(): void {
  if (source !== null && Date.now() - lastHeardMs > SILENCE_MS) {
    lose();
    open();
  }
}

function heard(): void {
  lastHeardMs = Date.now();
  retryMs = RETRY_FIRST_MS;
  const wasAway = state.connection === 'lost' || state.connection === 'away';
  set({ connection: 'live', lostAtMs: null });
  // whatever happened meanwhile was not told
  if (wasAway) refresh(() => true);
}

/** Asks again only for what a change is about: a page on which nothing happens stays as it is. */
function hear(now: Changes): void {
  const last = before;
  before = now;
  if (last === null) return;
  const isOther = (id: string): boolean => {
    const [was, is] = [last.experiments[id], now.experiments[id]];
    return was?.revision !== is?.revision || was?.report !== is?.report;
  };
  const ids = [...Object.keys(last.experiments), ...Object.keys(now.experiments)];
  const changed = new Set(ids.filter(isOther).map((id) => `experiment:${id}`));
  const isPlan = last.configVersion !== now.configVersion;
  const isDecision = last.decisions !== now.decisions;
  refresh(
    (topic) =>
      changed.has(topic) ||
      (isPlan && topic === 'plan') ||
      ((isDecision || isPlan) && topic === 'decisions'),
  );
}

function set(next: Live): void {
  if (next.connection === state.connection && next.lostAtMs === state.lostAtMs) return;
  state = next;
  for (const listener of listeners) listener();
}
