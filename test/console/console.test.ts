import { readFileSync } from 'node:fs';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase, type TestDatabase } from '../support/postgres.js';
import { until } from '../support/sluice.js';
import { chromiumPath, launch, shoot } from './browser.js';
import { figuresOn, wrongFigures } from './figures.js';
import { ADMIN_KEY, definition, type Scene, startScene } from './scene.js';
import { act, Stage } from './stage.js';

const chromium = chromiumPath();
if (chromium === null) process.stderr.write('skipped: the console, there is no Chromium\n');

describe.skipIf(chromium === null)('the console', () => {
  let database: TestDatabase;
  let scene: Scene;
  let browser: Browser;
  let url: string;
  let stage: Stage;

  beforeAll(async () => {
    database = await freshDatabase();
    scene = await startScene(database.url);
    url = scene.client.address.controlUrl;
    browser = await launch(chromium ?? '');
    stage = new Stage(browser, url);
  });

  afterAll(async () => {
    await browser.close();
    await scene.close();
    await database.close();
  });

  const open = (key: string | null, look = {}): Promise<Page> => stage.open(key, look);
  const ask = (path: string, key?: string) => stage.ask(path, key);
  const closeAll = (): Promise<readonly string[]> => stage.closeAll();

  describe('signing in', () => {
    it('refuses a wrong key in words and keeps a right one where no script can read it', async () => {
      const page = await open(null);
      await page.goto('/experiments/better');
      await page.getByLabel('API key').fill('sl_not_a_key_not_a_key_not_a_key');
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByText('the key is unknown or revoked').waitFor();
      await page.getByLabel('API key').fill(ADMIN_KEY);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('heading', { name: 'better', exact: true }).waitFor();
      const readable = await page.evaluate(() =>
        JSON.stringify([document.cookie, localStorage, sessionStorage]),
      );
      expect(readable).not.toContain(ADMIN_KEY);
      const [cookie] = await page.context().cookies(`${url}/api/v1`);
      expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict', path: '/api/v1' });
      expect(cookie?.value).not.toContain(ADMIN_KEY);
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByLabel('API key').waitFor();
      expect(await page.context().cookies(`${url}/api/v1`)).toEqual([]);
      expect(await closeAll()).toEqual([]);
    });

    it('takes a session from its own pages only', async () => {
      const page = await open(ADMIN_KEY);
      const [cookie] = await page.context().cookies(`${url}/api/v1`);
      const headers = {
        cookie: `${cookie!.name}=${cookie!.value}`,
        'content-type': 'application/json',
      };
      const post = (origin: string | null) =>
        fetch(`${url}/api/v1/experiments/better/abort`, {
          method: 'POST',
          headers: { ...headers, ...(origin === null ? {} : { origin }) },
          body: JSON.stringify({ reason: 'from elsewhere' }),
        }).then(({ status }) => status);
      expect(await post('http://evil.example')).toBe(403);
      expect(await post('http://127.0.0.1:1')).toBe(403);
      expect(await post(null)).toBe(403);
      expect(await post(url)).toBe(409);
      expect(await closeAll()).toEqual([]);
    });
  });

  describe('the experiment page', () => {
    it.each([
      ['better', 'v2 was promoted'],
      ['worse', 'v3 was rolled back'],
    ])('shows every figure of %s as the API has it', async (name, headline) => {
      const page = await open(ADMIN_KEY);
      const { id } = await ask(`/experiments/${name}`);
      // requests under way at the end are still being written down
      const wrong = await until('figures that fit', async () => {
        await page.goto(`/experiments/${name}`);
        await page.getByText(headline).waitFor();
        await page.getByRole('heading', { name: 'Assigned and served' }).waitFor();
        await segmentsOf(page).getByRole('rowheader', { name: 'DE' }).first().waitFor();
        for (const summary of await page.getByText('Show evidence').all()) await summary.click();
        const figures = await figuresOn(page);
        expect(figures.length).toBeGreaterThan(50);
        expect(figures.some(({ source }) => source.startsWith('segments#'))).toBe(true);
        const by = '/segments?attribute=country&metric=mistakes';
        const found = wrongFigures(figures, {
          segments: await ask(`/experiments/${name}${by}`),
          log: await ask(`/experiments/${name}/decisions`),
          experiment: await ask(`/experiments/${name}`),
          report: await ask(`/experiments/${name}/report`),
          served: await ask(`/experiments/${id}/served`),
        });
        return found.length === 0 || found.some((text) => !text.startsWith('served'))
          ? found
          : null;
      });
      expect(wrong).toEqual([]);
      await shoot(page, `experiment-${name}-light`);
      expect(await closeAll()).toEqual([]);
    });

    it('opens the reasons of a decision by its address, and replays it', async () => {
      const { decisions } = await ask('/experiments/better/decisions');
      const last = decisions.at(-1);
      const page = await open(ADMIN_KEY);
      await page.goto(`/experiments/better?why=${last.number}`);
      const drawer = page.getByRole('dialog', { name: `Why decision ${last.number}?` });
      await drawer.getByText(last.hash).waitFor();
      await drawer.getByText(last.previousHash).waitFor();
      expect(await drawer.getByText(last.summary).count()).toBeGreaterThan(0);
      const figures = (await figuresOn(page)).filter(({ source }) => source.startsWith('decision'));
      expect(figures.length).toBeGreaterThan(3);
      expect(wrongFigures(figures, { decision: last })).toEqual([]);
      await drawer.getByRole('button', { name: 'Decide again' }).click();
      await drawer.getByText('Identical, to the last digit').waitFor();
      await drawer.getByText('Inputs, everything').click();
      await drawer.getByText('"unitCells"').waitFor();
      await shoot(page, 'why-light');
      await page.keyboard.press('Escape');
      await drawer.waitFor({ state: 'hidden' });
      expect(new URL(page.url()).search).toBe('');
      expect(await closeAll()).toEqual([]);
    });

    it('gives its tables away with every digit', async () => {
      const page = await open(ADMIN_KEY);
      await page.goto('/experiments/better');
      const waiting = page.waitForEvent('download');
      await page.getByRole('group', { name: 'Export better-metrics' }).getByText('CSV').click();
      const csv = readFileSync(await (await waiting).path(), 'utf8')
        .trim()
        .split('\r\n');
      const { assessment } = await ask('/experiments/better/report');
      expect(csv.slice(1)).toHaveLength(assessment.metrics.length);
      expect(csv[1]!.split(',')).toContain(String(assessment.metrics[0].effect));
      const picture = page.waitForEvent('download');
      await page
        .getByRole('group', { name: 'Export better-path-mistakes' })
        .getByText('PNG')
        .click();
      const png = readFileSync(await (await picture).path());
      expect(png.subarray(1, 4).toString()).toBe('PNG');
      expect(png.length).toBeGreaterThan(10_000);
      expect(await closeAll()).toEqual([]);
    });

    it('shows where an effect sits', async () => {
      const page = await open(ADMIN_KEY);
      await page.goto('/experiments/better#segments');
      await segmentsOf(page).getByRole('rowheader', { name: 'DE' }).first().waitFor();
      expect(await closeAll()).toEqual([]);
    });
  });

  it('shows every figure of a shadow as the API has it', async () => {
    const page = await open(ADMIN_KEY);
    const wrong = await until('figures that fit', async () => {
      await page.goto('/experiments/in-the-dark');
      await page.getByRole('heading', { name: 'Side by side, on the same requests' }).waitFor();
      await page.getByText('answered by both').waitFor();
      await page.getByText('Latency: control and shadow').waitFor();
      const report = await ask('/experiments/in-the-dark/report');
      const pairs = await ask(`/experiments/${report.experimentId}/pairs`);
      const figures = (await figuresOn(page)).filter(({ source }) =>
        /^(report|pairs)/.test(source),
      );
      for (const part of ['/paired/', 'pairs#/outputs/0', 'pairs#/metrics/', 'pairs#/latency']) {
        expect(figures.some(({ source }) => source.includes(part))).toBe(true);
      }
      // it goes on: a look may come between the page and the question
      const shown = figures.find(({ source }) => source === 'report#/number');
      return shown?.value === String(report.number)
        ? wrongFigures(figures, { report, pairs })
        : null;
    });
    expect(wrong).toEqual([]);
    expect(await closeAll()).toEqual([]);
  });

  describe('acting', () => {
    it('creates, starts and promotes by clicking, with a reason each time', async () => {
      const page = await open(ADMIN_KEY);
      await page.getByRole('link', { name: 'New', exact: true }).click();
      await page.getByLabel('Name', { exact: true }).fill('by-hand');
      await page.getByLabel('Model').selectOption('spam');
      await page.getByLabel('Variant', { exact: true }).selectOption('v1');
      await page.getByText('a name: a-z').first().waitFor();
      await page.getByLabel('Metric', { exact: true }).first().selectOption('mistakes');
      await page.getByLabel('Margin', { exact: true }).fill('-1');
      await page.getByText('Too small').waitFor();
      await page.getByLabel('Margin', { exact: true }).fill('0.02');
      await page.getByLabel('Assumed value').first().fill('0.02');
      await page.getByLabel('Assumed value').nth(1).fill('0.001');
      await page.getByText('nothing differs').waitFor();
      await page.getByText('As the form stands.').waitFor();
      await shoot(page, 'create-light');
      await page.getByRole('button', { name: 'Create the draft' }).click();
      await page.getByText('Not started').waitFor();
      await act(page, 'Start', 'the team is ready');
      await page
        .getByText('Waiting for the first report')
        .or(page.getByText('Nobody has been enrolled'))
        .waitFor();
      const dialog = await act(page, 'Promote', 'told to by the test');
      await dialog.waitFor({ state: 'hidden' });
      await page.getByText('v1 was promoted').waitFor();
      expect(await scene.client.champion('spam')).toBe('v1');
      const { decisions } = await ask('/experiments/by-hand/decisions');
      expect(decisions.at(-1)).toMatchObject({
        kind: 'promote',
        automatic: false,
        summary: 'told to by the test',
      });
      expect(await closeAll()).toEqual([]);
    });

    it('does nothing without a reason and a confirmation', async () => {
      await scene.client.createExperiment(definition('asked', 'v1', 'v2'));
      const page = await open(ADMIN_KEY);
      await page.goto('/experiments/asked');
      await page.getByRole('button', { name: 'Start…' }).click();
      const sure = page.getByRole('dialog').getByRole('button', { name: 'Start', exact: true });
      expect(await sure.isDisabled()).toBe(true);
      await page.getByLabel('Reason').fill('because');
      expect(await sure.isDisabled()).toBe(true);
      await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
      expect((await scene.client.experiment('asked')).status).toBe('draft');
      expect(await closeAll()).toEqual([]);
    });

    it('lets a key that may only read see everything and change nothing', async () => {
      const page = await open(scene.readKey);
      await page.goto('/experiments/asked');
      const start = page.getByRole('button', { name: 'Start…' });
      await start.waitFor();
      expect(await start.isDisabled()).toBe(true);
      expect(await start.getAttribute('title')).toContain('experiments:write');
      await page.goto('/new');
      await page.getByText('lacks the scope').waitFor();
      expect(await page.getByRole('button', { name: 'Create the draft' }).isDisabled()).toBe(true);
      const status = await page.evaluate(async () => {
        const answer = await fetch('/api/v1/experiments/asked/start', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: '{"reason":"by a script"}',
        });
        return answer.status;
      });
      expect(status).toBe(403);
      expect(await closeAll()).toEqual([]);
    });
  });

  describe('living data', () => {
    /** Runs that a second attempt has to end first: a model has one canary at a time. */
    const begun: string[] = [];

    it('come by themselves, move nothing on the page, and survive a lost connection', async () => {
      const last = begun.at(-1);
      if (last !== undefined) {
        await scene.client.perform(last, 'abort', 'another attempt').catch(() => undefined);
      }
      const name = `living-${begun.length + 1}`;
      begun.push(name);
      const page = await open(ADMIN_KEY);
      await page.getByText('live', { exact: true }).waitFor();
      await scene.client.createExperiment(
        definition(name, 'v1', 'v2', { decision: { onSuccess: 'recommend' } }),
      );
      await scene.client.perform(name, 'start', 'to watch it');
      await page.getByRole('link', { name }).first().waitFor();
      await shoot(page, 'fleet-light');
      await scene.send(`${name}-first`, 400);
      await page.goto(`/experiments/${name}`);
      await page.getByRole('heading', { name: 'How the evidence came in' }).waitFor();
      await page.getByText(/^Look \d+ \(newest\)/).waitFor();
      const before = await ask(`/experiments/${name}/report`);
      await page.evaluate(countShifts);
      await scene.send(`${name}-second`, 200);
      await until('a newer report on the page', async () => {
        const [looks] = (await figuresOn(page)).filter(({ source }) => source === 'report#/number');
        return Number(looks?.value) > before.number ? true : null;
      });
      expect(
        await page.evaluate(() => (window as unknown as { shifts: number }).shifts),
      ).toBeLessThan(0.02);
      await page.context().setOffline(true);
      await page.getByText(/^Disconnected since/).waitFor();
      await shoot(page, 'disconnected-light');
      await page.context().setOffline(false);
      await page.getByText('live', { exact: true }).waitFor();
      await page.getByText(/^Disconnected since/).waitFor({ state: 'hidden' });
      await scene.client.perform(name, 'abort', 'seen enough');
      await page.getByText('Stopped by a person').waitFor();
      expect(await closeAll()).toEqual([]);
    });
  });

  describe('craft', () => {
    const PAGES = [
      ...['/', '/experiments', '/experiments/better', '/experiments/worse?why=2'],
      ...['/experiments/asked', '/experiments/in-the-dark', '/experiments/status-quo'],
      ...['/models/spam', '/new'],
    ];

    it.each(['light', 'dark'] as const)(
      'has no barrier that axe finds, in %s',
      async (colorScheme) => {
        const page = await open(ADMIN_KEY, { colorScheme });
        const found: string[] = [];
        for (const path of PAGES) {
          await page.goto(path);
          await settled(page);
          found.push(...(await barriers(page)).map((text) => `${path}: ${text}`));
          await shoot(page, `page-${path.replaceAll(/\W+/g, '-')}-${colorScheme}`);
        }
        const outside = await open(null, { colorScheme });
        await outside.goto('/');
        await outside.getByLabel('API key').waitFor();
        found.push(...(await barriers(outside)).map((text) => `sign in: ${text}`));
        expect(found).toEqual([]);
        expect(await closeAll()).toEqual([]);
      },
    );

    it('fits a phone: nothing is wider than the screen', async () => {
      const page = await open(ADMIN_KEY, { width: 390 });
      for (const path of PAGES) {
        await page.goto(path);
        await settled(page);
        const overflow = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        expect(overflow, path).toBeLessThanOrEqual(0);
        await shoot(page, `phone-${path.replaceAll(/\W+/g, '-')}`);
      }
      expect(await closeAll()).toEqual([]);
    });

    it('is reached by the keyboard alone', async () => {
      const page = await open(ADMIN_KEY);
      await page.goto('/experiments/better');
      await settled(page);
      await page.getByRole('group', { name: /Interval of mistakes/ }).focus();
      const newest = await page.locator('.readout-name').textContent();
      await page.keyboard.press('ArrowLeft');
      expect(await page.locator('.readout-name').textContent()).not.toBe(newest);
      await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      await page.getByRole('dialog').waitFor();
      expect(await closeAll()).toEqual([]);
    });

    it('stands beside the API without hiding any of it', async () => {
      const status = async (path: string) => (await fetch(url + path)).status;
      expect(await status('/api/v1/models')).toBe(401);
      expect(await status('/live')).toBe(200);
      expect(await status('/metrics')).toBe(200);
      expect(await status('/nowhere-to-be-found')).toBe(404);
      expect(await status('/assets/..%2f..%2fpackage.json')).toBe(404);
      expect(await status('/experiments/anything')).toBe(200);
      const page = await fetch(`${url}/`);
      expect(page.headers.get('cache-control')).toBe('no-cache');
      expect(page.headers.get('content-security-policy')).not.toContain('unsafe');
      const [, script = ''] = /src="([^"]+)"/.exec(await page.text()) ?? [];
      const asset = await fetch(url + script);
      expect(asset.headers.get('cache-control')).toContain('immutable');
      expect(asset.headers.get('content-encoding')).toBe('gzip');
    });
  });
});

function segmentsOf(page: Page) {
  return page.getByRole('region', { name: 'mistakes by country' });
}

/** Nothing is loading any more. */
async function settled(page: Page): Promise<void> {
  await page.locator('h1').first().waitFor();
  await page.waitForFunction(() => document.querySelector('.waiting') === null);
}

/** What axe finds, in words. */
async function barriers(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { violations } = await (window as unknown as { axe: typeof axe }).axe.run();
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)} ${failureSummary}`),
    );
  });
}

function countShifts(): void {
  const counter = window as unknown as { shifts: number };
  counter.shifts = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      counter.shifts += (entry as PerformanceEntry & { readonly value: number }).value;
    }
  }).observe({ entryTypes: ['layout-shift'] });
}
