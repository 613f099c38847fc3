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

/** As a program that signs in does: with the cookie and the header that changes take. */
export async function programOf(gateway, password = PASSWORD) {
  const json = { 'content-type': 'application/json' };
  const entered = await fetch(`${gateway.console}/v3/session`, { method: 'POST', headers: json, body: JSON.stringify({ email: EMAIL, password }) });
  const cookie = entered.headers.get('set-cookie').split(';')[0];
  const headers = { ...json, cookie, 'x-csrf-token': (await entered.json()).csrf_token };
  return async (method, path, body) => {
    const reply = await fetch(gateway.console + path, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
    if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${await reply.text()}`);
    return reply.status === 204 ? null : reply.json();
  };
}

/** Types in who is there; whether that is right, the page says. */
export async function signIn(page, password = PASSWORD, path = '/', email = EMAIL) {
  await page.goto(path);
  const other = page.getByRole('button', { name: 'Sign in with a password instead' });
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  if (await other.isVisible()) await other.click();
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

export const isSignedIn = (page) => page.getByRole('link', { name: 'Jane Doe' }).waitFor();
