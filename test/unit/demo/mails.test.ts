import { describe, expect, it } from 'vitest';
import { balanced, loadMails, splitMails, withShuffledLabels } from '../../../demo/mails.js';
import { parseMail } from '../../../demo/mime.js';
import { seededRandom, shuffled } from '../../../demo/random.js';

const mails = loadMails();

describe('the mails of the demo', () => {
  it('are real: thousands, about 30 % spam, some of more than 100 kB', () => {
    expect(mails.length).toBeGreaterThan(5_500);
    const spam = mails.filter((mail) => mail.spam).length / mails.length;
    expect(spam).toBeGreaterThan(0.25);
    expect(spam).toBeLessThan(0.35);
    expect(mails.some((mail) => mail.body.length > 100_000)).toBe(true);
  });

  it('count hard ham as ham', () => {
    const hard = mails.filter((mail) => mail.id.startsWith('hard-ham'));
    expect(hard.length).toBeGreaterThan(200);
    expect(hard.some((mail) => mail.spam)).toBe(false);
  });

  it('occur once, however often the corpus repeats a body', () => {
    const bodies = mails
      .filter((mail) => mail.body !== '')
      .map((mail) => mail.body.replace(/\s+/g, ' '));
    expect(new Set(bodies).size).toBe(bodies.length);
  });

  it('carry no header of their delivery', () => {
    const leaking = mails.filter((mail) =>
      /^(Received|Return-Path|Delivered-To): /.test(mail.body),
    );
    expect(leaking.map((mail) => mail.id)).toEqual([]);
  });

  it('are split the same way for the same seed, and no mail is on both sides', () => {
    const one = splitMails(mails, 5);
    expect(splitMails(mails, 5)).toEqual(one);
    expect(splitMails(mails, 6).train[0]?.id).not.toBe(one.train[0]?.id);
    const ids = [...one.train, ...one.heldOut].map((mail) => mail.id);
    expect(new Set(ids).size).toBe(mails.length);
    expect(one.train.length / mails.length).toBeCloseTo(0.35, 2);
  });

  it('keep their number of spam when labels are shuffled, but not who is spam', () => {
    const dealt = withShuffledLabels(mails, 3);
    const spam = (of: typeof mails): number => of.filter((mail) => mail.spam).length;
    expect(spam(dealt)).toBe(spam(mails));
    const kept = dealt.filter((mail, index) => mail.spam === mails[index]!.spam).length;
    expect(kept / mails.length).toBeLessThan(0.65);
  });

  it('can be balanced to as many spam as ham', () => {
    const even = balanced(mails);
    expect(even.filter((mail) => mail.spam).length * 2).toBe(even.length);
  });
});

describe('parsing a mail', () => {
  it('decodes quoted-printable, joins folded headers and drops them', () => {
    const mail = parseMail(
      'Received: from x\r\n\tby y\r\nSubject: hello\r\n  world\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nfree=20money =\r\nnow =A3\r\n',
    );
    expect(mail).toEqual({ subject: 'hello world', body: 'free money now £' });
  });

  it('decodes base64 parts, keeps HTML as markup and leaves attachments out', () => {
    const mail = parseMail(
      [
        'Subject: =?iso-8859-1?Q?Gr=FC=DFe_an?= =?utf-8?B?YWxs?=',
        'Content-Type: multipart/mixed; boundary="b 1"',
        '',
        'preamble',
        '--b 1',
        'Content-Type: text/html',
        'Content-Transfer-Encoding: base64',
        '',
        Buffer.from('<b>win</b>').toString('base64'),
        '--b 1',
        'Content-Type: image/gif',
        'Content-Transfer-Encoding: base64',
        '',
        'R0lGODlh',
        '--b 1',
        '',
        'plain',
        '--b 1--',
        'epilogue',
      ].join('\n'),
    );
    expect(mail.subject).toBe('Grüße an all');
    expect(mail.body).toBe('<b>win</b>\nplain');
  });

  it('never throws: what is broken stays as it is', () => {
    expect(parseMail('')).toEqual({ subject: '', body: '' });
    expect(parseMail('\nonly a body')).toEqual({ subject: '', body: 'only a body' });
    expect(parseMail('Subject: x').subject).toBe('x');
    const lost = 'Content-Type: multipart/mixed; boundary=zzz\n\nno such boundary here';
    expect(parseMail(lost).body).toBe('no such boundary here');
  });
});

describe('seeded randomness', () => {
  it('repeats from a seed, differs between neighbours and is uniform', () => {
    const draw = (seed: number): number[] => {
      const random = seededRandom(seed);
      return Array.from({ length: 10_000 }, random);
    };
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1).slice(0, 3)).not.toEqual(draw(2).slice(0, 3));
    const mean = draw(3).reduce((sum, value) => sum + value, 0) / 10_000;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.012);
  });

  it('shuffles without losing or changing its input', () => {
    const input = [1, 2, 3, 4, 5, 6, 7, 8];
    const output = shuffled(input, seededRandom(9));
    expect(input).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect([...output].sort()).toEqual(input);
    expect(output).not.toEqual(input);
  });
});
