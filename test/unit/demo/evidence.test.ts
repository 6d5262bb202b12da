import { describe, expect, it } from 'vitest';
import { trainVersions } from '../../../demo/classifiers/train.js';
import { balanced, loadMails, splitMails, withShuffledLabels } from '../../../demo/mails.js';
import type { MailContent } from '../../../demo/mime.js';
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

  it('decide nothing, in 95 of 100 runs at least, between a version and its copy', () => {
    const { train, heldOut } = splitMails(mails, 1);
    const { v1 } = trainVersions(train, 1);
    const known = new Map<string, number>(
      heldOut.map((mail) => [mail.subject + mail.body, v1.probability(mail)]),
    );
    const same = { probability: (mail: MailContent) => known.get(mail.subject + mail.body)! };
    const common = { control: same, variant: same, mailsPerSecond: 4 * MAILS_PER_SECOND };
    const verdicts = Array.from({ length: 100 }, (_, run) => {
      const random = seededRandom(run);
      return simulate({ ...common, mails: shuffled(heldOut, random), random }).verdict;
    });
    const acted = verdicts.filter((verdict) => verdict !== 'none');
    console.log(`100 runs with nothing to find: ${acted.length} acted (${acted.join(', ')})`);
    expect(acted.length).toBeLessThanOrEqual(5);
  });
});
