import { useCallback, useEffect, useSyncExternalStore } from 'react';
import { ApiProblem } from '../api/client.js';

/** What is known of one answer of the API. Data stay when asking again fails: old figures beat none. */
export interface Resource<T> {
  readonly data: T | null;
  readonly problem: ApiProblem | null;
  /** When the data came; null before. */
  readonly atMs: number | null;
  readonly isAsking: boolean;
}

interface Entry {
  resource: Resource<unknown>;
  load: () => Promise<unknown>;
  topics: readonly string[];
  readonly listeners: Set<() => void>;
  isDirty: boolean;
}

const NOTHING: Resource<never> = { data: null, problem: null, atMs: null, isAsking: true };

/** Answers nobody looks at are kept for going back to a page; more than this are forgotten, the oldest first. */
const KEPT = 200;

const entries = new Map<string, Entry>();

/** A question that is asked once however many parts of a page want its answer, and again when its topics change. */
export interface Question<T> {
  readonly key: string;
  /** Words by which `refresh` finds it. */
  readonly topics: readonly string[];
  readonly load: () => Promise<T>;
}

export function useResource<T>(question: Question<T> | null): Resource<T> {
  const key = question?.key ?? '';
  const subscribe = useCallback(
    (listener: () => void) => {
      if (question === null) return () => undefined;
      const entry = entryOf(question);
      entry.listeners.add(listener);
      return () => {
        entry.listeners.delete(listener);
      };
    },
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the key stands for the whole question
    [key],
  );
  useEffect(() => {
    if (question === null) return;
    const entry = entryOf(question);
    entry.load = question.load;
    if (entry.resource.atMs === null || entry.isDirty) void ask(entry);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the key stands for the whole question
  }, [key]);
  return useSyncExternalStore(
    subscribe,
    () => entries.get(key)?.resource ?? NOTHING,
  ) as Resource<T>;
}

/** Asks again what somebody looks at; the rest is asked again when somebody does. */
export function refresh(isMeant: (topic: string) => boolean): void {
  for (const entry of entries.values()) {
    if (!entry.topics.some(isMeant)) continue;
    if (entry.listeners.size === 0) entry.isDirty = true;
    else void ask(entry);
  }
}

/** Forgets everything: another key may see other things. */
export function forget(): void {
  entries.clear();
}

function entryOf<T>({ key, topics, load }: Question<T>): Entry {
  const known = entries.get(key);
  if (known !== undefined) return known;
  const entry: Entry = {
    ...{ resource: NOTHING, load, topics, isDirty: false },
    listeners: new Set(),
  };
  entries.set(key, entry);
  if (entries.size > KEPT) forgetOldest();
  return entry;
}

function forgetOldest(): void {
  for (const [key, entry] of entries) {
    if (entry.listeners.size > 0) continue;
    entries.delete(key);
    return;
  }
}

const asking = new WeakSet<Entry>();

async function ask(entry: Entry): Promise<void> {
  if (asking.has(entry)) {
    entry.isDirty = true;
    return;
  }
  asking.add(entry);
  do {
    entry.isDirty = false;
    tell(entry, { ...entry.resource, isAsking: true });
    try {
      const data = await entry.load();
      tell(entry, { data, problem: null, atMs: Date.now(), isAsking: false });
    } catch (error) {
      tell(entry, { ...entry.resource, problem: asProblem(error), isAsking: false });
    }
  } while (mustAskAgain(entry));
  asking.delete(entry);
}

/** A question that changed while it was asked. */
function mustAskAgain({ isDirty, listeners }: Entry): boolean {
  return isDirty && listeners.size > 0;
}

function tell(entry: Entry, resource: Resource<unknown>): void {
  entry.resource = resource;
  for (const listener of entry.listeners) listener();
}

function asProblem(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error;
  return new ApiProblem(0, 'unexpected', error instanceof Error ? error.message : String(error));
}
