// SPDX-License-Identifier: Apache-2.0
// The first account of a gateway, and signing in to it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from './gateway.mjs';

export const EMAIL = 'jane@example.test';
export const PASSWORD = 'several words are good';

export const setUpLink = (gateway) =>
  until(() => readFileSync(join(gateway.folder, 'prefix/secrets/set-up-link'), 'utf8').trim(), 'the set-up link');

/** The account, where no test before has made it. */
export async function ensureAccount(gateway) {
  const link = (await setUpLink(gateway)).split('#')[1];
  const body = JSON.stringify({ link, email: EMAIL, full_name: 'Jane Doe', password: PASSWORD });
  await fetch(`${gateway.console}/v3/set-up`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
}

/** Types in who is there; whether that is right, the page says. */
export async function signIn(page, password = PASSWORD, path = '/') {
  await page.goto(path);
  const other = page.getByRole('button', { name: 'Sign in with a password instead' });
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  if (await other.isVisible()) await other.click();
  await page.getByLabel('E-mail').fill(EMAIL);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

export const isSignedIn = (page) => page.getByRole('link', { name: 'Jane Doe' }).waitFor();
