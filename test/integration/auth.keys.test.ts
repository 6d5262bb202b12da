import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newKey } from '../../src/auth/api-key.js';
import { AuthService } from '../../src/auth/auth.service.js';
import { FirstKeyService } from '../../src/auth/first-key.service.js';
import type { Principal, Scope } from '../../src/auth/scope.js';
import { Database } from '../../src/database/database.service.js';
import { PlanService } from '../../src/models/plan.service.js';
import { controlPlane } from '../support/control.js';
import type { ControlPlane } from '../support/control.js';
import { freshDatabase } from '../support/postgres.js';
import type { TestDatabase } from '../support/postgres.js';

const admin: Principal = { id: '', name: 'admin', scopes: ['admin'] };
const create = (plane: ControlPlane, name: string, scopes: Scope[], by = admin) =>
  plane.get(AuthService).create({ name, scopes }, by);

describe('keys', () => {
  let db: TestDatabase;
  let one: ControlPlane;
  let two: ControlPlane;

  beforeAll(async () => {
    db = await freshDatabase();
    one = await controlPlane(db.url);
    two = await controlPlane(db.url);
  });

  afterAll(async () => {
    await one.close();
    await two.close();
    await db.close();
  });

  it('are known in every process from the moment that they are made', async () => {
    const { key, apiKey } = await create(one, 'ops', ['models:read', 'models:read']);
    expect(apiKey).toMatchObject({ name: 'ops', prefix: key.slice(0, 8), scopes: ['models:read'] });
    const principal = { id: apiKey.id, name: 'ops', scopes: ['models:read'] };
    expect(await one.get(AuthService).authenticate(key)).toEqual(principal);
    expect(await two.get(AuthService).authenticate(key)).toEqual(principal);
  });

  it('are never stored: the table holds a hash and a prefix', async () => {
    const { key } = await create(one, 'hidden', ['models:read']);
    const dump = JSON.stringify(await one.get(Database).manager.query('SELECT * FROM api_keys'));
    expect(dump).not.toContain(key);
    expect(dump).toContain(one.get(AuthService).hashKey(key));
  });

  it('are nobody when unknown, malformed or empty', async () => {
    for (const key of [newKey(), 'x', '', 'a'.repeat(30), "' OR 1=1 --aaaaaaaaaaaaaaaa"]) {
      expect(await one.get(AuthService).authenticate(key)).toBeNull();
    }
  });

  it('end at once in the process that revokes them and within a second in the others', async () => {
    const { key, apiKey } = await create(one, 'short', ['models:read']);
    expect(await two.get(AuthService).authenticate(key)).not.toBeNull();
    await one.get(AuthService).revoke(apiKey.id, admin);
    const revokedAt = performance.now();
    expect(await one.get(AuthService).authenticate(key)).toBeNull();
    await expect
      .poll(() => two.get(AuthService).authenticate(key), { interval: 20, timeout: 5_000 })
      .toBeNull();
    expect(performance.now() - revokedAt).toBeLessThan(1_000);
  });

  it('may be revoked twice, and the first time counts', async () => {
    const { apiKey } = await create(one, 'twice', ['models:read']);
    await one.get(AuthService).revoke(apiKey.id, admin);
    const time = async () =>
      (await two.get(AuthService).list()).find(({ id }) => id === apiKey.id)?.revokedAt;
    const first = await time();
    await two.get(AuthService).revoke(apiKey.id, admin);
    expect(first).not.toBeNull();
    expect(await time()).toBe(first);
    const unknown = one.get(AuthService).revoke('00000000-0000-7000-8000-000000000000', admin);
    await expect(unknown).rejects.toMatchObject({ code: 'not_found' });
  });

  it('of the data plane are in the traffic plan as hashes until they are revoked', async () => {
    const before = await one.get(PlanService).current();
    const { key, apiKey } = await create(one, 'app', ['predict', 'outcomes:write']);
    const entry = {
      id: apiKey.id,
      hash: one.get(AuthService).hashKey(key),
      scopes: ['predict', 'outcomes:write'],
    };
    const during = await two.get(PlanService).current();
    expect(during.version).toBe(before.version + 1);
    expect(during.keys).toContainEqual(entry);
    expect(JSON.stringify(during)).not.toContain(key);
    await two.get(AuthService).revoke(apiKey.id, admin);
    expect((await one.get(PlanService).current()).keys).not.toContainEqual(entry);
  });

  it('of the control plane never are in the traffic plan', async () => {
    const before = await one.get(PlanService).current();
    await create(one, 'control', ['experiments:write', 'metrics:write']);
    expect(await one.get(PlanService).current()).toEqual(before);
  });

  it('lose nothing when two processes make and revoke many at once', async () => {
    const made = await Promise.all(
      Array.from({ length: 24 }, (_, n) =>
        create(n % 2 === 0 ? one : two, `many-${n}`, ['predict']),
      ),
    );
    await Promise.all(
      made
        .slice(0, 12)
        .map(({ apiKey }, n) =>
          (n % 2 === 0 ? two : one).get(AuthService).revoke(apiKey.id, admin),
        ),
    );
    const ids = new Set((await one.get(PlanService).current()).keys.map(({ id }) => id));
    expect(made.map(({ apiKey }) => ids.has(apiKey.id))).toEqual(made.map((_, n) => n >= 12));
  });

  it('hand on only the control-plane scopes that they hold, and data-plane scopes freely', async () => {
    const keeper: Principal = { id: '', name: 'keeper', scopes: ['keys:write', 'models:read'] };
    await expect(create(one, 'x', ['admin'], keeper)).rejects.toMatchObject({ code: 'forbidden' });
    await expect(create(one, 'x', ['models:write'], keeper)).rejects.toMatchObject({
      defects: [{ field: 'scopes', given: ['models:write'] }],
    });
    await expect(create(one, 'x', ['models:read'], keeper)).resolves.toBeDefined();
    await expect(create(one, 'x', ['predict'], keeper)).resolves.toBeDefined();
  });

  it('with admin are revoked by admins only, and the last one stays', async () => {
    const keeper: Principal = { id: '', name: 'keeper', scopes: ['keys:write'] };
    const first = await create(one, 'admin-1', ['admin']);
    const second = await create(one, 'admin-2', ['admin']);
    await expect(one.get(AuthService).revoke(first.apiKey.id, keeper)).rejects.toMatchObject({
      code: 'forbidden',
    });
    const results = await Promise.allSettled([
      one.get(AuthService).revoke(first.apiKey.id, admin),
      two.get(AuthService).revoke(second.apiKey.id, admin),
    ]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });
});

describe('the first admin key', () => {
  const databases: TestDatabase[] = [];
  const planes: ControlPlane[] = [];

  async function plane(url: string, adminKey: string | null = null): Promise<ControlPlane> {
    const made = await controlPlane(url, { adminKey });
    planes.push(made);
    return made;
  }

  async function database(): Promise<string> {
    const made = await freshDatabase();
    databases.push(made);
    return made.url;
  }

  afterAll(async () => {
    await Promise.all(planes.map((made) => made.close()));
    await Promise.all(databases.map((made) => made.close()));
  });

  it('is made once, by one of several processes that start at once', async () => {
    const url = await database();
    const starting = await Promise.all([plane(url), plane(url), plane(url), plane(url)]);
    const found = await Promise.all(starting.map((each) => each.get(FirstKeyService).ensure()));
    const made = found.filter((first) => first.kind === 'made');
    expect(made).toHaveLength(1);
    expect(found.filter(({ kind }) => kind === 'present')).toHaveLength(3);
    expect(await starting[3].get(AuthService).authenticate(made[0]!.key)).toMatchObject({
      scopes: ['admin'],
    });
    expect(await starting[0].get(AuthService).list()).toHaveLength(1);
  });

  it('is the given one, stored once', async () => {
    const url = await database();
    const key = 'an-admin-key-of-the-operator';
    const [one, two] = await Promise.all([plane(url, key), plane(url, key)]);
    await Promise.all([one.get(FirstKeyService).ensure(), two.get(FirstKeyService).ensure()]);
    expect(await two.get(AuthService).authenticate(key)).toMatchObject({ name: 'first-admin' });
    expect(await one.get(AuthService).list()).toHaveLength(1);
  });

  it('can be brought in later by whoever lost it, but a revoked one stays revoked', async () => {
    const url = await database();
    const lost = await plane(url);
    await lost.get(FirstKeyService).ensure();
    const key = 'the-key-for-getting-back-in';
    const back = await plane(url, key);
    await back.get(FirstKeyService).ensure();
    const principal = await back.get(AuthService).authenticate(key);
    expect(principal).toMatchObject({ name: 'admin-from-environment', scopes: ['admin'] });
    await back.get(AuthService).revoke(principal!.id, admin);
    await back.get(FirstKeyService).ensure();
    expect(await back.get(AuthService).authenticate(key)).toBeNull();
  });

  const made = newKey();
  it.each([
    ['too short', 'short'],
    ['with blanks, which no header carries', 'has blanks in it, sadly'],
    ['too long', 'x'.repeat(300)],
    [
      'a made key with one wrong character',
      made.slice(0, 9) + (made[9] === 'x' ? 'y' : 'x') + made.slice(10),
    ],
  ])('is refused at the start when it is %s', async (_what, adminKey) => {
    await expect(controlPlane(await database(), { adminKey })).rejects.toThrow(/SLUICE_ADMIN_KEY/);
  });
});
