// SPDX-License-Identifier: Apache-2.0
// Runs the tests of this folder, file by file, each against a gateway of its own.
// node run.mjs --binary PATH [--filter TEXT] [--keep]
import { readdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { launch, openPage } from './browser.mjs';
import { Gateway, Skipped } from './gateway.mjs';

const { values } = parseArgs({
  options: { binary: { type: 'string' }, filter: { type: 'string', default: '' }, keep: { type: 'boolean', default: false } },
});
const here = dirname(fileURLToPath(import.meta.url));
const TEST_MS = 180_000;
let passed = 0;
let failed = 0;
let skipped = 0;

const bounded = (work) =>
  Promise.race([work, new Promise((_, fail) => setTimeout(() => fail(new Error(`not done after ${TEST_MS} ms`)), TEST_MS).unref())]);

async function skip(page, file, name, why) {
  skipped++;
  console.log(`skip ${file}: ${name}: ${why}`);
  await page.context().close();
}

async function runTest(browser, gateway, file, [name, test]) {
  const started = Date.now();
  const page = await openPage(browser, gateway.console);
  let problem;
  try {
    await bounded(test({ page, gateway, browser }));
    if (page.problems.length) problem = page.problems.join('\n    ');
  } catch (error) {
    if (error instanceof Skipped) return skip(page, file, name, error.message);
    problem = [error.stack ?? error, ...page.problems].join('\n    ');
    const picture = `${gateway.folder}/failed-${failed}.png`;
    await page.screenshot({ path: picture }).then(() => (problem += `\n    picture: ${picture}`), () => undefined);
  }
  await page.context().close();
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  if (problem) {
    failed++;
    console.log(`FAIL ${file}: ${name} (${seconds} s)\n    ${problem}`);
  } else {
    passed++;
    console.log(`ok   ${file}: ${name} (${seconds} s)`);
  }
}

async function runFile(browser, file) {
  const { tests, settings } = await import(pathToFileURL(resolve(here, file)));
  const name = file.replace('.test.mjs', '');
  const wanted = Object.entries(tests).filter(([title]) => `browser ${name}: ${title}`.includes(values.filter));
  if (!wanted.length) return;
  const gateway = new Gateway(resolve(values.binary));
  const before = failed;
  try {
    await gateway.start(settings);
    for (const test of wanted) await runTest(browser, gateway, name, test);
  } catch (error) {
    failed++;
    console.log(`FAIL ${name}: ${error.stack ?? error}`);
  } finally {
    await gateway.stop({ keep: values.keep || failed > before });
  }
  if (failed > before) console.log(`logs of ${name}: ${gateway.folder}`);
}

const browser = await launch();
for (const file of readdirSync(here).filter((entry) => entry.endsWith('.test.mjs')).sort()) await runFile(browser, file);
await browser.close();
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed ? 1 : 0);
