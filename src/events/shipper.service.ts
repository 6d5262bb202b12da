import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable, Logger, Optional } from '@nestjs/common';
import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import { CONFIG } from '../config/config.js';
import type { Config } from '../config/config.js';
import { catchUpPauseMs, DEFAULT_SHIP_SHARE, isBacklog } from './catch-up.js';
import type { Gap } from './gap-log.js';
import { keepSegment, setAsideLines } from './set-aside.js';
import { segmentName } from './segment-writer.js';
import type { SpoolPosition } from './segment-writer.js';
import { ShipmentStore } from './shipment.store.js';
import type { RefusedLine, Shipment } from './shipment.store.js';
import {
  fileBytes,
  folderBytes,
  hasLiveOwner,
  listSpools,
  removeFile,
  removeFolder,
  spoolBytes,
  touchClaim,
} from './spool-folder.js';
import { nextBatch, payloadOf } from './spool-reader.js';
import type { Batch } from './spool-reader.js';
import { sourceOf } from './spool-source.js';
import type { Source } from './spool-source.js';
import { Spool } from './spool.service.js';

/** After an append: long enough to gather a batch, short enough that evidence is fresh. */
const WAKE_AFTER_MS = 75;
/** A look around even if nobody woke us. */
const IDLE_MS = 1_000;
/** Other spools in the folder are looked for this often; they come only from processes that died. */
const ORPHANS_EVERY_MS = 15_000;
const FIRST_BACKOFF_MS = 100;
/** A database that is back after a minute has its events within seconds. */
const MAX_BACKOFF_MS = 3_000;
/** During a shutdown there is no time for long pauses. */
const DRAIN_BACKOFF_MS = 200;
/** A database that is away for hours logs at most this often. */
const COMPLAIN_INTERVAL_MS = 30_000;
/** What `onApplicationShutdown` still tries when nobody called drain(). */
const LAST_DRAIN_MS = 5_000;

export interface DrainResult {
  readonly drained: boolean;
  readonly unshippedBytes: number;
}

export interface ShipperStatus {
  /** Null while the last attempt succeeded. */
  readonly failure: string | null;
  readonly failedAttempts: number;
  readonly orphanSpools: number;
  readonly orphanBytes: number;
  readonly rejectedLines: number;
  /** The last batch was full: a backlog is being shipped, with pauses. */
  readonly isCatchingUp: boolean;
}

/** Copies the spool to PostgreSQL for as long as the process lives; the database may be away for as long as it likes. */
@Injectable()
export class Shipper implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #logger = new Logger('Shipper');
  readonly #own: Source;
  #orphans: Source[] = [];
  #orphanBytes = 0;
  #orphansSeenAtMs = 0;

  #loop: Promise<void> | null = null;
  #stopping = false;
  #draining = false;
  #wake: (() => void) | null = null;
  #wakeTimer: NodeJS.Timeout | null = null;

  #failure: string | null = null;
  #failedAttempts = 0;
  #complainedAtMs = 0;
  #rejectedLines = 0;
  #isCatchingUp = false;

  constructor(
    private readonly spool: Spool,
    private readonly store: ShipmentStore,
    @Optional() @Inject(CONFIG) private readonly config?: Pick<Config, 'shipShare'>,
  ) {
    this.#own = sourceOf(spool.id, spool.folder, true);
  }

  onApplicationBootstrap(): void {
    this.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.drain(LAST_DRAIN_MS);
  }

  /** Begins to ship; a second call changes nothing. */
  start(): void {
    if (this.#loop !== null) return;
    this.#stopping = this.#draining = false;
    this.spool.onAppend(() => this.#wakeSoon());
    this.#loop = this.#run();
  }

  status(): ShipperStatus {
    return {
      failure: this.#failure,
      failedAttempts: this.#failedAttempts,
      orphanSpools: this.#orphans.length,
      orphanBytes: this.#orphanBytes,
      rejectedLines: this.#rejectedLines,
      isCatchingUp: this.#isCatchingUp,
    };
  }

  /**
   * For the shutdown: ships what this process has written, for at most `deadlineMs`, and stops. What remains stays on
   * the disk and is shipped by the next process that finds it.
   */
  async drain(deadlineMs: number): Promise<DrainResult> {
    await this.spool.close();
    if (this.#loop === null) return this.#drainResult();
    this.#draining = true;
    const deadline = Date.now() + deadlineMs;
    this.#wakeNow();
    while (!this.#isDrained() && Date.now() < deadline) await sleep(10);
    this.#stopping = true;
    this.#wakeNow();
    const isOver = await Promise.race([
      this.#loop.then(() => true),
      sleep(Math.max(100, deadline - Date.now())).then(() => false),
    ]);
    if (isOver) this.#loop = null;
    return this.#drainResult();
  }

  #isDrained(): boolean {
    return this.spool.counters().unshippedBytes === 0 && this.spool.gaps.size === 0;
  }

  #drainResult(): DrainResult {
    const { unshippedBytes } = this.spool.counters();
    return { drained: this.#isDrained(), unshippedBytes };
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      try {
        const sinceMs = performance.now();
        this.#isCatchingUp = false;
        const hasMore = await this.#round();
        this.#recovered();
        if (hasMore) await this.#yield(performance.now() - sinceMs);
        else await this.#rest();
      } catch (error) {
        await this.#backOff(error);
      }
    }
    await this.#tidyOwn().catch(() => undefined);
  }

  /** One batch from every source; true when there may be more. */
  async #round(): Promise<boolean> {
    await this.#lookAround();
    await this.#storeGaps();
    let hasMore = await this.#shipNext(this.#own);
    if (this.#draining) return hasMore;
    for (const orphan of this.#orphans) hasMore = (await this.#shipOrphan(orphan)) || hasMore;
    return hasMore;
  }

  /** A folder that cannot be read must not slow down our own events: it is left until the next look around. */
  async #shipOrphan(orphan: Source): Promise<boolean> {
    try {
      return await this.#shipNext(orphan);
    } catch (error) {
      this.#complain(`spool ${orphan.id} waits`, error);
      this.#orphans = this.#orphans.filter((other) => other !== orphan);
      return false;
    }
  }

  async #lookAround(): Promise<void> {
    const nowMs = Date.now();
    if (nowMs - this.#orphansSeenAtMs < ORPHANS_EVERY_MS) return;
    this.#orphansSeenAtMs = nowMs;
    await touchClaim(this.#own.folder, nowMs);
    await this.#countOthers();
    const known = new Map(this.#orphans.map((orphan) => [orphan.id, orphan]));
    const ids = (await listSpools(this.spool.root)).filter((id) => id !== this.spool.id);
    const folders = ids.map((id) => ({ id, folder: join(this.spool.root, id) }));
    // A living owner ships its own; taking part would be harmless (the watermark is locked) but useless.
    this.#orphans = folders
      .filter(({ folder }) => !hasLiveOwner(folder, nowMs))
      .map(({ id, folder }) => known.get(id) ?? sourceOf(id, folder, false));
    this.#orphanBytes = 0;
    for (const { folder } of this.#orphans) this.#orphanBytes += await folderBytes(folder);
  }

  async #storeGaps(): Promise<void> {
    const gaps = this.spool.gaps.take();
    if (gaps.length === 0) return;
    try {
      await this.store.insertGaps(this.spool.id, gaps);
    } catch (error) {
      this.spool.gaps.restore(gaps);
      throw error;
    }
  }

  async #shipNext(source: Source): Promise<boolean> {
    if (source.isOwn && this.spool.counters().writtenBytes === 0) return false;
    source.cursor ??= await this.#askWatermark(source);
    const next = await nextBatch(
      source.folder,
      source.cursor,
      source.isOwn ? this.spool.position : null,
    );
    switch (next.kind) {
      case 'batch':
        await this.#ship(source, source.cursor, next.batch);
        return true;
      case 'segment_over':
        await this.#removeSegment(source, next.segment);
        return true;
      case 'active_damaged':
        this.#logger.error('the segment being written is damaged on the disk; beginning a new one');
        this.spool.rotate();
        return true;
      case 'nothing':
        if (!source.isOwn) await this.#forget(source);
        return false;
    }
  }

  async #ship(source: Source, expected: SpoolPosition, batch: Batch): Promise<void> {
    await this.store.ensureDays(new Set(batch.blocks.map((block) => block.day)));
    const lines = {
      exposures: payloadOf(batch, 'exposure'),
      predictions: payloadOf(batch, 'prediction'),
      mirrors: payloadOf(batch, 'mirror'),
    };
    const gaps = batch.damage === null ? [] : await this.#giveUp(source, batch, batch.damage.lines);
    const shipment: Shipment = { spoolId: source.id, expected, to: batch.to, lines, gaps };
    source.unsure = batch;
    let result = await this.store.ship(shipment);
    if (result.kind === 'refused') {
      this.#logger.error(
        `PostgreSQL refuses events of spool ${source.id}: ${result.error.message}; looking for them`,
      );
      await this.store.ensureDays(new Set(batch.blocks.map((block) => block.day)));
      result = await this.store.shipCautiously(shipment, (refused) =>
        this.#setAside(source, batch, refused),
      );
    }
    source.unsure = null;
    source.cursor = null; // `moved`: somebody else shipped, ask again how far
    if (result.kind === 'shipped') this.#arrived(source, batch);
  }

  /** During a backlog, leaves the database to others for a while; not when the process is about to end. */
  async #yield(busyMs: number): Promise<void> {
    if (!this.#isCatchingUp || this.#draining) return;
    const pauseMs = catchUpPauseMs(busyMs, this.config?.shipShare ?? DEFAULT_SHIP_SHARE);
    if (pauseMs >= 1) await this.#pause(pauseMs);
  }

  #arrived(source: Source, batch: Batch): void {
    this.#isCatchingUp ||= isBacklog(batch);
    source.cursor = batch.to;
    source.lastAtMs = batch.blocks.at(-1)?.atMs ?? source.lastAtMs;
    if (source.isOwn) this.spool.shipped(batch.bytes, source.lastAtMs ?? Date.now());
    else this.#orphanBytes = Math.max(0, this.#orphanBytes - batch.bytes);
  }

  async #askWatermark(source: Source): Promise<SpoolPosition> {
    const watermark = await this.store.watermark(source.id);
    const { unsure } = source;
    source.unsure = null;
    // The connection broke between COMMIT and its answer: the batch did arrive.
    if (unsure?.to.segment === watermark.segment && unsure.to.offset === watermark.offset)
      this.#arrived(source, unsure);
    return watermark;
  }

  /** Reading a segment stops at damage; what follows is not guessed at but kept for a person to look at. */
  async #giveUp(source: Source, batch: Batch, lostLines: number): Promise<readonly Gap[]> {
    const { segment, offset } = batch.from;
    const where = `spool ${source.id}, segment ${segment}, byte ${offset}`;
    this.#logger.error(`${where}: damaged, about ${lostLines} events are lost`);
    return lostLines === 0 ? [] : [await keepSegment(this.spool.root, source, batch, lostLines)];
  }

  async #setAside(
    source: Source,
    batch: Batch,
    refused: readonly RefusedLine[],
  ): Promise<readonly Gap[]> {
    if (refused.length === 0) return [];
    const path = await setAsideLines(this.spool.root, source.id, batch, refused);
    this.#rejectedLines += refused.length;
    this.#logger.error(`${refused.length} events that PostgreSQL refuses are set aside in ${path}`);
    const fromMs = batch.blocks[0]?.atMs ?? Date.now();
    const toMs = Math.max(fromMs, batch.blocks.at(-1)?.atMs ?? fromMs);
    return [{ fromMs, toMs, dropped: refused.length, cause: 'rejected_line' }];
  }

  async #removeSegment(source: Source, segment: number): Promise<void> {
    const path = join(source.folder, segmentName(segment));
    const bytes = await fileBytes(path);
    await removeFile(path);
    if (source.isOwn) this.spool.deleted(bytes);
    else await this.#countOthers();
  }

  async #countOthers(): Promise<void> {
    const { root, folder } = this.spool;
    this.spool.othersHold((await spoolBytes(root)) - (await folderBytes(folder)));
  }

  async #forget(source: Source): Promise<void> {
    await removeFolder(source.folder);
    this.#orphans = this.#orphans.filter((orphan) => orphan.id !== source.id);
  }

  /** After a clean stop with everything shipped nothing stays behind. */
  async #tidyOwn(): Promise<void> {
    if (!this.#isDrained() || this.spool.counters().writtenBytes === 0) return;
    while (await this.#shipNext(this.#own));
    if (this.#isDrained()) await this.#forget(this.#own);
  }

  #recovered(): void {
    if (this.#failedAttempts > 0)
      this.#logger.log(`shipping again after ${this.#failedAttempts} failed attempts`);
    this.#failedAttempts = 0;
    this.#failure = null;
  }

  async #backOff(error: unknown): Promise<void> {
    this.#own.cursor = null; // whether a commit arrived is unknown: the watermark tells
    for (const orphan of this.#orphans) orphan.cursor = null;
    this.#failure = messageOf(error);
    this.#complain('events stay in the spool for now', error);
    const limitMs = this.#draining ? DRAIN_BACKOFF_MS : MAX_BACKOFF_MS;
    const delayMs = Math.min(limitMs, FIRST_BACKOFF_MS * 2 ** Math.min(this.#failedAttempts, 10));
    this.#failedAttempts += 1;
    // Half of it by chance, so that many gateways do not return in step; appends do not cut it short.
    await this.#pause(delayMs / 2 + randomInt(Math.ceil(delayMs / 2) + 1));
  }

  #complain(what: string, error: unknown): void {
    const nowMs = Date.now();
    if (nowMs - this.#complainedAtMs < COMPLAIN_INTERVAL_MS) return;
    this.#complainedAtMs = nowMs;
    this.#logger.warn(`${what}: ${messageOf(error)}`);
  }

  /** Until an append, or for a second. */
  async #rest(): Promise<void> {
    if (this.#stopping) return;
    const hasNew = this.spool.counters().unshippedBytes > 0;
    await this.#pause(hasNew ? WAKE_AFTER_MS : IDLE_MS);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((done) => {
      const timer = setTimeout(done, ms);
      timer.unref();
      this.#wake = () => {
        clearTimeout(timer);
        done();
      };
    });
  }

  #wakeSoon(): void {
    if (this.#wakeTimer !== null || this.#failure !== null) return;
    this.#wakeTimer = setTimeout(() => {
      this.#wakeTimer = null;
      if (this.#failure === null && !this.#isCatchingUp) this.#wakeNow();
    }, WAKE_AFTER_MS);
    this.#wakeTimer.unref();
  }

  #wakeNow(): void {
    this.#wake?.();
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
