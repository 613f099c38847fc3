// SPDX-License-Identifier: Apache-2.0
// Getting started, with mouse and keyboard alone: from the set-up link over a data plane that joins to 401, 200 and 429.
import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { controlPlaneSettings, startNode } from './data_plane.mjs';
import { until } from './gateway.mjs';

const KEY = 'a-key-for-the-journey';
const CLICKS = 35;

export const settings = async (gateway) => ({ ...(await controlPlaneSettings(gateway)), admin_auth: 'token' });

/**
 * A hand that counts: the path must stay short. A field that the page has not put the cursor into takes a click too.
 * `steps` says how many clicks each part took; docs/console.md too.
 */
class Hand {
  constructor(page) {
    this.page = page;
    this.clicks = 0;
    this.steps = [];
  }
  link(name) {
    return this.page.getByRole('link', { name, exact: true }).first();
  }
  button(name) {
    return this.page.getByRole('button', { name, exact: true });
  }
  tab(name) {
    return this.page.getByRole('tab', { name, exact: true });
  }
  field(name) {
    return this.page.getByLabel(name, { exact: true });
  }
  async click(...locators) {
    for (const locator of locators) {
      this.clicks++;
      await locator.click();
    }
  }
  async write(locator, text) {
    await locator.waitFor();
    if (!(await locator.evaluate((field) => field === document.activeElement))) await this.click(locator);
    await locator.pressSequentially(text);
  }
  async step(name, work) {
    const before = this.clicks;
    await work();
    this.steps.push(`${name}: ${this.clicks - before}`);
  }
}

async function makeAccount(hand, gateway) {
  const link = await until(() => readFileSync(join(gateway.folder, 'prefix/secrets/set-up-link'), 'utf8').trim(), 'the set-up link');
  await hand.page.goto(link);
  await hand.write(hand.field('Your name'), 'Jane Doe');
  await hand.write(hand.field('E-mail'), 'jane@example.test');
  await hand.write(hand.page.getByLabel('Password'), 'several words are good');
  await hand.click(hand.button('Make the account'));
  await hand.page.getByRole('heading', { name: 'Overview' }).waitFor();
}

async function makeControlPlane(hand) {
  await hand.click(hand.page.getByRole('main').getByRole('link', { name: 'New control plane' }));
  await hand.write(hand.field('Name'), 'edge');
  await hand.click(hand.button('Create'));
  await hand.page.getByRole('heading', { name: 'edge' }).waitFor();
}

/** The node is started by the script that was copied, as it stands. */
async function addNode(hand, gateway) {
  const { page } = hand;
  await hand.click(hand.link('Add a node'), hand.button('Make the certificate'));
  await page.getByRole('tab', { name: 'This machine', selected: true }).waitFor();
  await hand.click(page.getByRole('button', { name: 'Copy' }));
  const copied = () => page.evaluate(() => navigator.clipboard.readText());
  const script = await until(async () => /sluice/.test(await copied()) && copied(), 'the script on the clipboard');
  await page.getByText('Waiting for the node to report').waitFor();
  await startNode(gateway, script);
  await page.getByText('has reported').waitFor({ timeout: 60_000 });
  await hand.click(hand.link('See the nodes'));
  await page.getByRole('table').getByText('In sync').waitFor();
}

const request = (gateway, headers = {}) => fetch(`${gateway.proxy}/orders`, { headers }).then(({ status }) => status);
const comes = (gateway, status, headers) => until(async () => (await request(gateway, headers)) === status, `the node answers ${status}`);

async function makeService(hand, gateway) {
  await hand.click(hand.link('Services'), hand.link('New service'));
  await hand.write(hand.field('Name'), 'orders');
  const host = hand.page.locator('#field-host');
  await hand.write(host, gateway.upstream);
  assert.equal(await host.inputValue(), gateway.upstream, 'what is typed stays as it is typed');
  await host.press('Tab');
  const { hostname, port } = new URL(gateway.upstream);
  assert.deepEqual([await host.inputValue(), await hand.page.locator('#field-port').inputValue()], [hostname, port]);
  await hand.click(hand.button('Create'));
  await hand.page.getByRole('heading', { name: 'orders' }).waitFor();
}

async function makeRoute(hand, gateway) {
  await hand.click(hand.tab('Routes'), hand.link('New route'));
  await hand.write(hand.field('Name'), 'orders');
  await hand.write(hand.page.locator('#field-paths-0'), '/orders');
  await hand.click(hand.button('Create'));
  await hand.page.getByRole('table', { name: 'Routes' }).waitFor();
  await comes(gateway, 200);
}

async function askForKeys(hand, gateway) {
  await hand.click(hand.tab('Plugins'), hand.link('New plugin'));
  await hand.click(hand.page.getByRole('link', { name: /^key-auth/ }), hand.button('Create'));
  await hand.page.getByRole('table', { name: 'Plugins' }).waitFor();
  await comes(gateway, 401);
}

async function giveKey(hand, gateway) {
  await hand.click(hand.link('Consumers'), hand.link('New consumer'));
  await hand.write(hand.field('Username'), 'mobile-app');
  await hand.click(hand.button('Create'), hand.tab('Credentials'), hand.link('New API key'));
  await hand.write(hand.page.locator('#field-key'), KEY);
  await hand.click(hand.button('Create'));
  await hand.page.getByText('API key a-ke… is made and live').waitFor();
  assert.ok(!(await hand.page.locator('body').innerText()).includes(KEY), 'the key is not shown whole');
  await hand.page.getByRole('table', { name: 'API keys' }).waitFor();
  await comes(gateway, 200, { apikey: KEY });
}

async function limit(hand, gateway) {
  const { page } = hand;
  await hand.click(hand.link('Services'), page.getByRole('table').getByRole('link', { name: 'orders', exact: true }));
  await hand.click(hand.tab('Plugins'), hand.link('New plugin'), page.getByRole('link', { name: /^rate-limiting/ }));
  await hand.write(hand.field('Hour'), '3');
  await hand.click(hand.button('Create'));
  await page.getByRole('table', { name: 'Plugins' }).waitFor();
  await comes(gateway, 429, { apikey: KEY });
}

async function journey({ page, gateway }) {
  const hand = new Hand(page);
  const started = Date.now();
  await hand.step('account', () => makeAccount(hand, gateway));
  await hand.step('control plane', () => makeControlPlane(hand));
  await hand.step('data plane', () => addNode(hand, gateway));
  await hand.step('service', () => makeService(hand, gateway));
  await hand.step('route', () => makeRoute(hand, gateway));
  await hand.step('key-auth', () => askForKeys(hand, gateway));
  await hand.step('consumer with a key', () => giveKey(hand, gateway));
  await hand.step('rate-limiting', () => limit(hand, gateway));
  console.log(`     ${hand.clicks} clicks in ${((Date.now() - started) / 1000).toFixed(0)} s: ${hand.steps.join(', ')}`);
  assert.ok(hand.clicks <= CLICKS, `${hand.clicks} clicks; at most ${CLICKS} are wanted`);
}

/** What the node has just answered is told to its control plane, which shows it. */
async function traffic({ page, gateway }) {
  await page.goto('/');
  await page.getByLabel('E-mail').fill('jane@example.test');
  await page.getByLabel('Password', { exact: true }).fill('several words are good');
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  const card = page.getByRole('listitem').filter({ has: page.getByRole('link', { name: 'edge', exact: true }) });
  await card.getByRole('img', { name: /In the last minute [\d.,]+ requests a second; answered with 4xx: [\d.]+ %/ }).waitFor({ timeout: 90_000 });
  await card.getByRole('link', { name: 'edge', exact: true }).click();
  await page.getByRole('region', { name: 'Traffic of the last hour' }).getByRole('img').waitFor();
}

export const tests = { 'from the set-up link to 401, 200 and 429 on a data plane that joined': journey };
export const longTests = { 'the overview shows what a data plane has told of its traffic': traffic };
