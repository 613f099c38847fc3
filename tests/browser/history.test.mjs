// SPDX-License-Identifier: Apache-2.0
// The history of a control plane: versions, what each changed, side by side, and the way back; search over everything.
import assert from 'node:assert/strict';
import { accessibilityProblems, settle } from './browser.mjs';

const rows = (page) => page.getByRole('table', { name: 'History' }).locator('tbody tr');

/** A history of four versions: made, given a route, changed, taken away. */
async function makeHistory(gateway) {
  await gateway.api('PUT', '/services/orders', { host: 'one.example', retries: 2 });
  await gateway.api('PUT', '/routes/list', { paths: ['/orders'], service: { name: 'orders' } });
  await gateway.api('PUT', '/services/orders', { host: 'two.example', retries: 4 });
  await gateway.api('DELETE', '/routes/list');
}

async function emptyState({ page, gateway }) {
  const made = await fetch(`${gateway.console}/v2/control-planes`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"name":"fresh"}' });
  const { id } = await made.json();
  await page.goto(`/control-planes/${id}/history`);
  await page.getByRole('heading', { name: 'No version yet' }).waitFor();
  assert.deepEqual(await accessibilityProblems(page), []);
}

async function lookAndRestore({ page, gateway }) {
  await makeHistory(gateway);
  const cp = await gateway.controlPlane();
  await page.goto(`/control-planes/${cp}`);
  await page.getByRole('navigation').getByRole('link', { name: 'History' }).click();
  await page.getByRole('heading', { name: 'History', exact: true }).waitFor();
  await rows(page).nth(3).waitFor();
  assert.match(await rows(page).nth(0).innerText(), /current[\s\S]*local[\s\S]*deleted[\s\S]*list/);
  assert.match(await rows(page).nth(1).innerText(), /changed[\s\S]*orders/);
  await settle(page);
  assert.deepEqual(await accessibilityProblems(page), []);

  // Its address can be kept: a version has a dot, as files have.
  const address = new URL(await rows(page).nth(1).getByRole('link').getAttribute('href'), page.url()).href;
  await page.goto(address);
  await page.getByRole('heading', { name: 'What it changed' }).waitFor();
  await page.goBack();
  await rows(page).nth(3).waitFor();

  // The version that changed the service, by keyboard: both states are side by side.
  await rows(page).nth(1).getByRole('link').focus();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'What it changed' }).waitFor();
  await page.locator('summary', { hasText: 'orders' }).focus();
  await page.keyboard.press('Enter');
  await page.getByText('one.example').first().waitFor();
  await page.getByText('two.example').first().waitFor();
  await settle(page);
  assert.deepEqual(await accessibilityProblems(page), []);
  await page.getByRole('link', { name: 'Older' }).click();
  await page.locator('summary', { hasText: 'list' }).waitFor();
  await page.getByLabel('Compare with').selectOption('now');
  await page.getByRole('heading', { name: 'What going back would change' }).waitFor();
  await page.locator('summary', { hasText: 'orders' }).waitFor();

  // Somebody else writes between the plan and the click: nothing is overwritten unseen.
  await page.getByRole('button', { name: 'Restore this version' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('list', { exact: true }).waitFor();
  assert.deepEqual(await accessibilityProblems(page), []);
  await gateway.api('PUT', '/services/meanwhile', { host: 'other.example' });
  await dialog.getByRole('button', { name: 'Restore this version' }).click();
  await dialog.getByText('Somebody changed the configuration meanwhile.').waitFor();
  await dialog.getByText('meanwhile', { exact: true }).waitFor();
  await gateway.api('GET', '/services/meanwhile');
  await dialog.getByRole('button', { name: 'Restore this version' }).click();
  await page.getByText(/Version 1\.\d+ is live/).waitFor();
  await page.getByText('restored from').first().waitFor();
  assert.equal((await gateway.api('GET', '/services/orders')).host, 'one.example');
  assert.deepEqual((await gateway.api('GET', '/routes/list')).paths, ['/orders']);
  assert.equal((await fetch(`${gateway.admin}/services/meanwhile`)).status, 404);
}

async function historyOfOne({ page, gateway }) {
  await gateway.api('PUT', '/services/lonely', { host: 'one.example' });
  await gateway.api('PUT', '/consumers/somebody', {});
  const { id } = await gateway.api('PUT', '/services/lonely', { host: 'two.example' });
  const cp = await gateway.controlPlane();
  await page.goto(`/control-planes/${cp}/services/${id}`);
  await page.getByRole('main').getByRole('link', { name: 'History' }).click();
  await page.getByRole('heading', { name: 'History of lonely' }).waitFor();
  await rows(page).nth(1).waitFor();
  assert.equal(await rows(page).count(), 2);
  await page.getByRole('main').getByRole('link', { name: 'Whole history of this control plane' }).click();
  await page.getByLabel('Name, host, path or id').fill('somebody');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 1);
  await page.getByLabel('Name, host, path or id').fill('nothing has this name');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'No version matches' }).waitFor();
}

async function searchEverywhere({ page, gateway }) {
  await gateway.api('PUT', '/services/far-away', { host: 'unusual-host.example', tags: ['team-violet'] });
  await gateway.api('PUT', '/consumers/jane', {});
  await gateway.api('POST', '/consumers/jane/basic-auth', { username: 'jane-login', password: 'not to be found' });
  await page.goto('/');
  await settle(page);
  for (const [words, label] of [['unusual-host', 'far-away'], ['TEAM-VIOLET', 'far-away']]) {
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: 'Search' }).fill(words);
    await page.getByRole('option', { name: label }).waitFor();
    await page.keyboard.press('Escape');
  }
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: 'Search' }).fill('jane-login');
  await page.getByRole('option', { name: 'jane-login' }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'jane', exact: true }).waitFor();
  await page.getByRole('tab', { name: 'Credentials', selected: true }).waitFor();
}

export const tests = {
  'a control plane without versions says what they will be': emptyState,
  'a version is looked at, compared and restored': lookAndRestore,
  'one entity has a history of its own': historyOfOne,
  'search finds entities by anything but secrets': searchEverywhere,
};
