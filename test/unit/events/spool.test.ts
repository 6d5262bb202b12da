import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Config } from '../../../src/config/config.js';
import { readBlocks } from '../../../src/events/block.js';
import { diskIo } from '../../../src/events/segment-io.js';
import type { SegmentIo } from '../../../src/events/segment-io.js';
import {
  MAX_SEGMENT_BYTES,
  segmentName,
  SYNC_INTERVAL_MS,
} from '../../../src/events/segment-writer.js';
import { listSegments } from '../../../src/events/spool-folder.js';
import { MAX_LINE_LENGTH, MAX_SPOOL_BYTES, Spool } from '../../../src/events/spool.service.js';
import { anExposure, aPrediction, temporaryDataDir } from '../../support/events.js';

const nothing = (): void => undefined;
let dir = temporaryDataDir();
beforeEach(() => {
  Logger.overrideLogger(false);
  dir.remove();
  dir = temporaryDataDir();
});
afterEach(() => dir.remove());

/** A disk that counts, and that can be told to fail. */
function countingIo(): SegmentIo & {
  writes: number;
  syncs: number;
  fail: ((call: number) => Error | null) | null;
} {
  const io = {
    ...diskIo,
    writes: 0,
    syncs: 0,
    fail: null as ((call: number) => Error | null) | null,
    write(fd: number, bytes: Uint8Array, offset: number): number {
      io.writes += 1;
      const error = io.fail?.(io.writes) ?? null;
      if (error !== null) throw error;
      return diskIo.write(fd, bytes, offset);
    },
    sync(fd: number, done: (error: Error | null) => void): void {
      io.syncs += 1;
      diskIo.sync(fd, done);
    },
  };
  return io;
}

function full(): Error {
  return Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
}

function segmentBytes(spool: Spool, segment: number): Buffer {
  return readFileSync(join(spool.folder, segmentName(segment)));
}

function written(spool: Spool, segment = 1): string {
  const read = readBlocks(segmentBytes(spool, segment));
  expect(read.tail).toBe('clean');
  return read.blocks.map((block) => block.payload.toString()).join('');
}

function append(spool: Spool, change: Parameters<typeof anExposure>[0] = {}): Promise<boolean> {
  return new Promise((durable) => spool.appendExposure(anExposure(change), durable));
}

describe('the spool', () => {
  it('has an exposure on the disk when it says so', async () => {
    const spool = new Spool(dir.config);
    await new Promise<void>((done) => {
      spool.appendExposure(anExposure({ unitKey: 'ann' }), (ok) => {
        expect(ok).toBe(true);
        expect(written(spool)).toContain('\tann\t');
        done();
      });
    });
  });

  it('writes once per turn, however many events the turn had', async () => {
    const io = countingIo();
    const spool = new Spool(dir.config, io);
    for (let index = 0; index < 50; index += 1) {
      spool.appendExposure(anExposure(), nothing);
      spool.appendPrediction(aPrediction());
    }
    expect(await append(spool)).toBe(true);
    expect(io.writes).toBe(1);
    expect(spool.counters()).toMatchObject({ exposures: 51, predictions: 50, dropped: 0 });
    expect(written(spool).split('\n')).toHaveLength(102);
  });

  it('separates events of two partition days into two blocks', async () => {
    const spool = new Spool(dir.config);
    const nextDay = Date.now() + 86_400_000;
    spool.appendExposure(anExposure(), nothing);
    spool.appendExposure(anExposure({ atMs: nextDay }), nothing);
    await append(spool, { atMs: nextDay });
    const { blocks } = readBlocks(segmentBytes(spool, 1));
    expect(blocks.map((block) => block.lines)).toEqual([1, 2]);
    expect((blocks[1]?.day ?? 0) - (blocks[0]?.day ?? 0)).toBe(1);
  });

  it('syncs while there is something to sync, at most once per interval', async () => {
    const io = countingIo();
    const spool = new Spool(dir.config, io);
    const startMs = performance.now();
    for (let index = 0; index < 40; index += 1) {
      await append(spool);
      await sleep(2);
    }
    const intervals = Math.ceil((performance.now() - startMs) / SYNC_INTERVAL_MS) + 1;
    await sleep(3 * SYNC_INTERVAL_MS);
    expect(io.syncs).toBeGreaterThan(0);
    expect(io.syncs).toBeLessThanOrEqual(intervals);
    const before = io.syncs;
    await sleep(3 * SYNC_INTERVAL_MS);
    expect(io.syncs).toBe(before);
  });

  it('begins a new segment when one is full, and never appends to an old one', async () => {
    const spool = new Spool(dir.config);
    const captured = { blob: 'x'.repeat(MAX_LINE_LENGTH - 1_000) };
    for (let index = 0; index < 18; index += 1) {
      spool.appendPrediction(aPrediction({ captured }));
      await append(spool);
    }
    expect(await listSegments(spool.folder)).toEqual([1, 2]);
    expect(segmentBytes(spool, 1).length).toBeLessThanOrEqual(MAX_SEGMENT_BYTES);
    await spool.close();
    await append(spool);
    expect(await listSegments(spool.folder)).toEqual([1, 2, 3]);
    expect(new Spool(dir.config).folder).not.toBe(spool.folder);
  });

  it('says no and counts while the disk is full, and goes on when it has space again', async () => {
    const io = countingIo();
    const spool = new Spool(dir.config, io);
    expect(await append(spool, { unitKey: 'before' })).toBe(true);
    io.fail = full;
    expect(await append(spool)).toBe(false);
    spool.appendPrediction(aPrediction());
    expect(await append(spool)).toBe(false);
    io.fail = null;
    expect(await append(spool, { unitKey: 'after' })).toBe(true);
    expect(spool.counters().dropped).toBe(3);
    expect(spool.gaps.take()).toMatchObject([{ dropped: 3, cause: 'disk_full' }]);
    expect(written(spool)).toMatch(/before[^]*after/);
  });

  it('leaves no damage before good blocks when a write stops half-way and truncation fails too', async () => {
    const io = countingIo();
    io.truncate = () => {
      throw full();
    };
    const spool = new Spool(dir.config, io);
    await append(spool);
    const { write } = io;
    io.write = (fd, bytes, offset) =>
      write(fd, bytes.subarray(0, Math.min(40, bytes.length)), offset);
    io.fail = (call) => (call >= 4 ? full() : null);
    expect(await append(spool, { unitKey: 'torn' })).toBe(false);
    io.fail = null;
    io.write = write;
    expect(await append(spool, { unitKey: 'whole' })).toBe(true);
    const read = readBlocks(segmentBytes(spool, 1).subarray(0, spool.position.offset));
    expect(read.tail).toBe('clean');
    expect(read.blocks.at(-1)?.payload.toString()).toContain('whole');
  });

  it('finishes a write that the system did in pieces', async () => {
    const io = countingIo();
    const { write } = io;
    io.write = (fd, bytes, offset) =>
      write(fd, bytes.subarray(0, Math.min(7, bytes.length)), offset);
    const spool = new Spool(dir.config, io);
    expect(await append(spool, { unitKey: 'pieces' })).toBe(true);
    expect(written(spool)).toContain('pieces');
  });

  it('survives a real full device', async () => {
    const spool = new Spool(dir.config, { ...diskIo, create: () => openSync('/dev/full', 'w') });
    expect(await append(spool)).toBe(false);
    expect(spool.gaps.take()).toMatchObject([{ dropped: 1, cause: 'disk_full' }]);
  });

  it('survives a folder that cannot be made, and needs no restart when it can', async () => {
    const blocked = join(dir.dataDir, 'blocked');
    writeFileSync(blocked, 'a file where the folder should be');
    const spool = new Spool({ dataDir: blocked } as Config);
    expect(await append(spool)).toBe(false);
    expect(spool.gaps.take()).toMatchObject([{ dropped: 1, cause: 'disk_error' }]);
  });

  it('stops at its limit of bytes and goes on when segments are gone', async () => {
    const spool = new Spool(dir.config);
    spool.othersHold(MAX_SPOOL_BYTES);
    expect(await append(spool)).toBe(false);
    expect(spool.gaps.take()).toMatchObject([{ dropped: 1, cause: 'spool_full' }]);
    // Counted anew: a sibling has shipped and deleted a segment of its own.
    spool.othersHold(MAX_SPOOL_BYTES - MAX_SEGMENT_BYTES);
    expect(await append(spool)).toBe(true);
  });

  it('marks the window when a sync fails, because acknowledged bytes may not be on the disk', async () => {
    const spool = new Spool(dir.config, { ...diskIo, sync: (_fd, done) => done(new Error('EIO')) });
    expect(await append(spool)).toBe(true);
    await sleep(2 * SYNC_INTERVAL_MS);
    expect(spool.gaps.take()).toMatchObject([{ dropped: 0, cause: 'disk_error' }]);
  });

  it('never throws: not for nonsense, not for a line beyond its limit, not for a callback that does', async () => {
    const spool = new Spool(dir.config);
    const answers: boolean[] = [];
    spool.appendExposure(
      undefined as unknown as ReturnType<typeof anExposure>,
      (ok) => void answers.push(ok),
    );
    spool.appendPrediction({} as unknown as ReturnType<typeof aPrediction>);
    spool.appendPrediction(aPrediction({ captured: { blob: 'x'.repeat(MAX_LINE_LENGTH) } }));
    spool.appendExposure(anExposure(), () => {
      throw new Error('of the caller');
    });
    expect(await append(spool)).toBe(true);
    expect(answers).toEqual([false]);
    expect(spool.gaps.take()).toMatchObject([{ dropped: 3, cause: 'invalid_event' }]);
  });

  it('knows how much is not shipped and how old the oldest of it is', async () => {
    const spool = new Spool(dir.config);
    expect(spool.counters()).toMatchObject({ unshippedBytes: 0, oldestUnshippedMs: 0 });
    await append(spool);
    await sleep(15);
    const { writtenBytes, unshippedBytes, oldestUnshippedMs } = spool.counters();
    expect(unshippedBytes).toBe(writtenBytes);
    expect(unshippedBytes).toBe(spool.position.offset);
    expect(oldestUnshippedMs).toBeGreaterThanOrEqual(10);
    spool.shipped(writtenBytes, Date.now());
    expect(spool.counters()).toMatchObject({ unshippedBytes: 0, oldestUnshippedMs: 0 });
  });
});
