import { fc } from '../support/property.js';
import { describe, expect, it } from 'vitest';
import { ejectionLimit, OUTLIER_DEFAULTS } from '../../src/gateway/outlier.js';
import { ReplicaSet, type Replica, type ReplicaChange } from '../../src/gateway/replica-set.js';

const CAP = 40;

type Step =
  | { readonly do: 'acquire'; readonly avoid: number }
  | { readonly do: 'release'; readonly call: number; readonly status: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'plan'; readonly first: number; readonly count: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('acquire' as const), avoid: fc.nat(15) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('release' as const),
      call: fc.nat(CAP),
      status: fc.constantFrom(0, 200, 404, 500, 500, 502, 503, 504, 504),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ max: 60_000 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('plan' as const),
      first: fc.nat(4),
      count: fc.integer({ min: 1, max: 16 }),
    }),
  },
);

const address = (n: number): { url: string; origin: string; basePath: string } => ({
  url: `http://r${n}`,
  origin: `http://r${n}`,
  basePath: '',
});

const urlOf = (replica: Replica): string => replica.address.url;

/** A set, its clock, and the calls under way as the world outside knows them. */
class World {
  nowMs = 0;
  readonly changes: ReplicaChange[] = [];
  readonly underWay: Replica[] = [];
  readonly set = new ReplicaSet({
    settings: OUTLIER_DEFAULTS,
    nowMs: () => this.nowMs,
    onChange: (change) => this.changes.push(change),
  });

  constructor(count: number) {
    this.plan(0, count);
  }

  plan(first: number, count: number): void {
    this.set.follow(
      Array.from({ length: count }, (_, n) => address(first + n)),
      CAP,
    );
  }

  get inService(): readonly Replica[] {
    return this.set.replicas.filter(({ outlier }) => !outlier.isEjected);
  }

  acquire(avoid: Replica | null): Replica | null {
    const replica = this.set.acquire(avoid);
    if (replica !== null) this.underWay.push(replica);
    return replica;
  }

  run(one: Step): void {
    if (one.do === 'acquire') this.acquire(this.set.replicas[one.avoid] ?? null);
    if (one.do === 'plan') this.plan(one.first, one.count);
    if (one.do === 'release') {
      const [replica] = this.underWay.splice(one.call, 1);
      if (replica !== undefined) this.set.release(replica, one.status);
    }
    if (one.do === 'wait') {
      this.nowMs += one.ms;
      this.set.sweep(this.nowMs);
    }
  }
}

function eachStep(check: (world: World, one: Step) => void): void {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 16 }), fc.array(step, { maxLength: 200 }), (n, steps) => {
      const world = new World(n);
      for (const one of steps) {
        world.run(one);
        check(world, one);
      }
    }),
    { numRuns: 300 },
  );
}

describe('a set of replicas, whatever happens', () => {
  it('counts the calls under way, per replica and in all, and never more than its cap', () => {
    eachStep(({ set, underWay }) => {
      expect(set.inFlight).toBe(underWay.length);
      expect(set.inFlight).toBeLessThanOrEqual(CAP);
      for (const replica of set.replicas) {
        expect(replica.inFlight).toBe(underWay.filter((one) => one === replica).length);
      }
    });
  });

  it('ejects no more replicas than it may, and never the only one', () => {
    eachStep(({ set }) => {
      const ejected = set.replicas.filter(({ outlier }) => outlier.isEjected).length;
      expect(ejected).toBeLessThanOrEqual(ejectionLimit(set.replicas.length, OUTLIER_DEFAULTS));
    });
  });

  it('calls replicas of the plan in force that are in service, and another one than the one that failed', () => {
    eachStep((world) => {
      const [avoid] = world.inService;
      if (world.set.isFull || avoid === undefined) return;
      const replica = world.acquire(avoid);
      expect(replica === null ? 'none' : urlOf(replica)).toSatisfy((url: string) =>
        world.inService.some((one) => urlOf(one) === url),
      );
      if (world.inService.length > 1) expect(replica).not.toBe(avoid);
    });
  });

  it('lets every replica back in within the longest ejection and one sweep', () => {
    eachStep((world) => {
      const { maxEjectionTimeMs } = OUTLIER_DEFAULTS;
      if (world.changes.length === 0) return;
      world.nowMs += maxEjectionTimeMs;
      world.set.sweep(world.nowMs);
      expect(world.inService).toHaveLength(world.set.replicas.length);
    });
  });

  it('tells every ejection and every return, in turns', () => {
    eachStep(({ changes }) => {
      const last = new Map<Replica, string>();
      for (const { kind, replica } of changes) {
        // a plan may end an ejection without a word: the replica is gone, or may not be ejected any more
        if (kind === 'returned') expect(last.get(replica)).toBe('ejected');
        last.set(replica, kind);
      }
    });
  });
});

describe('the choice of a replica', () => {
  it('goes to the emptier of two: of two replicas always to the emptier one', () => {
    const world = new World(2);
    for (let call = 0; call < CAP; call += 1) world.acquire(null);
    expect(world.set.replicas.map(({ inFlight }) => inFlight)).toEqual([CAP / 2, CAP / 2]);
    expect(world.acquire(null)).toBe(null);
  });

  it('spreads calls that end at once over all replicas', () => {
    const world = new World(5);
    const counts = new Map<string, number>();
    for (let call = 0; call < 10_000; call += 1) {
      const replica = world.set.acquire(null);
      if (replica === null) throw new Error('no replica');
      world.set.release(replica, 200);
      counts.set(urlOf(replica), (counts.get(urlOf(replica)) ?? 0) + 1);
    }
    expect([...counts.values()].every((count) => Math.abs(count - 2_000) < 200)).toBe(true);
  });

  it('sends a slow replica fewer calls: as many under way at each, not as many calls', () => {
    // replica 0 takes ten ticks per call, the others one; six calls per tick
    const world = new World(4);
    const ends: { readonly replica: Replica; readonly tick: number }[] = [];
    const calls = new Map<string, number>();
    for (let tick = 0; tick < 2_000; tick += 1) {
      for (const end of ends.filter((one) => one.tick === tick))
        world.set.release(end.replica, 200);
      for (let n = 0; n < 6; n += 1) {
        const replica = world.set.acquire(null);
        if (replica === null) throw new Error('no replica');
        calls.set(urlOf(replica), (calls.get(urlOf(replica)) ?? 0) + 1);
        ends.push({ replica, tick: tick + (urlOf(replica) === 'http://r0' ? 10 : 1) });
      }
    }
    const slow = calls.get('http://r0') ?? 0;
    expect(slow).toBeGreaterThan(0);
    expect(slow / 12_000).toBeLessThan(0.1);
  });

  it('goes to the only replica, also after it failed, and never ejects it', () => {
    const world = new World(1);
    for (let call = 0; call < 100; call += 1) {
      const replica = world.set.acquire(world.set.replicas[0] ?? null);
      if (replica === null) throw new Error('no replica');
      world.set.release(replica, 503);
    }
    expect(world.changes).toEqual([]);
  });

  it('gives copies for a shadow to all replicas in turn, without counting them', () => {
    const world = new World(3);
    const urls = Array.from({ length: 6 }, () => world.set.nextForCopy().url);
    expect(new Set(urls.slice(0, 3)).size).toBe(3);
    expect(urls.slice(3)).toEqual(urls.slice(0, 3));
    expect(world.set.inFlight).toBe(0);
  });
});
