import { beforeAll, describe, expect, it } from 'vitest';
import {
  asymptoticSequenceInformationTime,
  tunedTime,
} from '../../src/statistics/confidence-sequence.js';
import type { Inference } from '../../src/statistics/inference.js';
import { sampleRatioChiSquare } from '../../src/statistics/sample-ratio.js';
import { zTestMeans } from '../../src/statistics/welch.js';
import {
  type Checkpoint,
  inTime,
  type Stops,
  stopsOf,
  streamKey,
  unitsAt,
  unitsInDays,
} from '../support/checkpoints.js';
import {
  expectClose,
  hasRealData,
  numberIn,
  readJson,
  readRows,
  valueOf,
} from '../support/real-data.js';

const ALPHA = 0.05;

/** An experiment runs for so long unless its definition says otherwise (`analysis.maxRuntime`). */
const DEFAULT_RUNTIME_DAYS = 14;

type Looks = readonly Checkpoint[];

/** Numbers that could be given as `plannedUnits`; all but the last could be known at the start. */
const RULES = [
  {
    name: `the default runtime of ${String(DEFAULT_RUNTIME_DAYS)} days`,
    plannedUnits: (looks: Looks): number => unitsInDays(looks, DEFAULT_RUNTIME_DAYS),
  },
  { name: 'a week', plannedUnits: (looks: Looks): number => unitsInDays(looks, 7) },
  { name: 'four weeks', plannedUnits: (looks: Looks): number => unitsInDays(looks, 28) },
  {
    name: 'the units of the first look',
    plannedUnits: (looks: Looks): number => unitsAt(looks[0]),
  },
  {
    name: 'the units of the last look',
    plannedUnits: (looks: Looks): number => unitsAt(looks.at(-1)),
  },
] as const;

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
  readonly sampleRatioP: number;
}

function testOf(row: Checkpoint): readonly Inference[] {
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
function excludesZero(looks: readonly Inference[], plannedStandardError: number): boolean {
  return looks.some(({ estimate, standardError }) => {
    const spec = { plannedStandardError, alpha: ALPHA, alternative: 'two-sided' } as const;
    const look = asymptoticSequenceInformationTime({ ...spec, estimate, standardError });
    const { lower, upper } = valueOf(look);
    return lower > 0 || upper < 0;
  });
}

function streamOf(key: string, rows: readonly Checkpoint[]): Stream {
  const own = inTime(rows);
  const lastRow = own.at(-1);
  if (lastRow === undefined) throw new Error(`${key} has no look`);
  const looks = own.flatMap(testOf);
  const finalSe = looks.at(-1)?.standardError ?? 1;
  // our boundary is tightest where time is tunedTime(alpha); a mixture of unit information has time 1 there
  const unitInformationSe = finalSe / Math.sqrt(tunedTime(ALPHA, 'two-sided'));
  const observed = [numberIn(lastRow, 'count_c'), numberIn(lastRow, 'count_t')];
  return {
    key,
    effect: numberIn(lastRow, 'mean_t') - numberIn(lastRow, 'mean_c'),
    last: testOf(lastRow)[0] ?? null,
    looks: own.length,
    smallestP: looks.length === 0 ? null : Math.min(...looks.map(({ pValue }) => pValue)),
    leftUnitInformation: excludesZero(looks, unitInformationSe),
    sampleRatioP: valueOf(sampleRatioChiSquare({ observed, weights: [1, 1] })).pValue,
  };
}

function streamsOf(rows: readonly Checkpoint[]): readonly Stream[] {
  return [...Map.groupBy(rows, streamKey)].map(([key, own]) => streamOf(key, own));
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
function expectField(row: Checkpoint, name: string, actual: number | null): void {
  const what = `${streamKey(row)} ${name}`;
  if (actual === null) expect(row[name], what).toBe('');
  else expectClose(what, actual, numberIn(row, name));
}

describe('the sequential checkpoints of 38 experiments of a retailer', () => {
  if (!hasRealData('the checkpoints of a retailer')) return;

  let rows: readonly Checkpoint[] = [];
  let streams: readonly Stream[] = [];
  let expected: readonly Checkpoint[] = [];

  beforeAll(() => {
    rows = readRows('asos_checkpoints.csv.gz');
    streams = streamsOf(rows);
    expected = readRows('asos_final_looks.expected.csv.gz');
  });

  const streamFor = (row: Checkpoint): Stream => {
    const stream = streams.find(({ key }) => key === streamKey(row));
    if (stream === undefined) throw new Error(`no stream ${streamKey(row)}`);
    return stream;
  };

  const listedCounts = (): Counts => readJson('asos_checkpoints.expected.json') as Counts;

  it('give effect, standard error, z and p of every last look from sufficient statistics alone', () => {
    expect(expected).toHaveLength(streams.length);
    for (const row of expected) {
      const { effect, last, looks, smallestP } = streamFor(row);
      expectField(row, 'diff', effect);
      expectField(row, 'se', last?.standardError ?? null);
      expectField(row, 'z', last?.statistic ?? null);
      expectField(row, 'p', last?.pValue ?? null);
      expectField(row, 'min_p_over_looks', smallestP);
      expect(looks, streamKey(row)).toBe(numberIn(row, 'looks'));
    }
  });

  it('give the p-value of the sample ratio of every experiment', () => {
    for (const row of expected) expectField(row, 'srm_p_50_50', streamFor(row).sampleRatioP);
  });

  it('leave the confidence sequence in the streams that are listed, and in no other', () => {
    for (const row of expected) {
      const listed = row['ever_significant_normal_mixture_05'] === 'True';
      expect(streamFor(row).leftUnitInformation, streamKey(row)).toBe(listed);
    }
  });

  it('give every published count', () => {
    const looks = [...streams].map((stream) => stream.looks).sort((a, b) => a - b);
    const middle = looks.slice((looks.length - 1) >> 1, (looks.length >> 1) + 1);
    expect(listedCounts()).toEqual({
      ...countsOf(streams),
      rows: rows.length,
      experiments: new Set(rows.map((row) => row['experiment_id'])).size,
      median_looks: middle.reduce((sum, count) => sum + count / middle.length, 0),
    });
  });

  it.each(RULES)(
    'stop our sequential method on no more streams than the listed one, planned for $name',
    ({ plannedUnits }) => {
      const { sequence, better } = stopsOf(rows, { plannedUnits, sharesAlpha: true });
      const listed = listedCounts().ever_significant_normal_mixture;
      expect(sequence.size).toBeLessThanOrEqual(listed);
      expect(better.size).toBeLessThanOrEqual(listed);
    },
  );

  it('promote on no more streams than that however they are planned, and stop far fewer than peeking', () => {
    const listed = listedCounts();
    const table = RULES.flatMap(({ name, plannedUnits }) =>
      [true, false].map((sharesAlpha) => {
        const stops = stopsOf(rows, { plannedUnits, sharesAlpha });
        const what = `${name}, ${sharesAlpha ? 'as experiments' : 'each stream alone'}`;
        return { what, sharesAlpha, stops, either: new Set([...stops.better, ...stops.worse]) };
      }),
    );
    printTable(listed, table);
    for (const { what, sharesAlpha, stops, either } of table) {
      const most = listed.any_look_p_below_05 * (sharesAlpha ? 1 / 2 : 2 / 3);
      expect(stops.better.size, what).toBeLessThanOrEqual(listed.ever_significant_normal_mixture);
      expect(either.size, what).toBeLessThan(most);
    }
  });
});

interface TableRow {
  readonly what: string;
  readonly stops: Stops;
  readonly either: ReadonlySet<string>;
}

function printTable(listed: Counts, table: readonly TableRow[]): void {
  const row = (what: string, ...cells: readonly (number | string)[]): string =>
    what.padEnd(56) + cells.map((cell) => String(cell).padStart(10)).join('');
  const lines = [
    row('streams of 188 that stop, planned for', 'sequence', 'better', 'worse', 'either'),
    ...table.map(({ what, stops, either }) =>
      row(what, stops.sequence.size, stops.better.size, stops.worse.size, either.size),
    ),
    row(
      'listed: mixture with the last information as variance',
      listed.ever_significant_normal_mixture,
    ),
    row('listed: peeking at a fixed test', listed.any_look_p_below_05),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
