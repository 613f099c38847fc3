// SPDX-License-Identifier: Apache-2.0
// Debian's Chromium through playwright-core. A page that throws, or that its Content-Security-Policy holds back from
// something, has failed, whatever else it shows.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { ROOT, sleep } from './gateway.mjs';

const require = createRequire(join(ROOT, 'web/package.json'));

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
export const SIZE = { width: 1360, height: 860 };
/** Milliseconds, for whatever is waited for: machines are busy, and who waits for what comes loses nothing by it. */
const PATIENCE = 30_000;
const QUIET_MS = 120;

export function launch() {
  const { chromium } = require('playwright-core');
  const executablePath = execFileSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' }).trim();
  return chromium.launch({ executablePath, args: FLAGS, headless: true });
}

/** Collects in `page.problems` what must not happen on any page. */
async function watch(page, base) {
  page.problems = [];
  await page.exposeFunction('sluiceViolation', (text) => page.problems.push(`Content-Security-Policy: ${text}`));
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      window.sluiceViolation(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile ?? ''}`);
    });
  });
  page.on('pageerror', (error) => page.problems.push(`page error: ${error.stack ?? error.message}`));
  page.on('console', (message) => {
    const text = message.text();
    const expected = message.type() !== 'error' || text.startsWith('Failed to load resource');
    if (!expected) page.problems.push(`console: ${text}`);
  });
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(base) && !/^(data|blob):/.test(url)) page.problems.push(`asked for ${url}`);
  });
}

/** A page in a profile of its own. `page.problems` collects what must not happen. */
export async function openPage(browser, base, options = {}) {
  const context = await browser.newContext({
    baseURL: base,
    viewport: SIZE,
    permissions: ['clipboard-read', 'clipboard-write'],
    reducedMotion: 'reduce', // colours on their way from one theme to the other are of neither
    ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.underWay = new Set();
  page.on('request', (request) => page.underWay.add(request));
  for (const end of ['requestfinished', 'requestfailed']) page.on(end, (request) => page.underWay.delete(request));
  page.on('framenavigated', (frame) => frame === page.mainFrame() && page.underWay.clear());
  await watch(page, base);
  return page;
}

/** Until the page has its heading, loads nothing, and has not begun to load anything for a moment. */
export async function settle(page) {
  await page.locator('h1').first().waitFor();
  await page.waitForFunction(() => !document.body.innerText.includes('Loading…'));
  for (let quiet = 0; quiet < QUIET_MS; quiet = page.underWay.size ? 0 : quiet + 20) await sleep(20);
}

/** What axe-core finds serious or critical by WCAG 2.2 A and AA, as lines. */
export async function accessibilityProblems(page) {
  if (!(await page.evaluate(() => 'axe' in window))) {
    // Evaluated over the debugger's protocol, which the page's policy does not concern.
    await page.evaluate(readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8'));
  }
  const { violations } = await page.evaluate(() =>
    window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }),
  );
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 160)} (${node.failureSummary?.split('\n')[1]?.trim()})`));
}
