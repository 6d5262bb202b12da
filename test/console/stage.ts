import type { Browser, Locator, Page } from 'playwright-core';
import { type Look, openPage, type OpenPage, signIn } from './browser.js';
import { ADMIN_KEY } from './scene.js';

/** Pages of one console in one browser, and its API beside them. */
export class Stage {
  readonly #opened: OpenPage[] = [];

  constructor(
    private readonly browser: Browser,
    readonly url: string,
  ) {}

  /** A page in a fresh profile, signed in unless the key is null. */
  async open(key: string | null = ADMIN_KEY, look: Look = {}): Promise<Page> {
    const it = await openPage(this.browser, this.url, look);
    this.#opened.push(it);
    if (key !== null) await signIn(it.page, key);
    return it.page;
  }

  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- asserted by each test
  async ask(path: string, key = ADMIN_KEY): Promise<any> {
    const headers = { authorization: `Bearer ${key}` };
    return (await fetch(`${this.url}/api/v1${path}`, { headers })).json();
  }

  /** Complaints of the pages opened since the last time; their profiles are closed. */
  async closeAll(): Promise<readonly string[]> {
    const complaints = this.#opened.flatMap((it) => it.complaints.texts);
    await Promise.all(this.#opened.splice(0).map(({ context }) => context.close()));
    return complaints;
  }
}

/** A verb with its reason and confirmation; the dialog that it went through. */
export async function act(page: Page, verb: string, reason: string): Promise<Locator> {
  await page.getByRole('button', { name: `${verb}…` }).click();
  return confirm(page, verb, reason);
}

/** A verb behind "More", with what its dialog asks for besides. */
export async function actMore(
  page: Page,
  verb: string,
  reason: string,
  fill: (dialog: Locator) => Promise<unknown> = () => Promise.resolve(),
): Promise<void> {
  const button = page.getByRole('button', { name: `${verb}…` });
  if (!(await button.isVisible())) await page.getByText('More', { exact: true }).click();
  await button.click();
  await fill(page.getByRole('dialog'));
  await (await confirm(page, verb, reason)).waitFor({ state: 'hidden' });
}

async function confirm(page: Page, verb: string, reason: string): Promise<Locator> {
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Reason').fill(reason);
  await dialog.getByLabel('I want this').check();
  await dialog.getByRole('button', { name: verb, exact: true }).click();
  return dialog;
}
