import { open, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { ModelPlan, TrafficPlan } from '../routing/plan.js';

/** Generations kept: a torn or rotten newest one leaves two older ones to start from. */
const GENERATIONS = 3;
const MAGIC = 'sluice-plan-1';
const FILE = /^plan\.(\d+)$/;

/**
 * The newest plans on disk, so that a gateway starts and serves without a database: a file per version, written
 * through a temporary one, fsync, rename and fsync of the folder; the oldest go. Several processes may save and load
 * at once: they never write the same file with different content, and a late one cannot replace a newer plan.
 */
export class PlanSnapshot {
  readonly #texts = new WeakMap<ModelPlan, string>();

  constructor(private readonly folder: string) {}

  /** The newest intact plan, or null. Torn, rotten and foreign files are passed over, never an error. */
  async load(): Promise<TrafficPlan | null> {
    const plans = await Promise.all((await this.#files()).map((name) => this.#read(name)));
    return plans.reduce((newest, plan) => (newer(plan, newest) ? plan : newest), null);
  }

  /** Stores a plan; it survives a power cut once this resolves. */
  async save(plan: TrafficPlan): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const temporary = join(this.folder, `plan.${process.pid}.tmp`);
    await writeSynced(temporary, this.#encode(plan));
    await rename(temporary, join(this.folder, `plan.${plan.version}`));
    await syncFolder(this.folder);
    for (const name of (await this.#files()).slice(GENERATIONS)) {
      await rm(join(this.folder, name), { force: true });
    }
  }

  /** Of a large plan that follows another only what changed is made into text again. */
  #encode({ models, ...rest }: TrafficPlan): string {
    const texts = Object.entries(models).map(([name, model]) => {
      const text = this.#texts.get(model) ?? JSON.stringify(model);
      this.#texts.set(model, text);
      return `${JSON.stringify(name)}:${text}`;
    });
    const json = `{"models":{${texts.join()}},${JSON.stringify(rest).slice(1)}`;
    return `${MAGIC} ${crc32(json)}\n${json}`;
  }

  /** Names of the files of plans, the newest version first. */
  async #files(): Promise<readonly string[]> {
    const names = await readdir(this.folder).catch((): string[] => []);
    return names
      .flatMap((name) => {
        const version = FILE.exec(name)?.[1];
        return version === undefined ? [] : [{ name, version: Number(version) }];
      })
      .sort((a, b) => b.version - a.version)
      .map(({ name }) => name);
  }

  async #read(name: string): Promise<TrafficPlan | null> {
    try {
      return decode(await readFile(join(this.folder, name), 'utf8'));
    } catch {
      return null;
    }
  }
}

function newer(plan: TrafficPlan | null, than: TrafficPlan | null): boolean {
  return plan !== null && (than === null || plan.version > than.version);
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
