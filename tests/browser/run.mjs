// SPDX-License-Identifier: Apache-2.0
// Runs the tests of this folder, file by file, each against a gateway of its own.
// node run.mjs --binary PATH [--filter TEXT] [--full] [--keep]; or --list: only says which ones it would be
import { readdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { launch, openPage } from './browser.mjs';
import { Gateway, Skipped } from './gateway.mjs';

const { values } = parseArgs({
  options: {
    binary: { type: 'string' },
    filter: { type: 'string', default: '' },
    full: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
});
const here = dirname(fileURLToPath(import.meta.url));
const TEST_MS = 180_000;
const SECOND_CHANCE = !process.env.TEST_ONCE;
const tally = { passed: 0, failed: 0, skipped: 0 };

const bounded = (work) =>
  Promise.race([work, new Promise((_, fail) => setTimeout(() => fail(new Error(`not done after ${TEST_MS} ms`)), TEST_MS).unref())]);

/** How one test ends: { skipped } with the reason, { problem } with what went wrong, or neither. */
async function outcomeOf(page, test, { browser, gateway }) {
  try {
    await bounded(test({ page, gateway, browser }));
    return page.problems.length ? { problem: page.problems.join('\n    ') } : {};
  } catch (error) {
    if (error instanceof Skipped) return { skipped: error.message };
    const picture = `${gateway.folder}/failed-${Date.now()}.png`;
    const taken = await page.screenshot({ path: picture }).then(() => [`picture: ${picture}`], () => []);
    return { problem: [error.stack ?? error, ...page.problems, ...taken].join('\n    ') };
  }
}

/** All wanted tests of a file, on a fresh gateway; outcomes by title. The gateway's folder stays when one failed. */
async function runFile(browser, wanted, settings) {
  const gateway = new Gateway(resolve(values.binary));
  const outcomes = new Map();
  try {
    await gateway.start(settings);
    for (const [title, test] of wanted) {
      const started = Date.now();
      const page = await openPage(browser, gateway.console);
      const outcome = await outcomeOf(page, test, { browser, gateway });
      await page.context().close();
      outcomes.set(title, { ...outcome, seconds: ((Date.now() - started) / 1000).toFixed(1) });
    }
  } catch (error) {
    const problem = String(error.stack ?? error);
    for (const [title] of wanted) if (!outcomes.has(title)) outcomes.set(title, { problem, seconds: '0' });
  } finally {
    const failed = [...outcomes.values()].some(({ problem }) => problem);
    await gateway.stop({ keep: values.keep || failed });
    if (failed) console.log(`     logs: ${gateway.folder}`);
  }
  return outcomes;
}

function report(name, title, { skipped, problem, seconds }, before) {
  if (skipped) {
    tally.skipped++;
    console.log(`skip ${name}: ${title}: ${skipped}`);
  } else if (problem) {
    tally.failed++;
    console.log(`FAIL ${name}: ${title} (${seconds} s)\n    ${problem}`);
  } else {
    tally.passed++;
    console.log(`ok   ${name}: ${title} (${seconds} s)`);
    if (before) console.log(`UNSTEADY browser ${name}: ${title}, once more: ${before.split('\n')[0]}`);
  }
}

/** The file's wanted tests as [title, function], and the settings of their gateway. */
async function wantedOf(file) {
  const { tests, longTests = {}, settings } = await import(pathToFileURL(resolve(here, file)));
  const name = file.replace('.test.mjs', '');
  const known = { ...tests, ...(values.full || values.filter ? longTests : {}) };
  const wanted = Object.entries(known).filter(([title]) => `browser ${name}: ${title}`.includes(values.filter));
  return { name, wanted, settings };
}

/** Tests of a file build on each other, so that one that failed is repeated with all of its file. */
async function play(browser, { name, wanted, settings }) {
  const first = await runFile(browser, wanted, settings);
  const again = SECOND_CHANCE && [...first.values()].some(({ problem }) => problem);
  const last = again ? await runFile(browser, wanted, settings) : first;
  for (const [title] of wanted) report(name, title, last.get(title), again ? first.get(title).problem : undefined);
}

const files = readdirSync(here).filter((entry) => entry.endsWith('.test.mjs'));
const plays = (await Promise.all(files.sort().map(wantedOf))).filter(({ wanted }) => wanted.length);
if (values.list) {
  for (const { name, wanted } of plays) for (const [title] of wanted) console.log(`browser ${name}: ${title}`);
  process.exit(0);
}
const browser = await launch();
for (const one of plays) await play(browser, one);
await browser.close();
console.log(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`);
process.exit(tally.failed ? 1 : 0);
