import { open, mkdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { TrafficPlan } from '../routing/plan.js';

/** Generations kept: a torn or rotten newest one leaves two older ones to start from. */
const GENERATIONS = 3;
const MAGIC = 'sluice-plan-1';

/** A plan found on disk, and the slot it is in. */
interface Generation {
  readonly slot: number;
  readonly plan: TrafficPlan | null;
}

/**
 * The newest plans on disk, so that a gateway starts and serves without a database. Each save overwrites the
 * oldest of three slots through a temporary file, fsync, rename and fsync of the folder.
 */
export class PlanSnapshot {
  constructor(private readonly folder: string) {}

  /** The newest intact plan, or null. Torn, rotten and foreign files are passed over, never an error. */
  async load(): Promise<TrafficPlan | null> {
    const plans = (await this.#generations()).map(({ plan }) => plan);
    return plans.reduce((newest, plan) => (newer(plan, newest) ? plan : newest), null);
  }

  /** Stores a plan; it survives a power cut once this resolves. */
  async save(plan: TrafficPlan): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const generations = await this.#generations();
    const oldest = generations.reduce((old, one) => (newer(old.plan, one.plan) ? one : old));
    const temporary = join(this.folder, `plan.${process.pid}.tmp`);
    await writeSynced(temporary, encode(plan));
    await rename(temporary, this.#path(oldest.slot));
    await syncFolder(this.folder);
  }

  #path(slot: number): string {
    return join(this.folder, `plan.${slot}`);
  }

  #generations(): Promise<Generation[]> {
    const slots = Array.from({ length: GENERATIONS }, (_, slot) => slot);
    return Promise.all(slots.map(async (slot) => ({ slot, plan: await this.#read(slot) })));
  }

  async #read(slot: number): Promise<TrafficPlan | null> {
    try {
      return decode(await readFile(this.#path(slot), 'utf8'));
    } catch {
      return null;
    }
  }
}

function newer(plan: TrafficPlan | null, than: TrafficPlan | null): boolean {
  return plan !== null && (than === null || plan.version > than.version);
}

function encode(plan: TrafficPlan): string {
  const json = JSON.stringify(plan);
  return `${MAGIC} ${crc32(json)}\n${json}`;
}

function decode(text: string): TrafficPlan | null {
  const end = text.indexOf('\n');
  const json = text.slice(end + 1);
  if (text.slice(0, end) !== `${MAGIC} ${crc32(json)}`) return null;
  return JSON.parse(json) as TrafficPlan;
}

async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
