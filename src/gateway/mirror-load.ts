/** Share of a turn in the average: one pause of the collector is no load, a busy second is. */
const WEIGHT = 0.1;
/** Average length of a turn of the event loop above which copies are shed, so that callers get the time. */
const HIGH_MS = 50;

/** How busy the process is, by how long the turns of its event loop are in which copies wait. */
export class LoadGauge {
  #averageMs = 0;

  get isHigh(): boolean {
    return this.#averageMs > HIGH_MS;
  }

  turned(ms: number): void {
    this.#averageMs += WEIGHT * (ms - this.#averageMs);
  }
}
