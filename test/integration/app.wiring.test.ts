import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Controller, Get, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { FastifyInstance } from 'fastify';
import { afterAll, describe, expect, it } from 'vitest';
import { controlServer } from '../../src/app/control-server.js';
import { createApp, listen, startSluice } from '../../src/app/start.js';
import { AuthModule } from '../../src/auth/auth.module.js';
import { RouteCatalog } from '../../src/auth/route-catalog.service.js';
import { Public, RequireScope } from '../../src/auth/scope.js';
import type { Config, Role } from '../../src/config/config.js';
import { ConfigModule } from '../../src/config/config.module.js';
import { DatabaseModule } from '../../src/database/database.module.js';
import { testConfig } from '../support/config.js';
import { freshDatabase } from '../support/postgres.js';

const closers: (() => Promise<void> | void)[] = [];

afterAll(async () => {
  for (const close of closers.reverse()) await close();
});

function folder(): string {
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-wiring-'));
  closers.push(() => rmSync(dataDir, { recursive: true, force: true }));
  return dataDir;
}

async function config(changes: Partial<Config> = {}): Promise<Config> {
  const db = await freshDatabase();
  closers.push(() => db.close());
  return testConfig({ dataDir: folder(), databaseUrl: db.url, ...changes });
}

/** Nothing listens there: the port is reserved and never a server's. */
const NO_DATABASE = 'postgres://nobody:x@127.0.0.1:1/none';

describe('a process', () => {
  it.each<readonly [string, readonly Role[]]>([
    ['all roles', ['gateway', 'control', 'worker']],
    ['the gateway alone', ['gateway']],
    ['the control plane alone', ['control']],
    ['a worker alone', ['worker']],
    ['gateway and worker', ['gateway', 'worker']],
  ])('boots as %s', async (_what, roles) => {
    const sluice = await startSluice(await config({ roles }));
    const status = async (path: string) => (await fetch(sluice.controlUrl + path)).status;
    try {
      expect(await status('/live')).toBe(200);
      await expect.poll(() => status('/ready'), { timeout: 5_000 }).toBe(200);
      expect(await status('/api/v1/models')).toBe(roles.includes('control') ? 401 : 404);
      expect(sluice.gatewayUrl !== null).toBe(roles.includes('gateway'));
      if (sluice.gatewayUrl !== null) {
        expect((await fetch(`${sluice.gatewayUrl}/models/x/predict`)).status).toBe(404);
      }
      expect(sluice.adminKey === null).toBe(roles.every((role) => role === 'gateway'));
    } finally {
      await sluice.close();
    }
    await expect(fetch(`${sluice.controlUrl}/live`)).rejects.toThrow();
  });

  it('makes its first key once, whatever is started later', async () => {
    const shared = await config();
    const first = await startSluice(shared);
    await first.close();
    const second = await startSluice(shared);
    closers.push(() => second.close());
    expect(first.adminKey).toMatch(/^sl_/);
    expect(second.adminKey).toBeNull();
    const headers = { authorization: `Bearer ${first.adminKey}` };
    expect((await fetch(`${second.controlUrl}/api/v1/keys`, { headers })).status).toBe(200);
  });

  it('listens and answers honestly while its database is away', async () => {
    const away = await listen(testConfig({ dataDir: folder(), databaseUrl: NO_DATABASE }));
    try {
      const get = (path: string) =>
        fetch(away.controlUrl + path, {
          headers: { authorization: 'Bearer some-key-of-20-characters' },
        });
      expect((await get('/live')).status).toBe(200);
      expect((await get('/ready')).status).toBe(503);
      expect(await (await get('/status')).json()).toMatchObject({
        ready: false,
        database: { ready: false },
      });
      const refused = await get('/api/v1/models');
      expect(refused.status).toBe(503);
      expect(refused.headers.get('retry-after')).toBe('1');
      expect(await refused.json()).toMatchObject({ code: 'unavailable' });
      expect((await fetch(`${away.gatewayUrl}/models/x/y`)).status).toBe(503);
    } finally {
      const startedMs = performance.now();
      await away.close();
      expect(performance.now() - startedMs).toBeLessThan(12_000);
    }
  });

  it('ends in time although a request never ends', async () => {
    const sluice = await startSluice(await config({ adminKey: 'an-admin-key-for-this-test' }));
    const endless = new ReadableStream({ pull: () => new Promise(() => undefined) });
    const hanging = fetch(`${sluice.controlUrl}/api/v1/keys`, {
      method: 'POST',
      headers: {
        authorization: 'Bearer an-admin-key-for-this-test',
        'content-type': 'application/json',
      },
      body: endless,
      duplex: 'half',
    }).catch(() => 'cut');
    await new Promise((resolve) => setTimeout(resolve, 200));
    const startedMs = performance.now();
    await sluice.close();
    expect(performance.now() - startedMs).toBeLessThan(10_000);
    expect(await hanging).toBe('cut');
  });

  it('may be closed twice', async () => {
    const sluice = await startSluice(await config());
    await Promise.all([sluice.close(), sluice.close()]);
    await sluice.close();
  });

  it('refuses a port that is taken, and leaves nothing running', async () => {
    const first = await startSluice(await config());
    closers.push(() => first.close());
    const controlPort = Number(new URL(first.controlUrl).port);
    await expect(startSluice(await config({ controlPort }))).rejects.toThrow(/EADDRINUSE/);
  });
});

describe('routes', () => {
  @Controller('rogue')
  class RogueController {
    @Get('open')
    @RequireScope('models:read')
    guarded(): string {
      return 'fine';
    }

    @Get('forgotten/:id')
    forgotten(): string {
      return 'no scope';
    }
  }

  @Controller('whole')
  @Public()
  class WholeController {
    @Get()
    all(): string {
      return 'fine';
    }
  }

  const boot = async (controllers: (new () => object)[]) => {
    @Module({ imports: [AuthModule], controllers })
    class RogueModule {}
    const app = await Test.createTestingModule({
      imports: [
        ConfigModule.forRoot(testConfig({ dataDir: folder(), databaseUrl: NO_DATABASE })),
        DatabaseModule,
        RogueModule,
      ],
    }).compile();
    app.useLogger(false);
    closers.push(() => app.close());
    await app.init();
    return app.get(RouteCatalog).list();
  };

  it('without a scope stop the start, with a message that names the route', async () => {
    await expect(boot([RogueController])).rejects.toThrow(
      'route GET /rogue/forgotten/:id (RogueController.forgotten) says neither @RequireScope nor @Public',
    );
  });

  it('may be public or scoped as a whole controller', async () => {
    expect(await boot([WholeController])).toContainEqual(
      expect.objectContaining({ method: 'GET', path: '/whole', scope: null }),
    );
  });

  it('that the server registers are all in the catalogue, and so in the document', async () => {
    const settings = await config();
    const server = controlServer(settings);
    const registered: string[] = [];
    server.getInstance<FastifyInstance>().addHook('onRoute', ({ method, url }) => {
      for (const one of [method].flat()) if (one !== 'HEAD') registered.push(`${one} ${url}`);
    });
    const app = await createApp(settings, server);
    await app.init();
    closers.push(() => app.close());
    const listed = app.get(RouteCatalog, { strict: false }).list();
    const names = listed.map(({ method, path }) => `${method} ${path}`);
    expect(registered.length).toBeGreaterThan(20);
    expect([...new Set(registered)].filter((name) => !/ \/?\*$/.test(name)).sort()).toEqual(
      names.sort(),
    );
  });
});
