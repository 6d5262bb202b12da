/** Figures of one peer in one round, by name. */
export type Figures = Readonly<Record<string, number>>;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[half - 1] ?? Number.NaN)) / 2;
}

/** Medians per peer, and its ratio to the first peer: the median of the ratios of a round, and their range. */
export function table(found: ReadonlyMap<string, readonly Figures[]>): string {
  const [first = []] = found.values();
  const names = Object.keys(first[0] ?? {});
  const ratioOf = names[0] ?? '';
  const header = [''.padEnd(32), ...names.map((name) => name.padStart(10)), `  ÷ first (range)`];
  const lines = [...found].map(([peer, rounds]) => {
    const of = (name: string): number[] => rounds.map((figures) => figures[name] ?? Number.NaN);
    const ratios = of(ratioOf).map(
      (value, round) => value / (first[round]?.[ratioOf] ?? Number.NaN),
    );
    const cells = names.map((name) => median(of(name)).toFixed(median(of(name)) < 1_000 ? 1 : 0));
    const range = `${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}`;
    return [
      peer.padEnd(32),
      ...cells.map((cell) => cell.padStart(10)),
      `  ${median(ratios).toFixed(3)} (${range})`,
    ].join('');
  });
  return [header.join(''), ...lines].join('\n');
}
