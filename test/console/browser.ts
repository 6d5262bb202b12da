import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

const CHROMIUMS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** The system's Chromium; null where there is none that runs. Nothing is downloaded. */
export function chromiumPath(): string | null {
  return CHROMIUMS.find((path) => existsSync(path) && runs(path)) ?? null;
}

/** Some distributions have a script of that name that only says what to install. */
function runs(path: string): boolean {
  return spawnSync(path, ['--version', '--no-sandbox'], { timeout: 20_000 }).status === 0;
}

export async function launch(path: string): Promise<Browser> {
  // the sandbox needs rights that containers do not give; the pages are our own
  return chromium.launch({ executablePath: path, args: ['--no-sandbox'] });
}

export interface Look {
  readonly colorScheme?: 'light' | 'dark';
  readonly width?: number;
}

/** What a browser complained about; every test expects nothing. */
export interface Complaints {
  readonly texts: string[];
}

export interface OpenPage {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly complaints: Complaints;
}

/** A fresh profile: no cookie, no cache. Violations of the content security policy are complaints too. */
export async function openPage(
  browser: Browser,
  url: string,
  { colorScheme = 'light', width = 1280 }: Look = {},
): Promise<OpenPage> {
  const context = await browser.newContext({
    baseURL: url,
    colorScheme,
    viewport: { width, height: 900 },
    locale: 'en-GB',
    timezoneId: 'UTC',
    reducedMotion: 'reduce',
  });
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
      console.error(`policy violated: ${violatedDirective} ${blockedURI}`),
    );
  });
  const page = await context.newPage();
  const complaints: Complaints = { texts: [] };
  page.on('pageerror', (error) => complaints.texts.push(error.message));
  page.on('console', (message) => {
    // refusals and lost connections are what some tests are about, and are shown by the page itself
    const isNetwork = message.text().startsWith('Failed to load resource');
    if (message.type() === 'error' && !isNetwork) complaints.texts.push(message.text());
  });
  return { context, page, complaints };
}

export async function signIn(page: Page, key: string): Promise<void> {
  await page.goto('/');
  await page.getByLabel('API key').fill(key);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Fleet' }).waitFor();
}

const SHOTS = join(import.meta.dirname, '..', '..', 'artifacts', 'console');

/** Keeps a picture for people to look at, under a folder that git ignores. */
export async function shoot(page: Page, name: string): Promise<void> {
  mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true });
}
