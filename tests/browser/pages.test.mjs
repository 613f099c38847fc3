// SPDX-License-Identifier: Apache-2.0
// What holds for every page: accessible in both themes, reachable by keyboard; and the tools.
import { strict as assert } from 'node:assert';
import { accessibilityProblems, settle } from './browser.mjs';
import { controlPlaneSettings } from './data_plane.mjs';
import { Gateway } from './gateway.mjs';

/** A gateway that proxies, and takes data planes. */
export async function settings(gateway) {
  return { ...(await controlPlaneSettings(gateway)), role: 'all', proxy_listen: `127.0.0.1:${gateway.ports.proxy}` };
}

const OUTSIDE = ['/', '/control-planes', '/control-planes/new', '/audit'];
/** Below a control plane: one of each kind. */
const MAIN = ['', 'nodes', 'nodes/new', 'services', 'routes/new', 'plugins', 'plugins/new', 'plugins/new/rate-limiting', 'tester', 'import-export'];
const OTHERS = [
  'services/new', 'routes', 'consumers', 'consumers/new', 'plugins/new/request-transformer', 'upstreams', 'upstreams/new',
  'certificates/new', 'vaults/new', 'keys/new', 'settings',
];

async function fill(gateway) {
  const service = await gateway.api('PUT', '/services/orders', { name: 'orders', url: gateway.upstream, tags: ['shop'] });
  await gateway.api('PUT', '/routes/orders', { name: 'orders', paths: ['/orders'], service: { id: service.id } });
  const consumer = await gateway.api('PUT', '/consumers/ann', { username: 'ann' });
  await gateway.api('PUT', '/upstreams/pool', { name: 'pool' });
  await gateway.api('PUT', '/plugins/7c1e5a7e-0000-4000-8000-000000000001', { name: 'cors', service: { id: service.id } });
  return [`services/${service.id}`, `consumers/${consumer.id}?tab=credentials`, 'plugins/7c1e5a7e-0000-4000-8000-000000000001'];
}

/** Each page is loaded once, and looked at in both colours. */
async function accessible(page, paths) {
  const problems = [];
  for (const path of paths) {
    await page.goto(path);
    await settle(page);
    await page.evaluate(() => document.querySelectorAll('details').forEach((details) => (details.open = true)));
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      problems.push(...(await accessibilityProblems(page)).map((problem) => `${path}, ${colorScheme}: ${problem}`));
    }
  }
  assert.deepEqual(problems, []);
}

async function accessibleMain({ page, gateway }) {
  const found = await fill(gateway);
  const home = `/control-planes/${await gateway.controlPlane()}`;
  await accessible(page, [...OUTSIDE, ...[...MAIN, ...found].map((name) => `${home}/${name}`)]);
}

async function accessibleOthers({ page, gateway }) {
  const home = `/control-planes/${await gateway.controlPlane()}`;
  await accessible(page, OTHERS.map((name) => `${home}/${name}`));
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

async function tester({ page, gateway }) {
  await fill(gateway);
  const service = await gateway.api('GET', '/services/orders');
  const plugin = { enabled: true, service: { id: service.id } };
  await gateway.api('PUT', '/plugins/7c1e5a7e-0000-4000-8000-000000000011', { ...plugin, name: 'key-auth' });
  await gateway.api('PUT', '/plugins/7c1e5a7e-0000-4000-8000-000000000012', { ...plugin, name: 'rate-limiting', config: { minute: 5 } });
  await page.goto(`/control-planes/${await gateway.controlPlane()}/tester`);
  await page.getByLabel('URL').fill(`${gateway.proxy}/orders/7`);
  await page.getByRole('button', { name: 'Explain' }).click();
  await page.getByRole('heading', { name: 'orders', exact: true }).waitFor();
  assert.deepEqual(await page.locator('.plugins li a').allTextContents(), ['cors', 'key-auth', 'rate-limiting']);
  await page.getByLabel('URL').fill(`${gateway.proxy}/nowhere`);
  await page.getByRole('button', { name: 'Explain' }).click();
  await page.getByRole('heading', { name: 'No route matches' }).waitFor();
  await page.getByText("path '/nowhere' does not begin with /orders").waitFor();
}

/** Our own Admin API stands for that of a Kong: what can be read there is read, and is then the same here. */
async function importKong({ page, gateway }) {
  const kong = new Gateway(gateway.binary);
  try {
    await kong.start();
    const services = Array.from({ length: 1100 }, (_, index) => ({ name: `read-${index}`, host: 'h.example' }));
    await kong.api('POST', '/batch', { upsert: { services } });
    await kong.api('PUT', '/routes/read', { name: 'read', paths: ['/read'], service: { name: 'read-7' } });
    const consumer = await kong.api('PUT', '/consumers/bob', { username: 'bob' });
    await kong.api('POST', `/consumers/${consumer.id}/basic-auth`, { username: 'bob', password: 'long-enough' });
    await kong.api('PUT', '/consumer_groups/gold', { name: 'gold' });
    await kong.api('POST', '/consumer_groups/gold/consumers', { consumer: 'bob' });
    await kong.api('PUT', '/upstreams/pool', { name: 'pool' });
    await kong.api('POST', '/upstreams/pool/targets', { target: '10.0.0.1:80' });
    const reply = await fetch(`${gateway.console}/v2/control-planes`, {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"name":"copied"}',
    });
    await page.goto(`/control-planes/${(await reply.json()).id}/import-export`);
    await page.getByRole('tab', { name: 'From a running Kong' }).click();
    const address = page.getByLabel('Address of its Admin API');
    await address.fill(`${kong.admin}/nothing-here`);
    await page.getByRole('button', { name: 'Make a plan' }).click();
    await page.getByText('/nothing-here/services: answered 404').waitFor();
    await address.fill(`http://127.0.0.1:${kong.ports.status + 31_000}`);
    await page.getByRole('button', { name: 'Make a plan' }).click();
    await page.getByText(/refused|Could not be read/).first().waitFor();
    await address.fill(kong.admin);
    await page.getByRole('button', { name: 'Make a plan' }).click();
    await page.getByText('1107 new').waitFor();
    await page.getByRole('button', { name: 'Apply 1107 changes' }).click();
    await page.getByText('1107 changes are live').waitFor();
    await page.getByRole('button', { name: 'Make a plan' }).click();
    await page.getByText('Nothing: everything is here as it is there.').waitFor();
  } finally {
    await kong.stop();
  }
}

export const tests = {
  'axe-core finds nothing serious on the main pages, in light and in dark': accessibleMain,
  'search finds an entity by keyboard alone': searchByKeyboard,
  'arrow keys go through the rows': rowsByKeyboard,
};
export const longTests = {
  'axe-core finds nothing serious on the other pages': accessibleOthers,
  'colours are chosen and remembered': themes,
  'the tester says which way a request takes, and why not': tester,
  'a file is planned, applied, exported, and then changes nothing': importExport,
  'a running gateway is read over its Admin API, planned and applied': importKong,
};
