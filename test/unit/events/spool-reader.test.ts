import { mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { segmentName } from '../../../src/events/segment-writer.js';
import { claimFolder, hasLiveOwner, listSegments } from '../../../src/events/spool-folder.js';
import { firstBlockAtMs, MAX_BATCH_LINES, nextBatch } from '../../../src/events/spool-reader.js';
import { Spool } from '../../../src/events/spool.service.js';
import { anExposure, temporaryDataDir } from '../../support/events.js';

const START = { segment: 0, offset: 0 };
let dir = temporaryDataDir();
beforeEach(() => {
  dir.remove();
  dir = temporaryDataDir();
});
afterEach(() => dir.remove());

function append(spool: Spool, count = 1): Promise<boolean> {
  for (let index = 1; index < count; index += 1)
    spool.appendExposure(anExposure(), () => undefined);
  return new Promise((durable) => spool.appendExposure(anExposure(), durable));
}

describe('reading a spool', () => {
  it('gives what is written after the cursor and nothing twice', async () => {
    const spool = new Spool(dir.config);
    await append(spool);
    const first = await nextBatch(spool.folder, START, spool.position);
    if (first.kind !== 'batch') throw new Error(first.kind);
    expect(first.batch.blocks).toHaveLength(1);
    expect(await nextBatch(spool.folder, first.batch.to, spool.position)).toEqual({
      kind: 'nothing',
    });
    await append(spool, 3);
    const second = await nextBatch(spool.folder, first.batch.to, spool.position);
    if (second.kind !== 'batch') throw new Error(second.kind);
    expect(second.batch.from).toEqual(first.batch.to);
    expect(second.batch.blocks.map((block) => block.lines)).toEqual([3]);
  });

  it('says that a closed segment is over, and goes on with the next', async () => {
    const spool = new Spool(dir.config);
    await append(spool);
    const end = spool.position;
    await spool.close();
    expect(await nextBatch(spool.folder, end, spool.position)).toEqual({
      kind: 'segment_over',
      segment: 1,
    });
    await append(spool);
    const next = await nextBatch(spool.folder, { segment: 2, offset: 0 }, spool.position);
    expect(next).toMatchObject({ kind: 'batch', batch: { from: { segment: 2, offset: 0 } } });
  });

  it('takes at most one batch of lines at a time', async () => {
    const spool = new Spool(dir.config);
    for (let turn = 0; turn < 3; turn += 1) await append(spool, MAX_BATCH_LINES / 2);
    const next = await nextBatch(spool.folder, START, spool.position);
    if (next.kind !== 'batch') throw new Error(next.kind);
    expect(next.batch.blocks.reduce((sum, block) => sum + block.lines, 0)).toBeLessThanOrEqual(
      MAX_BATCH_LINES,
    );
  });

  it('reads no further than its owner has written', async () => {
    const spool = new Spool(dir.config);
    await append(spool);
    const { position } = spool;
    await append(spool);
    const next = await nextBatch(spool.folder, START, position);
    expect(next).toMatchObject({ kind: 'batch', batch: { to: position } });
  });

  it('gives up the rest of a closed segment behind damage, once, with an estimate of what was lost', async () => {
    const spool = new Spool(dir.config);
    await append(spool, 2);
    const good = spool.position.offset;
    await append(spool, 5);
    await spool.close();
    const path = join(spool.folder, segmentName(1));
    const bytes = readFileSync(path);
    bytes[good + 40] = (bytes[good + 40] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    const first = await nextBatch(spool.folder, START, null);
    expect(first).toMatchObject({
      kind: 'batch',
      batch: { to: { segment: 1, offset: good }, damage: null },
    });
    const second = await nextBatch(spool.folder, { segment: 1, offset: good }, null);
    expect(second).toMatchObject({
      kind: 'batch',
      batch: { blocks: [], damage: { lines: 5 }, to: { segment: 1, offset: bytes.length } },
    });
    expect(await nextBatch(spool.folder, { segment: 1, offset: bytes.length }, null)).toMatchObject(
      { kind: 'segment_over' },
    );
    expect(await firstBlockAtMs(path)).toBeGreaterThan(Date.now() - 60_000);
  });

  it('waits at an unreadable end while somebody else still writes there', async () => {
    const spool = new Spool(dir.config);
    await append(spool);
    const path = join(spool.folder, segmentName(1));
    writeFileSync(path, readFileSync(path).subarray(0, -1));
    expect(await nextBatch(spool.folder, START, null, true)).toEqual({ kind: 'nothing' });
    expect(await nextBatch(spool.folder, START, spool.position)).toEqual({
      kind: 'active_damaged',
    });
    expect(await nextBatch(spool.folder, START, null)).toMatchObject({
      batch: { damage: { lines: 0 } },
    });
  });

  it('finds nothing in a folder that is not there', async () => {
    expect(await listSegments(join(dir.dataDir, 'none'))).toEqual([]);
    expect(await nextBatch(join(dir.dataDir, 'none'), START, null)).toEqual({ kind: 'nothing' });
  });
});

describe('the owner of a spool folder', () => {
  function ownedBy(owner: object): string {
    const folder = join(dir.dataDir, 'spool-of-somebody');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'owner.json'), JSON.stringify(owner));
    return folder;
  }

  it('lives while its process runs and no longer', () => {
    expect(
      hasLiveOwner(ownedBy({ host: hostname(), pid: process.ppid, startTicks: null }), Date.now()),
    ).toBe(true);
    expect(
      hasLiveOwner(ownedBy({ host: hostname(), pid: 2 ** 22 + 1, startTicks: null }), Date.now()),
    ).toBe(false);
  });

  it('is gone when its pid is used by another process', () => {
    expect(
      hasLiveOwner(ownedBy({ host: hostname(), pid: process.ppid, startTicks: '1' }), Date.now()),
    ).toBe(false);
    const own = join(dir.dataDir, 'own');
    mkdirSync(own);
    claimFolder(own);
    expect(hasLiveOwner(own, Date.now())).toBe(false);
  });

  it('on another host is gone after a long silence', () => {
    const folder = ownedBy({ host: 'elsewhere', pid: 1, startTicks: '1' });
    expect(hasLiveOwner(folder, Date.now())).toBe(true);
    expect(hasLiveOwner(folder, Date.now() + 3_600_000)).toBe(false);
  });

  it('has a minute to say its name', () => {
    const folder = join(dir.dataDir, 'young');
    mkdirSync(folder);
    expect(hasLiveOwner(folder, Date.now())).toBe(true);
    utimesSync(folder, new Date(0), new Date(0));
    expect(hasLiveOwner(folder, Date.now())).toBe(false);
  });
});
