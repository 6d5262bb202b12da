import { describe, expect, it } from 'vitest';
import { SigningKey } from '../../../src/auth/signing-key.js';
import { type AuditBasis, ChainAudit, type ChainResult } from '../../../src/rollouts/audit.js';
import { type Checkpoint, checkpointOf } from '../../../src/rollouts/checkpoint.js';
import {
  decisionHash,
  FIRST_PREVIOUS_HASH,
  type StoredDecision,
} from '../../../src/rollouts/stored-decision.js';

const key = new SigningKey(Buffer.alloc(32, 7));
const stranger = new SigningKey(Buffer.alloc(32, 8));
const EXPERIMENT = '0190a000-0000-7000-8000-000000000001';

type Content = Omit<StoredDecision, 'previousHash' | 'hash'>;

const content = (number: number): Content => ({
  experimentId: EXPERIMENT,
  number,
  kind: number === 1 ? 'start' : 'hold',
  automatic: number > 1,
  actor: 'ann',
  summary: `decision ${number}`,
  reasons: { code: 'x' },
  inputs: { nowMs: number },
  policyVersion: '1',
  reportNumber: null,
  fromRevision: number,
  configVersion: null,
  atMs: 1_000 * number,
});

/** A chain over these contents, as the product (or a forger) writes it. */
function chained(contents: readonly Content[]): StoredDecision[] {
  const chain: StoredDecision[] = [];
  for (const one of contents) {
    const linked = { ...one, previousHash: chain.at(-1)?.hash ?? FIRST_PREVIOUS_HASH };
    chain.push({ ...linked, hash: decisionHash(linked) });
  }
  return chain;
}

const honest = chained([1, 2, 3, 4].map(content));
const signed = honest.map((decision) => checkpointOf(decision, key));

function audited(
  decisions: readonly StoredDecision[],
  changes: Partial<AuditBasis> = {},
): ChainResult {
  const audit = new ChainAudit({
    key: key.public,
    checkpoints: signed,
    anchors: [],
    revision: 5,
    signedSinceMs: 0,
    replay: null,
    ...changes,
  });
  for (const decision of decisions) audit.add(decision);
  return audit.end();
}

const problems = ({ findings }: ChainResult) =>
  findings.map(({ number, problem }) => [number, problem]);

describe('an audit', () => {
  it('finds nothing in an honest log', () => {
    expect(audited(honest)).toEqual({ decisions: 4, signed: 4, replayed: 0, findings: [] });
  });

  it('finds a changed summary', () => {
    const edited = honest.map((one) => (one.number === 2 ? { ...one, summary: 'nicer' } : one));
    expect(problems(audited(edited))).toEqual([[2, 'content']]);
  });

  it('finds a changed summary whose own hash was made to fit', () => {
    const edited = honest.map((one) => {
      if (one.number !== 2) return one;
      const changed = { ...one, summary: 'nicer' };
      return { ...changed, hash: decisionHash(changed) };
    });
    expect(problems(audited(edited))).toEqual([
      [2, 'forged'],
      [3, 'link'],
    ]);
  });

  it('finds a missing decision in the middle', () => {
    expect(problems(audited(honest.filter(({ number }) => number !== 2)))).toEqual([[2, 'gap']]);
  });

  it('finds decisions that were swapped', () => {
    const [first, second, third, fourth] = honest;
    const swapped = [first!, { ...third!, number: 2 }, { ...second!, number: 3 }, fourth!];
    const numbers = problems(audited(swapped)).map(([number]) => number);
    expect(numbers).toContain(2);
    expect(numbers).toContain(3);
  });

  it('finds a log that was cut off at its end', () => {
    expect(problems(audited(honest.slice(0, 3)))).toEqual([
      [4, 'truncated'],
      [null, 'behind'],
    ]);
  });

  it('finds a log that was cut off together with its checkpoints, as long as the experiment knows', () => {
    const changes = { checkpoints: signed.slice(0, 3) };
    expect(problems(audited(honest.slice(0, 3), changes))).toEqual([[null, 'behind']]);
  });

  it('finds a log that was cut off with everything around it, by a checkpoint kept elsewhere', () => {
    const changes = { checkpoints: signed.slice(0, 3), revision: 4 };
    expect(problems(audited(honest.slice(0, 3), changes))).toEqual([]);
    const anchored = { ...changes, anchors: signed };
    expect(problems(audited(honest.slice(0, 3), anchored))).toEqual([[4, 'truncated']]);
  });

  it('finds a chain that was forged anew without the key', () => {
    const forged = chained(
      [1, 2, 3, 4].map(content).map((one) => (one.number === 3 ? { ...one, actor: 'bob' } : one)),
    );
    expect(problems(audited(forged))).toEqual([
      [3, 'forged'],
      [4, 'forged'],
    ]);
    const resigned = forged.map((decision) => checkpointOf(decision, stranger));
    const impostor = resigned.map((one) => ({ ...one, keyId: key.public.id }));
    for (const checkpoints of [resigned, impostor]) {
      expect(problems(audited(forged, { checkpoints }))[0]).toEqual([1, 'signature']);
    }
    expect(problems(audited(forged, { checkpoints: [] }))).toEqual([[4, 'unsigned']]);
  });

  it('finds a signature that was moved to another decision', () => {
    const moved: Checkpoint[] = signed.map((one) =>
      one.number === 4 ? { ...signed[2]!, number: 4, hash: one.hash, atMs: one.atMs } : one,
    );
    expect(problems(audited(honest, { checkpoints: moved }))).toEqual([[4, 'signature']]);
  });

  it('finds an empty log', () => {
    expect(problems(audited([], { checkpoints: [] }))).toEqual([[1, 'gap']]);
    expect(problems(audited([])).at(-1)).toEqual([4, 'truncated']);
  });

  it('lets a log end unsigned when nothing was signed yet at that time', () => {
    expect(problems(audited(honest, { checkpoints: [], signedSinceMs: 4_001 }))).toEqual([]);
    expect(problems(audited(honest, { checkpoints: [], signedSinceMs: 4_000 }))).toEqual([
      [4, 'unsigned'],
    ]);
  });

  it('computes automatic decisions again, and finds one that comes out differently', () => {
    const replay = ({ number, kind, summary }: StoredDecision) => ({
      identical: number !== 3,
      hashFits: true,
      stored: { kind, summary },
      replayed: { kind: 'promote', summary: 'now' },
      policy: { stored: '2', present: '2' },
    });
    const result = audited(honest, { replay });
    expect(result.replayed).toBe(3);
    expect(problems(result)).toEqual([[3, 'replay']]);
  });
});
