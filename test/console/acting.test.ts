import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase, type TestDatabase } from '../support/postgres.js';
import {
  startTestSluice,
  startUpstream,
  type TestSluice,
  type Upstream,
} from '../support/sluice.js';
import { chromiumPath, launch, shoot } from './browser.js';
import { act, actMore, Stage } from './stage.js';

const chromium = chromiumPath();
if (chromium === null) process.stderr.write('skipped: acting, there is no Chromium\n');

const VERSIONS = ['v1', 'v2', 'v3'];

describe.skipIf(chromium === null)('acting in the console', () => {
  let database: TestDatabase;
  let sluice: TestSluice;
  let upstream: Upstream;
  let browser: Browser;
  let stage: Stage;

  beforeAll(async () => {
    database = await freshDatabase();
    sluice = await startTestSluice({ databaseUrl: database.url });
    upstream = await startUpstream(() => ({ body: { spam: true } }));
    for (const model of ['mail', 'held', 'many']) await register(model);
    await sluice.client.putModel('held', { holdout: { share: 0.1, version: 'v1' } });
    browser = await launch(chromium ?? '');
    stage = new Stage(browser, sluice.client.address.controlUrl);
  });

  afterAll(async () => {
    await browser.close();
    await sluice.close();
    await upstream.close();
    await database.close();
  });

  async function register(model: string): Promise<void> {
    const attributes = { country: { header: 'x-country' }, age: { header: 'x-age' } };
    await sluice.client.putModel(model, { unit: { header: 'x-sluice-unit' }, attributes });
    for (const version of VERSIONS) {
      await sluice.client.putVersion(model, version, { url: upstream.url });
    }
  }

  /** The form with what every kind needs. */
  async function fill(page: Page, name: string, model: string, kind: string): Promise<void> {
    await page.goto('/new');
    await page.getByLabel('Name', { exact: true }).fill(name);
    await page.getByLabel('Model').selectOption(model);
    await page.getByLabel('Kind', { exact: true }).selectOption(kind);
    await page.getByLabel('Metric', { exact: true }).first().selectOption('latency_ms');
    await page.getByLabel('Assumed value').first().fill('20');
  }

  async function create(page: Page, name: string) {
    await page.getByRole('button', { name: 'Create the draft' }).click();
    await page.getByText('Not started').waitFor();
    return (await stage.ask(`/experiments/${name}`)).definition;
  }

  async function kindsOf(name: string): Promise<readonly string[]> {
    const { decisions } = await stage.ask(`/experiments/${name}/decisions`);
    return decisions.map(({ kind }: { kind: string }) => kind);
  }

  it('says beside each field what is wrong with it, and then makes just what was typed', async () => {
    const page = await stage.open();
    await fill(page, 'narrow', 'mail', 'canary');
    await page.getByLabel('Variant', { exact: true }).selectOption('v2');
    await page.getByRole('button', { name: 'Add a condition' }).click();
    await page.getByLabel('Attribute').selectOption('country');
    await page.getByLabel('Condition', { exact: true }).selectOption('in');
    await page.getByLabel('Value', { exact: true }).fill('DE, IN');
    await page.getByRole('button', { name: 'Add a condition' }).click();
    await page.getByLabel('Attribute').nth(1).selectOption('age');
    await page.getByLabel('Condition', { exact: true }).nth(1).selectOption('range');
    await page.getByLabel('Value', { exact: true }).nth(1).fill('60');
    await page.getByLabel('Below').fill('18');
    await page.getByText('from below to: the range is [from, to)').waitFor();
    await page.getByLabel('Value', { exact: true }).nth(1).fill('18');
    await page.getByLabel('Below').fill('60');
    await page.getByLabel('Layer', { exact: true }).fill('mails');
    await page.getByLabel('Share of the layer').fill('0.5');
    await page.getByLabel('Bake').fill('soon');
    const bake = page.getByLabel('Bake');
    await page.locator('.field', { has: bake }).getByText('a whole number and a unit').waitFor();
    expect(await bake.getAttribute('aria-invalid')).toBe('true');
    await bake.fill('2h');
    await page.getByLabel('Coverage').nth(1).fill('0.005');
    await page.getByText('more than the step before (0.01)').waitFor();
    await page.getByLabel('Coverage').nth(1).fill('0.2');
    await page.getByLabel('needs approval').nth(0).check();
    await page.getByLabel('Reverse holdout').fill('0.02');
    await page.getByText('nothing in a layer').waitFor();
    await page.getByLabel('Reverse holdout').fill('');
    await page.getByLabel('Error rate at most').fill('0.1');
    await page.getByLabel('Time-out rate at most').fill('none');
    await page.getByLabel('On success').selectOption('recommend');
    await page.getByLabel('Split not as intended').selectOption('rollback');
    await shoot(page, 'create-canary-light');
    const definition = await create(page, 'narrow');
    expect(definition).toMatchObject({
      audience: [
        { attribute: 'country', in: ['DE', 'IN'] },
        { attribute: 'age', range: { from: 18, to: 60 } },
      ],
      layer: { name: 'mails', share: 0.5 },
      rollout: { bake: '2h', steps: [{ coverage: 0.01, hold: { approval: true } }, {}, {}, {}] },
      decision: {
        ...{ onSuccess: 'recommend', onSampleRatioMismatch: 'rollback' },
        limits: { errorRate: 0.1, timeoutRate: null },
      },
    });
    await act(page, 'Start', 'the team is ready');
    await act(page, 'Approve', 'looked at it');
    await page.getByText('looked at it').first().waitFor();
    expect(await kindsOf('narrow')).toContain('approve');
    expect(await stage.closeAll()).toEqual([]);
  });

  it('makes a shadow with the canary that follows it, and declares it ready', async () => {
    const page = await stage.open();
    await fill(page, 'behind', 'many', 'shadow');
    await page.getByLabel('Variant', { exact: true }).selectOption('v2');
    await page.getByLabel('Percent of the units').fill('150');
    await page.getByText(/Too big/).waitFor();
    await page.getByLabel('Percent of the units').fill('50');
    await page.getByLabel('A canary with the same arms').check();
    await page.getByLabel('Name of the canary').fill('No Name');
    await page.getByText('a name: a-z').waitFor();
    await page.getByLabel('Name of the canary').fill('in-front');
    await page.getByText('Nothing to correct.').waitFor();
    await shoot(page, 'create-shadow-light');
    expect(await create(page, 'behind')).toMatchObject({
      kind: 'shadow',
      mirror: { percent: 50, timeoutMs: 1000, unsafeMethods: false },
      next: { canary: { name: 'in-front' } },
    });
    await act(page, 'Start', 'nobody sees it');
    const dialog = await act(page, 'Declare ready', 'seen enough');
    await dialog.waitFor({ state: 'hidden' });
    expect((await stage.ask('/experiments/behind')).status).toBe('completed');
    expect((await stage.ask('/experiments/in-front')).status).toBe('running');
    expect(await stage.closeAll()).toEqual([]);
  });

  it('makes a holdout only where somebody is held out, and releases them', async () => {
    const page = await stage.open();
    await fill(page, 'since', 'mail', 'holdout');
    await page.getByText('mail holds nobody out').waitFor();
    await page.getByLabel('Model').selectOption('held');
    await page.getByText('10 % of the units stay on v1').waitFor();
    await page.getByLabel('Length of a period').fill('7d');
    await page.getByText('Nothing to correct.').waitFor();
    const definition = await create(page, 'since');
    expect(definition).toMatchObject({ kind: 'holdout', period: '7d', variants: [] });
    await act(page, 'Start', 'to see what shipping brings');
    await page.goto('/models/held');
    const dialog = await act(page, 'Release', 'long enough');
    await dialog.waitFor({ state: 'hidden' });
    expect((await stage.ask('/models/held')).holdout).toBeUndefined();
    expect((await stage.ask('/experiments/since')).status).toBe('completed');
    expect(await kindsOf('since')).toContain('release');
    expect(await stage.closeAll()).toEqual([]);
  });

  it('changes weights, closes an arm and begins a new epoch, each with a reason', async () => {
    await register('three');
    const page = await stage.open();
    await fill(page, 'three-arms', 'three', 'ab');
    await page.getByLabel('Coverage').fill('0.5');
    await page.getByLabel('Variant', { exact: true }).selectOption('v2');
    await page.getByRole('button', { name: 'Add a variant' }).click();
    await page.getByLabel('Variant 2', { exact: true }).selectOption('v3');
    expect((await create(page, 'three-arms')).variants).toHaveLength(3);
    await act(page, 'Start', 'all three');
    await actMore(page, 'Change weights', 'more of v2', async (dialog) => {
      await dialog.getByLabel('Weight of v2').fill('3');
      await dialog.getByLabel('Coverage, more than').fill('0.8');
    });
    await actMore(page, 'Close an arm', 'v3 is of no use', (dialog) =>
      dialog.getByLabel('Variant').selectOption('v3'),
    );
    expect((await stage.ask('/experiments/three-arms')).rollout.closed).toEqual(['v3']);
    await actMore(page, 'Redesign', 'more power', async (dialog) => {
      const text = dialog.getByLabel('As it shall be');
      const analysis = JSON.parse(await text.inputValue()) as object;
      await text.fill('{');
      await dialog.getByText('This is no JSON yet').waitFor();
      await text.fill(JSON.stringify({ ...analysis, plannedUnits: 40_000 }));
    });
    const { epoch, design } = await stage.ask('/experiments/three-arms');
    expect([epoch, design.analysis.plannedUnits]).toEqual([2, 40_000]);
    expect(await kindsOf('three-arms')).toEqual(
      expect.arrayContaining(['reweigh', 'close', 'redesign']),
    );
    expect(await stage.closeAll()).toEqual([]);
  });

  it('lets the server refuse, and says what it expected', async () => {
    const page = await stage.open();
    await page.goto('/experiments/three-arms');
    await page.getByText('More', { exact: true }).click();
    await page.getByRole('button', { name: 'Change weights…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Coverage, more than').fill('0.1');
    await dialog.getByLabel('Reason').fill('less');
    await dialog.getByLabel('I want this').check();
    await dialog.getByRole('button', { name: 'Change weights', exact: true }).click();
    await dialog.getByText('the coverage has to grow').waitFor();
    expect(await stage.closeAll()).toEqual([]);
  });

  it('gives a key that may only read no verb at all', async () => {
    const scopes = ['models:read', 'metrics:read', 'experiments:read'];
    const page = await stage.open(await sluice.client.createKey('reader', scopes));
    await page.goto('/experiments/three-arms');
    await page.getByText('More', { exact: true }).click();
    const buttons = page.getByRole('group', { name: 'Actions' }).getByRole('button');
    expect(await buttons.count()).toBeGreaterThan(4);
    for (const button of await buttons.all()) expect(await button.isDisabled()).toBe(true);
    expect(await stage.closeAll()).toEqual([]);
  });
});

describe.skipIf(chromium === null)('a console whose server stops', () => {
  it('says since when, keeps what it knows, and is live again by itself', async () => {
    const database = await freshDatabase();
    const upstream = await startUpstream(() => ({ body: {} }));
    const browser = await launch(chromium ?? '');
    let sluice = await startTestSluice({ databaseUrl: database.url });
    try {
      await sluice.client.putModel('mail', {});
      for (const version of ['v1', 'v2']) {
        await sluice.client.putVersion('mail', version, { url: upstream.url });
      }
      const { controlUrl } = sluice.client.address;
      const stage = new Stage(browser, controlUrl);
      const page = await stage.open();
      const card = page.getByRole('region', { name: 'Model mail' });
      await card.getByText('champion v1').waitFor();
      await page.getByText('live', { exact: true }).waitFor();
      await sluice.close();
      await page.getByText(/^Disconnected since/).waitFor();
      await card.getByText('champion v1').waitFor();
      await shoot(page, 'server-stopped-light');
      await page.getByRole('link', { name: 'mail', exact: true }).click();
      await page.getByText('the server does not answer').first().waitFor();
      await page.getByRole('link', { name: 'Fleet' }).first().click();
      sluice = await startTestSluice({
        databaseUrl: database.url,
        controlPort: Number(new URL(controlUrl).port),
      });
      await sluice.client.setChampion('mail', 'v2', 'while nobody looked');
      await page.getByText('live', { exact: true }).waitFor();
      await card.getByText('champion v2').waitFor();
      await page.getByText(/^Disconnected since/).waitFor({ state: 'hidden' });
      expect(await stage.closeAll()).toEqual([]);
    } finally {
      await browser.close();
      await sluice.close();
      await upstream.close();
      await database.close();
    }
  });
});
