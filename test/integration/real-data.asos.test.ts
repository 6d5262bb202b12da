import { beforeAll, describe, expect, it } from 'vitest';
import {
  asymptoticSequenceInformationTime,
  tunedTime,
} from '../../src/statistics/confidence-sequence.js';
import type { Inference } from '../../src/statistics/inference.js';
import { sampleRatioChiSquare } from '../../src/statistics/sample-ratio.js';
import { zTestMeans } from '../../src/statistics/welch.js';
import {
  expectClose,
  hasRealData,
  numberIn,
  readJson,
  readRows,
  valueOf,
} from '../support/real-data.js';

const ALPHA = 0.05;

type Row = Readonly<Record<string, string>>;

interface Counts {
  readonly streams: number;
  readonly final_look_p_below_05: number;
  readonly any_look_p_below_05: number;
  readonly any_look_p_below_05_but_final_not: number;
  readonly ever_significant_normal_mixture: number;
  readonly normal_mixture_significant_but_final_p_not: number;
  readonly srm_p_below_001_vs_50_50: number;
}

/** What our functions say about one stream: experiment, variant and metric over all its looks. */
interface Stream {
  readonly key: string;
  readonly effect: number;
  /** Null where the last look was published without variances. */
  readonly last: Inference | null;
  readonly looks: number;
  /** Null without a look that has variances. */
  readonly smallestP: number | null;
  /** Left the sequence of a mixture whose variance is the information of the last look. */
  readonly leftUnitInformation: boolean;
  /** Left the sequence that is narrowest at the last look: our default. */
  readonly leftTuned: boolean;
  /** The same at the level that our engine gives to each of the experiment's metrics and arms. */
  readonly leftAsInExperiment: boolean;
  readonly sampleRatioP: number;
}

function keyOf(row: Row): string {
  return [row['experiment_id'], row['variant_id'], row['metric_id']].join('/');
}

function testOf(row: Row): readonly Inference[] {
  if (row['variance_c'] === '' || row['variance_t'] === '') return [];
  const arm = (side: 'c' | 't') => ({
    n: numberIn(row, `count_${side}`),
    mean: numberIn(row, `mean_${side}`),
    variance: numberIn(row, `variance_${side}`),
  });
  const arms = { control: arm('c'), treatment: arm('t') };
  return [valueOf(zTestMeans({ ...arms, alpha: ALPHA, alternative: 'two-sided' }))];
}

/** Whether the sequence of any look leaves out "no effect". */
function excludesZero(
  looks: readonly Inference[],
  plannedStandardError: number,
  alpha: number,
): boolean {
  return looks.some(({ estimate, standardError }) => {
    const spec = { plannedStandardError, alpha, alternative: 'two-sided' } as const;
    const look = asymptoticSequenceInformationTime({ ...spec, estimate, standardError });
    const { lower, upper } = valueOf(look);
    return lower > 0 || upper < 0;
  });
}

function streamOf(key: string, rows: readonly Row[], testsInExperiment: number): Stream {
  const inTime = [...rows].sort(
    (a, b) => numberIn(a, 'time_since_start') - numberIn(b, 'time_since_start'),
  );
  const lastRow = inTime.at(-1);
  if (lastRow === undefined) throw new Error(`${key} has no look`);
  const looks = inTime.flatMap(testOf);
  const finalSe = looks.at(-1)?.standardError ?? 1;
  // our boundary is tightest where time is tunedTime(alpha); a mixture of unit information has time 1 there
  const unitInformationSe = finalSe / Math.sqrt(tunedTime(ALPHA, 'two-sided'));
  const observed = [numberIn(lastRow, 'count_c'), numberIn(lastRow, 'count_t')];
  return {
    key,
    effect: numberIn(lastRow, 'mean_t') - numberIn(lastRow, 'mean_c'),
    last: testOf(lastRow)[0] ?? null,
    looks: inTime.length,
    smallestP: looks.length === 0 ? null : Math.min(...looks.map(({ pValue }) => pValue)),
    leftUnitInformation: excludesZero(looks, unitInformationSe, ALPHA),
    leftTuned: excludesZero(looks, finalSe, ALPHA),
    leftAsInExperiment: excludesZero(looks, finalSe, ALPHA / testsInExperiment),
    sampleRatioP: valueOf(sampleRatioChiSquare({ observed, weights: [1, 1] })).pValue,
  };
}

function streamsOf(rows: readonly Row[]): readonly Stream[] {
  const byStream = Map.groupBy(rows, keyOf);
  const experimentOf = (key: string): string => key.split('/')[0] ?? '';
  const tests = Map.groupBy(byStream.keys(), experimentOf);
  return [...byStream].map(([key, own]) =>
    streamOf(key, own, tests.get(experimentOf(key))?.length ?? 1),
  );
}

function countsOf(streams: readonly Stream[]): Counts {
  const count = (holds: (stream: Stream) => boolean): number => streams.filter(holds).length;
  const peeked = ({ smallestP }: Stream): boolean => smallestP !== null && smallestP < ALPHA;
  const final = ({ last }: Stream): boolean => last !== null && last.pValue < ALPHA;
  return {
    streams: streams.length,
    final_look_p_below_05: count(final),
    any_look_p_below_05: count(peeked),
    any_look_p_below_05_but_final_not: count((stream) => peeked(stream) && !final(stream)),
    ever_significant_normal_mixture: count((stream) => stream.leftUnitInformation),
    normal_mixture_significant_but_final_p_not: count(
      (stream) => stream.leftUnitInformation && !final(stream),
    ),
    srm_p_below_001_vs_50_50: count((stream) => stream.sampleRatioP < 0.001),
  };
}

/** Equal to a relative error of 1e-6; what could not be computed there is not computed here. */
function expectField(row: Row, name: string, actual: number | null): void {
  const what = `${keyOf(row)} ${name}`;
  if (actual === null) expect(row[name], what).toBe('');
  else expectClose(what, actual, numberIn(row, name));
}

describe('the sequential checkpoints of 38 experiments of a retailer', () => {
  if (!hasRealData('the checkpoints of a retailer')) return;

  let streams: readonly Stream[] = [];
  let expected: readonly Row[] = [];

  beforeAll(() => {
    streams = streamsOf(readRows('asos_checkpoints.csv.gz'));
    expected = readRows('asos_final_looks.expected.csv.gz');
  });

  const streamFor = (row: Row): Stream => {
    const stream = streams.find(({ key }) => key === keyOf(row));
    if (stream === undefined) throw new Error(`no stream ${keyOf(row)}`);
    return stream;
  };

  it('give effect, standard error, z and p of every last look from sufficient statistics alone', () => {
    expect(expected).toHaveLength(streams.length);
    for (const row of expected) {
      const { effect, last, looks, smallestP } = streamFor(row);
      expectField(row, 'diff', effect);
      expectField(row, 'se', last?.standardError ?? null);
      expectField(row, 'z', last?.statistic ?? null);
      expectField(row, 'p', last?.pValue ?? null);
      expectField(row, 'min_p_over_looks', smallestP);
      expect(looks, keyOf(row)).toBe(numberIn(row, 'looks'));
    }
  });

  it('give the p-value of the sample ratio of every experiment', () => {
    for (const row of expected) expectField(row, 'srm_p_50_50', streamFor(row).sampleRatioP);
  });

  it('leave the confidence sequence in the streams that are listed, and in no other', () => {
    for (const row of expected) {
      const listed = row['ever_significant_normal_mixture_05'] === 'True';
      expect(streamFor(row).leftUnitInformation, keyOf(row)).toBe(listed);
    }
  });

  it('would have been stopped far more often by peeking at a fixed test', () => {
    const published = readJson('asos_checkpoints.expected.json') as Counts;
    const counted = countsOf(streams);
    const tuned = streams.filter((stream) => stream.leftTuned).length;
    const asInExperiment = streams.filter((stream) => stream.leftAsInExperiment).length;
    const names = Object.keys(counted) as (keyof Counts)[];
    printTable([
      ...names.map((name) => [name, published[name], counted[name]] as const),
      ['sequence tuned to the last look, each stream at .05', null, tuned],
      ['the same, .05 shared by metrics and arms as we do', null, asInExperiment],
    ]);
    expect(published).toMatchObject(counted);
    // tuning for the last look trades the published mixture's caution with few units for power at the end
    expect(tuned).toBeLessThan((2 / 3) * counted.any_look_p_below_05);
    expect(asInExperiment).toBeLessThan(counted.any_look_p_below_05 / 2);
  });
});

function printTable(rows: readonly (readonly [string, number | null, number])[]): void {
  const cell = (value: number | string | null): string => String(value ?? '').padStart(11);
  const lines = rows.map(([name, ...pair]) => name.padEnd(52) + pair.map(cell).join(''));
  const header = ''.padEnd(52) + ['published', 'counted'].map(cell).join('');
  process.stdout.write(`${[header, ...lines].join('\n')}\n`);
}
