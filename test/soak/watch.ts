import { readdirSync, readFileSync } from 'node:fs';
import { fitOf, isFlat, type Sample } from '../support/flatness.js';
import type { Memory } from '../support/product.js';

/** Between two looks at a process; a hundred looks in ten minutes are enough for a line. */
const LOOK_MS = 5_000;
/** The first part of a run is not looked at: pools fill, code is compiled, the heap finds its size. */
const WARM_UP_SHARE = 0.4;
/** Between two full collections: memory between them is mostly garbage and says nothing. */
const COLLECT_MS = 20_000;
/** What requests under way and a batch of events hold at one collection and not at another. */
const LIVE_NOISE_MIB = 8;
/** Pages that the allocator keeps. */
const RSS_NOISE_MIB = 24;
/** A batch of slow clients that is still there at the end, and the connections that a hanging model leaves for a while. */
const FD_NOISE = 48;
/** A shorter stretch after the warm-up shows how a process starts, not how it goes on. */
const SHORTEST_S = 150;
const MIB = 1024 * 1024;

export interface Watched {
  readonly name: string;
  /** Null while it does not run. */
  readonly pid: () => number | null;
  /** Collects its garbage. */
  readonly collect: () => Promise<Memory | null>;
  /** False: it is killed now and then, so that its numbers begin anew; they are shown and not judged. */
  readonly isJudged: boolean;
}

interface Series {
  readonly of: Watched;
  readonly rss: Sample[];
  readonly fds: Sample[];
  /** After full collections. */
  readonly live: Sample[];
  readonly kept: Sample[];
}

export interface Verdict {
  readonly isFlat: boolean;
  readonly text: string;
}

/** Looks at memory and descriptors of processes for as long as a run takes. */
export class Watch {
  private readonly series: readonly Series[];
  private readonly sinceMs = performance.now();
  private readonly timers: readonly NodeJS.Timeout[];

  constructor(watched: readonly Watched[]) {
    this.series = watched.map((of) => ({ of, rss: [], fds: [], live: [], kept: [] }));
    this.timers = [
      setInterval(() => this.look(), LOOK_MS),
      setInterval(() => void this.collect(), COLLECT_MS),
    ];
  }

  /** What every process has at the moment, in one line. */
  line(): string {
    const elapsedS = (performance.now() - this.sinceMs) / 1_000;
    const each = this.series.map(({ of, rss, fds }) => {
      const mib = (rss.at(-1)?.value ?? 0) / MIB;
      return `${of.name} ${mib.toFixed(0)} MiB ${fds.at(-1)?.value ?? 0} fds`;
    });
    return `${elapsedS.toFixed(0).padStart(5)} s  ${each.join('  ')}`;
  }

  /** Ends it; one verdict for each number of each process that is judged. */
  end(): readonly Verdict[] {
    for (const timer of this.timers) clearInterval(timer);
    const fromS = ((performance.now() - this.sinceMs) / 1_000) * WARM_UP_SHARE;
    return this.series
      .filter(({ of }) => of.isJudged)
      .flatMap(({ of, rss, fds, live, kept }) => [
        judge(`${of.name} live memory`, 'MiB', inMib(after(live, fromS)), LIVE_NOISE_MIB),
        judge(`${of.name} RSS after a collection`, 'MiB', inMib(after(kept, fromS)), RSS_NOISE_MIB),
        highest(`${of.name} RSS at any time`, inMib(rss)),
        judge(`${of.name} descriptors`, '', after(fds, fromS), FD_NOISE),
      ]);
  }

  private async collect(): Promise<void> {
    const atS = (performance.now() - this.sinceMs) / 1_000;
    for (const { of, live, kept } of this.series.filter((one) => one.of.isJudged)) {
      const memory = of.pid() === null ? null : await of.collect();
      if (memory === null) continue;
      live.push({ atS, value: memory.live });
      kept.push({ atS, value: memory.rss });
    }
  }

  private look(): void {
    const atS = (performance.now() - this.sinceMs) / 1_000;
    for (const { of, rss, fds } of this.series) {
      const pid = of.pid();
      if (pid === null) continue;
      try {
        const resident = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
        rss.push({ atS, value: Number(resident?.[1] ?? 0) * 1024 });
        fds.push({ atS, value: readdirSync(`/proc/${pid}/fd`).length });
      } catch {
        // it was killed between the two
      }
    }
  }
}

function after(samples: readonly Sample[], fromS: number): readonly Sample[] {
  return samples.filter(({ atS }) => atS >= fromS);
}

function inMib(samples: readonly Sample[]): readonly Sample[] {
  return samples.map(({ atS, value }) => ({ atS, value: value / MIB }));
}

/** Shown only: how high it stands between two collections is V8's choice. */
function highest(what: string, samples: readonly Sample[]): Verdict {
  const values = samples.map(({ value }) => value);
  return { isFlat: true, text: `${what}: at most ${Math.max(...values).toFixed(1)} MiB` };
}

function judge(what: string, unit: string, samples: readonly Sample[], noise: number): Verdict {
  const fit = fitOf(samples);
  const lengthS = (samples.at(-1)?.atS ?? 0) - (samples[0]?.atS ?? 0);
  if (fit === null || lengthS < SHORTEST_S) {
    const text = `${what}: not judged, ${lengthS.toFixed(0)} s after the warm-up are too short`;
    return { isFlat: true, text };
  }
  const { mean, slope, slopeError, growth } = fit;
  const flat = isFlat(fit, noise);
  const first = samples[0]?.value ?? 0;
  const last = samples.at(-1)?.value ?? 0;
  const values = samples.map(({ value }) => value);
  const text =
    `${what}: ${flat ? 'flat' : 'GROWS'}, mean ${mean.toFixed(1)} ${unit} (${Math.min(...values).toFixed(1)} to ${Math.max(...values).toFixed(1)}), ` +
    `first ${first.toFixed(1)}, last ${last.toFixed(1)}, slope ${(slope * 60).toFixed(3)} ± ${(slopeError * 60).toFixed(3)} ${unit}/min, ` +
    `${growth.toFixed(1)} ${unit} over ${samples.length} looks (noise ${noise})`;
  return { isFlat: flat, text };
}
