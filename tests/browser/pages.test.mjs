// SPDX-License-Identifier: Apache-2.0
// What holds for every page: accessible in both themes, safe with whatever is stored, reachable by keyboard, quick.
import { strict as assert } from 'node:assert';
import { accessibilityProblems, openPage } from './browser.mjs';
import { Gateway } from './gateway.mjs';

const MARKUP = `<img src=x onerror="alert(1)">"'{{7*7}}`;
const MANY = 10_000;
const FEW = 10;
const TURNS = 7;

const PAGES = [
  '', 'nodes', 'nodes/new', 'services', 'services/new', 'routes', 'routes/new', 'consumers', 'consumers/new', 'plugins', 'plugins/new',
  'plugins/new/rate-limiting', 'plugins/new/request-transformer', 'upstreams', 'upstreams/new', 'certificates/new', 'vaults/new',
  'keys/new', 'tester', 'import-export', 'settings',
];

async function fill(gateway) {
  const service = await gateway.api('PUT', '/services/orders', { name: 'orders', url: gateway.upstream, tags: ['shop'] });
  await gateway.api('PUT', '/routes/orders', { name: 'orders', paths: ['/orders'], service: { id: service.id } });
  const consumer = await gateway.api('PUT', '/consumers/ann', { username: 'ann' });
  await gateway.api('PUT', '/upstreams/pool', { name: 'pool' });
  await gateway.api('PUT', '/plugins/7c1e5a7e-0000-4000-8000-000000000001', { name: 'cors', service: { id: service.id } });
  return [`services/${service.id}`, `consumers/${consumer.id}?tab=credentials`, 'plugins/7c1e5a7e-0000-4000-8000-000000000001'];
}

async function settle(page) {
  await page.locator('h1').first().waitFor();
  await page.waitForLoadState('networkidle').catch(() => undefined);
  await page.waitForFunction(() => !document.body.innerText.includes('Loading…'));
}

async function accessible(gateway, browser, colorScheme) {
  const page = await openPage(browser, gateway.console, { colorScheme });
  const found = await fill(gateway);
  const home = `/control-planes/${await gateway.controlPlane()}`;
  const problems = [];
  for (const path of ['/', '/control-planes', '/control-planes/new', ...[...PAGES, ...found].map((name) => `${home}/${name}`)]) {
    await page.goto(path);
    await settle(page);
    await page.evaluate(() => document.querySelectorAll('details').forEach((details) => (details.open = true)));
    problems.push(...(await accessibilityProblems(page)).map((problem) => `${path}: ${problem}`));
  }
  problems.push(...page.problems);
  await page.context().close();
  assert.deepEqual(problems, []);
}

async function storedMarkup({ page, gateway }) {
  const service = await gateway.api('PUT', '/services/marked', { name: 'marked', host: 'h.example', path: '/x', tags: [MARKUP] });
  const consumer = await gateway.api('PUT', '/consumers/7c1e5a7e-0000-4000-8000-000000000003', { username: MARKUP, custom_id: MARKUP, tags: [MARKUP] });
  await gateway.api('PUT', '/vaults/marked', { prefix: 'marked', name: 'env', description: MARKUP });
  await gateway.api('PUT', '/plugins/7c1e5a7e-0000-4000-8000-000000000002', {
    name: 'request-termination', service: { id: service.id }, enabled: false, instance_name: 'marked', config: { message: MARKUP },
  });
  let alerted = false;
  page.on('dialog', (dialog) => {
    alerted = true;
    void dialog.dismiss();
  });
  const home = `/control-planes/${await gateway.controlPlane()}`;
  for (const path of ['consumers', `consumers/${consumer.id}`, `consumers/${consumer.id}/edit`, 'services', `services/${service.id}`, 'vaults', 'plugins', 'plugins/7c1e5a7e-0000-4000-8000-000000000002', 'import-export']) {
    await page.goto(`${home}/${path}`);
    await settle(page);
    assert.equal(await page.locator('img[src="x"]').count(), 0, path);
    assert.ok(!(await page.locator('main').innerText()).includes('"\'49'), path);
  }
  await page.goto(`${home}/consumers`);
  await page.getByRole('table').getByText('<img src=x').first().waitFor();
  assert.ok(!alerted);
}

async function headers({ gateway }) {
  const reply = await fetch(gateway.console);
  const policy = reply.headers.get('content-security-policy') ?? '';
  for (const directive of ["default-src 'self'", "frame-ancestors 'none'", "object-src 'none'", "base-uri 'none'"]) assert.ok(policy.includes(directive), directive);
  assert.ok(!/script-src[^;]*'unsafe-(inline|eval)'/.test(policy), policy);
  assert.equal((await fetch(`${gateway.console}/assets/missing.js`)).status === 200, gateway.standIn);
}

async function searchByKeyboard({ page, gateway }) {
  await fill(gateway);
  await page.goto('/');
  await settle(page);
  await page.keyboard.press('Control+k');
  await page.keyboard.type('orders');
  await page.getByRole('option', { name: /orders.*service/ }).waitFor();
  const options = page.getByRole('option');
  for (let step = 0; step < (await options.count()); step++) {
    const active = page.locator('[role="option"][aria-selected="true"]');
    if (/orders\s*service/.test(await active.innerText())) break;
    await page.keyboard.press('ArrowDown');
  }
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'orders' }).waitFor();
  assert.match(page.url(), /\/services\//);
}

async function rowsByKeyboard({ page, gateway }) {
  await fill(gateway);
  await gateway.api('PUT', '/services/second', { name: 'second', host: 'h' });
  await page.goto(`/control-planes/${await gateway.controlPlane()}/services`);
  const links = page.locator('tbody .first');
  await links.nth(1).waitFor();
  await links.first().focus();
  await page.keyboard.press('ArrowDown');
  const second = (await links.nth(1).innerText()).trim();
  assert.equal((await page.locator(':focus').innerText()).trim(), second);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: second }).waitFor();
}

async function themes({ page }) {
  await page.goto('/');
  await settle(page);
  const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const light = await ground();
  const button = page.getByRole('button', { name: /^Colours/ });
  await button.click();
  await button.click();
  const dark = await ground();
  assert.notEqual(light, dark);
  await page.reload();
  await settle(page);
  assert.equal(await ground(), dark);
}

async function importExport({ page, gateway }) {
  await fill(gateway);
  await page.goto(`/control-planes/${await gateway.controlPlane()}/import-export`);
  const paste = async (text) => {
    await page.getByRole('textbox', { name: 'State file' }).click();
    await page.keyboard.press('Control+a');
    await page.evaluate((written) => navigator.clipboard.writeText(written), text);
    await page.keyboard.press('Control+v');
  };
  await paste('services:\n- name: imported\n  url: http://i.example\n  routes:\n  - name: imported\n    paths: [/imported]\n');
  await page.getByRole('button', { name: 'Make a plan' }).click();
  await page.getByText('2 new').waitFor();
  assert.equal((await fetch(`${gateway.admin}/services/imported`)).status, 404);
  await page.getByRole('button', { name: 'Apply 2 changes' }).click();
  await page.getByText('2 changes are live').waitFor();
  assert.equal((await gateway.api('GET', '/routes/imported')).paths[0], '/imported');

  await paste('servces: []\n');
  await page.getByRole('button', { name: 'Make a plan' }).click();
  await page.getByText('no state file that can be read here: servces').waitFor();

  // What was exported changes nothing when it is imported again.
  await page.getByRole('tab', { name: 'Export' }).click();
  await page.getByRole('button', { name: 'Make the file' }).click();
  await page.getByRole('button', { name: 'Copy' }).click();
  const text = await page.evaluate(() => navigator.clipboard.readText());
  await page.getByRole('tab', { name: 'Import' }).click();
  await paste(text);
  await page.getByRole('button', { name: 'Make a plan' }).click();
  await page.getByText('Nothing: everything is as the file says.').waitFor();
}

/** Milliseconds until a list page shows its rows, in a profile without anything in its cache. */
async function timeList(browser, gateway) {
  const page = await openPage(browser, gateway.console);
  const path = `/control-planes/${await gateway.controlPlane()}/services`;
  const started = Date.now();
  await page.goto(path);
  await page.locator('tbody tr').first().waitFor();
  const rows = Date.now() - started;
  const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0);
  await page.context().close();
  return { rows, paint };
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

const names = (count) => Array.from({ length: count }, (_, index) => ({ name: `many-${index}`, host: 'h.example', tags: ['many'] }));

/** The two are measured in turns, so that what else the machine does weighs on both. */
async function speed({ browser, gateway }) {
  const small = new Gateway(gateway.binary);
  try {
    await small.start();
    await small.api('POST', '/batch', { upsert: { services: names(FEW) } });
    for (let from = 0; from < MANY; from += 2500) {
      await gateway.api('POST', '/batch', { upsert: { services: names(MANY).slice(from, from + 2500) } });
    }
    const few = [];
    const many = [];
    for (let turn = 0; turn <= TURNS; turn++) {
      const pair = [await timeList(browser, small), await timeList(browser, gateway)];
      if (turn === 0) continue; // the first one of each warms caches of files
      few.push(pair[0]);
      many.push(pair[1]);
    }
    const rows = [few, many].map((times) => median(times.map((time) => time.rows)));
    const paint = median(many.map((time) => time.paint));
    console.log(`     rows after ${rows[0]} ms with ${FEW}, ${rows[1]} ms with ${MANY}; first paint after ${paint.toFixed(0)} ms`);
    assert.ok(paint < 1000, `first paint after ${paint} ms`);
    assert.ok(rows[1] <= rows[0] * 1.2, `${rows[1]} ms with ${MANY}, ${rows[0]} ms with ${FEW}`);
  } finally {
    await small.stop();
  }
}

async function paging({ page, gateway }) {
  await page.goto(`/control-planes/${await gateway.controlPlane()}/services`);
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
  'axe-core finds nothing serious in light colours': ({ gateway, browser }) => accessible(gateway, browser, 'light'),
  'axe-core finds nothing serious in dark colours': ({ gateway, browser }) => accessible(gateway, browser, 'dark'),
  'stored markup stays text': storedMarkup,
  'the page comes with its policy': headers,
  'search finds an entity by keyboard alone': searchByKeyboard,
  'arrow keys go through the rows': rowsByKeyboard,
  'colours are chosen and remembered': themes,
  'a file is planned, applied, exported, and then changes nothing': importExport,
  'ten thousand services page as fast as ten': speed,
  'pages turn, and search reaches every one of them': paging,
};
