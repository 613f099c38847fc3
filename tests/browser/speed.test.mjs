// SPDX-License-Identifier: Apache-2.0
// Lists of ten thousand: shown as fast as those of ten, turned page by page, searched.
import { strict as assert } from 'node:assert';
import { openPage } from './browser.mjs';

const MANY = 10_000;
const FEW = 10;
const AT_ONCE = 2500;
const LEAST_TURNS = 7;
const MOST_TURNS = 35;
const RATIO = 1.2;
const PAINT_MS = 1000;

const api = async (gateway, path, body) => {
  const reply = await fetch(`${gateway.console}/v2/control-planes${path}`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
  });
  assert.ok(reply.ok, `${path}: ${reply.status} ${await reply.clone().text()}`);
  return reply.json();
};

/** A control plane with so many services; both are in one server, so that nothing else differs. */
async function planeWith(gateway, count) {
  const { id } = await api(gateway, '', { name: `with-${count}` });
  const all = Array.from({ length: count }, (_, index) => ({ name: `many-${index}`, host: 'h.example', tags: ['many'] }));
  for (let from = 0; from < count; from += AT_ONCE) {
    await api(gateway, `/${id}/core-entities/batch`, { upsert: { services: all.slice(from, from + AT_ONCE) } });
  }
  return id;
}

/** In a profile that has nothing in its cache: milliseconds of the page's own clock until rows and first paint. */
async function timeList(browser, gateway, plane) {
  const page = await openPage(browser, gateway.console);
  await page.addInitScript(() => {
    new MutationObserver((_, observer) => {
      if (!document.querySelector('tbody tr')) return;
      observer.disconnect();
      window.rowsAfter = performance.now();
    }).observe(document, { childList: true, subtree: true });
  });
  await page.goto(`/control-planes/${plane}/services`);
  const rows = await (await page.waitForFunction(() => window.rowsAfter)).jsonValue();
  const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0);
  assert.deepEqual(page.problems, []);
  await page.context().close();
  return { rows, paint };
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

let many;

/** Measured in turns, so that what else the machine does weighs on both, and until the medians tell them apart or not. */
async function speed({ browser, gateway }) {
  const few = await planeWith(gateway, FEW);
  many = await planeWith(gateway, MANY);
  for (const plane of [few, many]) await timeList(browser, gateway, plane); // the first ones warm the server's files
  const times = { few: [], many: [] };
  let ratio = Infinity;
  for (let turn = 1; turn <= MOST_TURNS && (turn <= LEAST_TURNS || ratio > RATIO); turn++) {
    const order = turn % 2 ? ['few', 'many'] : ['many', 'few'];
    for (const which of order) times[which].push(await timeList(browser, gateway, which === 'few' ? few : many));
    ratio = median(times.many.map(({ rows }) => rows)) / median(times.few.map(({ rows }) => rows));
  }
  const rows = ['few', 'many'].map((which) => Math.round(median(times[which].map((time) => time.rows))));
  const paint = Math.round(median(times.many.map((time) => time.paint)));
  console.log(`     rows after ${rows[0]} ms with ${FEW}, ${rows[1]} ms with ${MANY} (${times.many.length} turns); first paint after ${paint} ms`);
  assert.ok(ratio <= RATIO, `${rows[1]} ms with ${MANY}, ${rows[0]} ms with ${FEW}`);
  assert.ok(paint < PAINT_MS, `first paint after ${paint} ms`);
}

async function paging({ page, gateway }) {
  await page.goto(`/control-planes/${many}/services`);
  const first = await page.locator('tbody .first').first().innerText();
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByText('Page 2').waitFor();
  await page.waitForFunction((before) => document.querySelector('tbody .first')?.innerText !== before, first);
  await page.getByRole('button', { name: 'Back' }).click();
  await page.getByText('Page 1').waitFor();
  await page.getByRole('searchbox', { name: 'Find by name' }).fill('many-9876');
  await page.getByRole('link', { name: 'many-9876', exact: true }).waitFor();
}

export const tests = {
  'ten thousand services page as fast as ten': speed,
  'pages turn, and search reaches every one of them': paging,
};
