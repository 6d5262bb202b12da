import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromiumPath, launch, openPage, signIn } from './browser.js';

// The two pictures of the README, of the demo itself: npm run screenshots

const TOP = join(import.meta.dirname, '..', '..');
const IMAGES = join(TOP, 'docs', 'images');
const KEY = 'key-of-the-screenshots-0123456789';
const MAX_BYTES = 300_000;
const PORTS = { gateway: 18_380, control: 18_381 };

/** Runs the demo until it says that everything keeps running; resolves with how to end it. */
function startDemo(dataDir: string): Promise<() => Promise<void>> {
  const child = spawn(process.execPath, ['dist/demo/main.js', '--keep'], {
    cwd: TOP,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      SLUICE_DATA_DIR: dataDir,
      SLUICE_GATEWAY_PORT: String(PORTS.gateway),
      SLUICE_CONTROL_PORT: String(PORTS.control),
      SLUICE_ADMIN_KEY: KEY,
    },
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return new Promise((resolve, reject) => {
    let said = '';
    child.stdout.on('data', (text: Buffer) => {
      process.stdout.write(text);
      said += text.toString();
      if (!said.includes('everything keeps running')) return;
      resolve(async () => {
        child.kill('SIGINT');
        await ended;
      });
    });
    void ended.then(() => reject(new Error('the demo ended')));
  });
}

const chromium = chromiumPath();
if (chromium === null) throw new Error('there is no Chromium on this machine');
const dataDir = mkdtempSync(join(tmpdir(), 'sluice-screenshots-'));
mkdirSync(IMAGES, { recursive: true });
const stop = await startDemo(dataDir);
const browser = await launch(chromium);
try {
  const url = `http://127.0.0.1:${PORTS.control}`;
  const { experiments } = (await (
    await fetch(`${url}/api/v1/experiments`, { headers: { authorization: `Bearer ${KEY}` } })
  ).json()) as { experiments: { name: string }[] };
  const name = (start: string): string =>
    experiments.find((known) => known.name.startsWith(start))?.name ?? '';
  for (const [file, path, colorScheme, height] of [
    ['console-experiment', `/experiments/${name('spam-v2')}`, 'light', 1_740],
    ['console-why', `/experiments/${name('spam-v3')}?why=3`, 'dark', 960],
  ] as const) {
    const { page, context } = await openPage(browser, url, { colorScheme });
    await page.setViewportSize({ width: 1280, height });
    await signIn(page, KEY);
    await page.goto(path);
    await page.getByRole('heading', { name: 'How the evidence came in' }).waitFor();
    await page.waitForFunction(() => document.querySelector('.waiting') === null);
    await page.getByText('live', { exact: true }).waitFor();
    const replay = page.getByRole('button', { name: 'Decide again' });
    if ((await replay.count()) > 0) {
      await replay.click();
      await page.getByText('Identical, to the last digit').waitFor();
    }
    const image = join(IMAGES, `${file}.png`);
    await page.screenshot({ path: image });
    const { size } = statSync(image);
    if (size > MAX_BYTES) throw new Error(`${image} has ${size} bytes, at most ${MAX_BYTES}`);
    console.log(`${image}: ${Math.round(size / 1000)} kB`);
    await context.close();
  }
} finally {
  await browser.close();
  await stop();
  rmSync(dataDir, { recursive: true, force: true });
}
process.exit(0);
