import type { CanaryState, Verdict } from './canary.js';
import { runCanary } from './canary.js';
import { MODEL } from './design.js';
import type { Mail } from './mails.js';
import { seededRandom, shuffled } from './random.js';
import type { SluiceClient } from './sluice-client.js';
import { Traffic } from './traffic.js';

export type Mode = 'normal' | 'shuffled' | 'aa';

export interface StoriesOptions {
  readonly mode: Mode;
  readonly seed: number;
  readonly speed: number;
  /** Makes names of experiments new where an earlier demo used the same database; empty for a fresh one. */
  readonly tag: string;
}

export interface StoriesRun extends StoriesOptions {
  readonly client: SluiceClient;
  readonly mails: readonly Mail[];
  readonly onChange: (canaries: readonly CanaryState[]) => void;
}

export interface Story {
  readonly canary: CanaryState;
  readonly expected: string;
  readonly isAsExpected: boolean;
}

interface Chapter {
  readonly variant: string;
  readonly hypothesis: string;
  readonly expected: string;
  readonly fits: (verdict: Verdict) => boolean;
}

const MAILS_PER_SECOND = 40;
const LABEL_DELAY_MS = [1_000, 3_000] as const;
/** After the last mail its label, the shipping and one more look have to fit in. */
const LAST_LOOK_MS = 12_000;

/** Two canaries one after the other, each against whatever serves the model then. */
export async function runStories(run: StoriesRun): Promise<readonly Story[]> {
  const stories: Story[] = [];
  for (const chapter of chaptersOf(run.mode)) {
    const ended = stories.map((story) => story.canary);
    const canary = await runChapter(chapter, run, (state) => run.onChange([...ended, state]));
    const isAsExpected = chapter.fits(canary.verdict);
    stories.push({ canary, expected: chapter.expected, isAsExpected });
  }
  return stories;
}

async function runChapter(
  { variant, hypothesis }: Chapter,
  { client, mails, seed, speed, tag }: StoriesRun,
  onChange: (state: CanaryState) => void,
): Promise<CanaryState> {
  const control = (await client.champion(MODEL)) ?? 'v1';
  const mailsPerSecond = MAILS_PER_SECOND * speed;
  // another order for each variant, so that the second story does not retell the first
  const random = seededRandom(seed * 1_000 + Number(variant.slice(1)));
  return runCanary({
    client,
    traffic: new Traffic(client, {
      model: MODEL,
      mailsPerSecond,
      labelDelayMs: [LABEL_DELAY_MS[0] / speed, LABEL_DELAY_MS[1] / speed],
      random,
    }),
    spec: {
      name: `spam-${variant}${tag}`,
      model: MODEL,
      control,
      variant,
      hypothesis,
      maxRuntimeMs: (mails.length / mailsPerSecond) * 1000 + LAST_LOOK_MS,
    },
    mails: shuffled(mails, random),
    onChange,
  });
}

function chaptersOf(mode: Mode): readonly Chapter[] {
  if (mode === 'aa') {
    return [
      {
        variant: 'v2',
        hypothesis: 'none: v2 is a copy of v1',
        expected: 'nothing, in 9 of 10 runs at least',
        fits: () => true,
      },
    ];
  }
  const isShuffled = mode === 'shuffled';
  return [
    {
      variant: 'v2',
      hypothesis: 'reading the body as well as the subject puts fewer mails into the wrong folder',
      expected: isShuffled ? 'no promotion' : 'promotion',
      fits: (verdict) => (isShuffled ? verdict !== 'promote' : verdict === 'promote'),
    },
    {
      variant: 'v3',
      hypothesis: 'the new HTML cleaner changes nothing for the worse',
      expected: isShuffled ? 'no promotion' : 'rollback',
      fits: (verdict) => (isShuffled ? verdict !== 'promote' : verdict === 'rollback'),
    },
  ];
}
