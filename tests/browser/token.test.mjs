// SPDX-License-Identifier: Apache-2.0
// A gateway with admin_auth=token: nothing is shown without one, and the token goes nowhere but into the header.
import { strict as assert } from 'node:assert';

const TOKEN = 'the-token-of-the-browser-tests';

export const settings = { admin_auth: 'token', admin_token: TOKEN };

async function enter({ page, gateway }) {
  const addresses = [];
  page.on('request', (request) => addresses.push(request.url()));
  await page.goto('/');
  // There is no account yet: a token is what opens, and is asked for first.
  const field = page.getByLabel('Access token');
  await field.fill('wrong');
  await page.getByRole('button', { name: 'Enter' }).click();
  await page.getByText('This token opens nothing.').waitFor();
  await field.fill(TOKEN);
  await page.getByRole('button', { name: 'Enter' }).click();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  await page.getByRole('main').getByRole('link', { name: 'default' }).waitFor();
  assert.deepEqual(addresses.filter((address) => address.includes(TOKEN)), []);
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]));
  assert.ok(!kept.includes(TOKEN), kept);
  await page.reload();
  await page.getByLabel('Access token').waitFor();
}

export const longTests = { 'a token opens the console and is kept nowhere': enter };
