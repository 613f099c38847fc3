// SPDX-License-Identifier: Apache-2.0
// Getting started, with mouse and keyboard alone: from an empty gateway to 401, 200 and 429.
import { strict as assert } from 'node:assert';
import { until } from './gateway.mjs';

const KEY = 'a-key-for-the-journey';
const CLICKS = 30;

/** Clicks are counted: the path must stay short. */
function counted(page) {
  let clicks = 0;
  const click = async (locator) => {
    clicks++;
    await locator.click();
  };
  return { click, clicks: () => clicks };
}

async function journey({ page, gateway }) {
  const { click, clicks } = counted(page);
  const link = (name) => page.getByRole('link', { name, exact: true });
  const button = (name) => page.getByRole('button', { name, exact: true });
  const field = (name) => page.getByLabel(name, { exact: true });

  await page.goto('/');
  await click(page.getByRole('main').getByRole('link', { name: 'default' }));
  await click(link('Make a service'));
  await field('Name').fill('orders');
  await page.locator('#field-host').fill(gateway.upstream);
  await click(button('Create'));
  await page.getByRole('heading', { name: 'orders' }).waitFor();

  await click(page.getByRole('tab', { name: 'Routes' }));
  await click(link('New route').first());
  await field('Name').fill('orders');
  await page.locator('#field-paths-0').fill('/orders');
  await click(button('Create'));
  await page.getByRole('table', { name: 'Routes' }).waitFor();
  await until(async () => (await fetch(`${gateway.proxy}/orders`)).status === 200, 'the route serves');

  await click(page.getByRole('tab', { name: 'Plugins' }));
  await click(link('New plugin').first());
  await click(page.getByRole('link', { name: /^key-auth/ }));
  await click(button('Create'));
  await page.getByRole('table', { name: 'Plugins' }).waitFor();
  assert.equal((await fetch(`${gateway.proxy}/orders`)).status, 401);

  await click(link('Consumers'));
  await click(link('New consumer').first());
  await field('Username').fill('mobile-app');
  await click(button('Create'));
  await click(page.getByRole('tab', { name: 'Credentials' }));
  await click(link('New API key'));
  await page.locator('#field-key').fill(KEY);
  await click(button('Create'));
  await page.getByRole('table', { name: 'API keys' }).waitFor();
  assert.equal((await fetch(`${gateway.proxy}/orders`, { headers: { apikey: KEY } })).status, 200);

  await click(link('Services'));
  await click(page.getByRole('table').getByRole('link', { name: 'orders', exact: true }));
  await click(page.getByRole('tab', { name: 'Plugins' }));
  await click(link('New plugin').first());
  await click(page.getByRole('link', { name: /^rate-limiting/ }));
  await field('Minute').fill('2');
  await click(button('Create'));
  await page.getByRole('table', { name: 'Plugins' }).waitFor();
  const statuses = [];
  for (let turn = 0; turn < 3; turn++) statuses.push((await fetch(`${gateway.proxy}/orders`, { headers: { apikey: KEY } })).status);
  assert.deepEqual(statuses, [200, 200, 429]);
  assert.ok(clicks() <= CLICKS, `${clicks()} clicks; at most ${CLICKS} are wanted`);
  console.log(`     the journey took ${clicks()} clicks`);
}

async function tester({ page, gateway }) {
  await page.goto(`/control-planes/${await gateway.controlPlane()}/tester`);
  await page.getByLabel('URL').fill(`${gateway.proxy}/orders/7`);
  await page.getByRole('button', { name: 'Explain' }).click();
  await page.getByRole('heading', { name: 'orders', exact: true }).waitFor();
  const plugins = page.locator('.plugins li a');
  assert.deepEqual(await plugins.allTextContents(), ['key-auth', 'rate-limiting']);
  await page.getByLabel('URL').fill(`${gateway.proxy}/nowhere`);
  await page.getByRole('button', { name: 'Explain' }).click();
  await page.getByRole('heading', { name: 'No route matches' }).waitFor();
  await page.getByText("path '/nowhere' does not begin with /orders").waitFor();
}

export const tests = {
  'from nothing to 401, 200 and 429': journey,
  'the tester says which way a request takes, and why not': tester,
};
