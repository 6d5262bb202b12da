import { describe, expect, it } from 'vitest';
import { trainVersions } from '../../../demo/classifiers/train.js';
import { balanced, loadMails, splitMails, withShuffledLabels } from '../../../demo/mails.js';
import { seededRandom, shuffled } from '../../../demo/random.js';
import { simulate } from './simulation.js';

const mails = loadMails();
const SEEDS = Array.from({ length: 12 }, (_, index) => index + 1);
const MAILS_PER_SECOND = 40;
const ENOUGH = 2 / 3;

describe('the held-out mails', () => {
  it('suffice, with a third to spare, to promote the better version and to roll the buggy one back', () => {
    for (const seed of SEEDS) {
      const { train, heldOut } = splitMails(mails, seed);
      const { v1, v2, v3 } = trainVersions(train, seed);
      const random = seededRandom(seed);
      const common = { mailsPerSecond: MAILS_PER_SECOND, random };
      const better = simulate({
        ...common,
        mails: shuffled(heldOut, random),
        control: v1,
        variant: v2,
      });
      const buggy = simulate({
        ...common,
        mails: shuffled(heldOut, random),
        control: v2,
        variant: v3,
      });
      console.log(
        `seed ${seed}: v1 → v2 ${better.verdict} after ${better.mailsUsed} mails, ${better.seconds} s; ` +
          `v2 → v3 ${buggy.verdict} after ${buggy.mailsUsed} mails, ${buggy.seconds} s`,
      );
      expect(better).toMatchObject({ verdict: 'promote' });
      expect(buggy).toMatchObject({ verdict: 'rollback' });
      expect(better.mailsUsed).toBeLessThan(ENOUGH * heldOut.length);
      expect(buggy.mailsUsed).toBeLessThan(ENOUGH * heldOut.length);
    }
  });

  it('promote nothing when their labels are dealt out at random', () => {
    const verdicts: string[] = [];
    for (const seed of SEEDS) {
      const { train, heldOut } = splitMails(mails, seed);
      const { v1, v2, v3 } = trainVersions(train, seed);
      const random = seededRandom(seed);
      const dealt = withShuffledLabels(balanced(heldOut), seed);
      const common = { mailsPerSecond: MAILS_PER_SECOND, random, mails: dealt };
      verdicts.push(simulate({ ...common, control: v1, variant: v2 }).verdict);
      verdicts.push(simulate({ ...common, control: v1, variant: v3 }).verdict);
    }
    expect(verdicts.filter((verdict) => verdict === 'promote')).toEqual([]);
  });
});
