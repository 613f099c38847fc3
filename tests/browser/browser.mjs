// SPDX-License-Identifier: Apache-2.0
// Debian's Chromium through playwright-core. A page that throws, or that its Content-Security-Policy holds back from
// something, has failed, whatever else it shows.
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { ROOT } from './gateway.mjs';

const require = createRequire(join(ROOT, 'web/package.json'));
const { chromium } = require('playwright-core');

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

export function launch() {
  const executablePath = execFileSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' }).trim();
  return chromium.launch({ executablePath, args: FLAGS, headless: true });
}

/** A page in a profile of its own. `page.problems` collects what must not happen. */
export async function openPage(browser, base, options = {}) {
  const context = await browser.newContext({
    baseURL: base,
    viewport: SIZE,
    permissions: ['clipboard-read', 'clipboard-write'],
    ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
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
  return page;
}

const AXE = require.resolve('axe-core/axe.min.js');

/** What axe-core finds serious or critical by WCAG 2.2 A and AA, as lines. */
export async function accessibilityProblems(page) {
  if (!(await page.evaluate(() => 'axe' in window))) {
    // Evaluated over the debugger's protocol, which the page's policy does not concern.
    const { readFileSync } = await import('node:fs');
    await page.evaluate(readFileSync(AXE, 'utf8'));
  }
  const { violations } = await page.evaluate(() =>
    window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }),
  );
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 160)} (${node.failureSummary?.split('\n')[1]?.trim()})`));
}
