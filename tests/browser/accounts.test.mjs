// SPDX-License-Identifier: Apache-2.0
// From the set-up link to an audit trail: accounts, sessions, tokens, as a person and as somebody who means no good.
import { strict as assert } from 'node:assert';
import { accessibilityProblems, openPage, settle } from './browser.mjs';
import { EMAIL, ensureAccount, isSignedIn, PASSWORD, programOf, setUpLink, signIn } from './people.mjs';

const NEW_PASSWORD = 'other words are better';

export const settings = { admin_auth: 'token' };

/** As a test has changed it; a gateway on which the file is repeated begins anew. */
const changed = new WeakMap();
const passwordOf = (gateway) => changed.get(gateway) ?? PASSWORD;

async function setUp({ page, gateway }) {
  const link = await setUpLink(gateway);
  const secret = link.split('#')[1];
  const addresses = [];
  page.on('request', (request) => addresses.push(request.url()));
  assert.ok(link.startsWith(`${gateway.console}/set-up#`), link);
  await page.goto(link);
  await page.getByRole('heading', { name: 'Make the first account' }).waitFor();
  assert.equal(new URL(page.url()).hash, '');
  await page.getByLabel('Organization').fill('Example');
  await page.getByLabel('Your name').fill('Jane Doe');
  await page.getByLabel('E-mail').fill(EMAIL);
  await page.getByLabel('Password').fill('short');
  await page.getByRole('button', { name: 'Make the account' }).click();
  await page.getByText('must have at least 12 characters').waitFor();
  assert.deepEqual(await accessibilityProblems(page), []);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Make the account' }).click();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  await isSignedIn(page);
  assert.deepEqual(addresses.filter((address) => address.includes(secret)), []);
  const cookies = await page.context().cookies();
  assert.equal(cookies.length, 1);
  assert.ok(cookies[0].httpOnly && cookies[0].sameSite === 'Strict', JSON.stringify(cookies));
  await page.reload();
  await isSignedIn(page);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  assert.deepEqual(await accessibilityProblems(page), []);
  await page.goto(link);
  await page.getByRole('heading', { name: 'This link does not work' }).waitFor();
}

async function accountPages({ page, gateway, browser }) {
  await ensureAccount(gateway);
  await signIn(page, 'not the password at all');
  await page.getByText('The e-mail address or the password is wrong.').waitFor();
  await signIn(page, passwordOf(gateway));
  await isSignedIn(page);
  for (const [path, heading] of [
    ['/account', 'Your account'],
    ['/access-tokens', 'Access tokens'],
    ['/users', 'Users'],
    ['/audit', 'Audit trail'],
  ]) {
    await page.goto(path);
    await page.getByRole('heading', { name: heading, exact: true }).waitFor();
    await page.waitForFunction(() => !document.body.innerText.includes('Loading…'));
    assert.deepEqual(await accessibilityProblems(page), [], path);
  }
  const elsewhere = await openPage(browser, gateway.console);
  await signIn(elsewhere, passwordOf(gateway));
  await isSignedIn(elsewhere);
  await page.goto('/account');
  await page.getByLabel('Present password').fill(PASSWORD);
  await page.getByLabel('New password').fill(NEW_PASSWORD);
  await page.getByRole('button', { name: 'Change the password' }).click();
  await page.getByText('The password is changed.').waitFor();
  changed.set(gateway, NEW_PASSWORD);
  await page.getByLabel('Preferred name').fill('Jane');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('The profile is saved.').waitFor();
  await elsewhere.reload();
  await elsewhere.getByRole('heading', { name: 'Sign in' }).waitFor();
  await elsewhere.context().close();
  await page.getByRole('button', { name: 'Sign out everywhere' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Sign out everywhere' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
}

async function tokensAndTrail({ page, gateway }) {
  await ensureAccount(gateway);
  await signIn(page, passwordOf(gateway));
  await isSignedIn(page);
  await page.goto('/access-tokens');
  await page.getByRole('button', { name: 'New token' }).first().click();
  await page.getByLabel('Name').fill('deck');
  await page.getByRole('button', { name: 'Create' }).click();
  const text = await page.getByTestId('shown-once').innerText();
  assert.match(text, /^kpat_[\w-]{43}$/);
  const headers = { authorization: `Bearer ${text}`, 'content-type': 'application/json' };
  const made = await fetch(`${gateway.admin}/services`, { method: 'POST', headers, body: '{"name":"audited","host":"h.example"}' });
  assert.equal(made.status, 201);
  assert.equal((await fetch(`${gateway.console}/v2/control-planes`, { headers })).status, 200);
  await page.getByRole('button', { name: 'Done' }).click();
  await page.getByRole('button', { name: 'Revoke deck' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await page.getByText('revoked', { exact: true }).waitFor();
  assert.equal((await fetch(`${gateway.console}/v2/control-planes`, { headers })).status, 401);
  assert.ok(!(await page.content()).includes(text));

  await page.goto('/users');
  await page.getByRole('button', { name: 'New user' }).click();
  await page.getByLabel('E-mail').fill(EMAIL);
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByText('There is a user with this e-mail address already.').waitFor();
  await page.getByLabel('E-mail').fill('joe@example.test');
  await page.getByRole('button', { name: 'Create' }).click();
  assert.match(await page.getByTestId('shown-once').innerText(), /\/set-up#sll_/);
  await page.getByRole('button', { name: 'Done' }).click();
  await page.getByText('has no password yet').waitFor();

  await page.goto('/audit');
  await page.getByRole('cell', { name: `${EMAIL} (deck)` }).waitFor();
  await page.getByRole('button', { name: 'show the change of audited' }).click();
  await page.getByText('h.example').first().waitFor();
  assert.ok(!(await page.content()).includes('argon2'));
}

/** What another page can make this browser do: the cookie alone opens nothing for it, and changes nothing. */
async function forgery({ page, gateway }) {
  await ensureAccount(gateway);
  await signIn(page, passwordOf(gateway));
  await isSignedIn(page);
  const [{ name, value }] = await page.context().cookies();
  const ask = (method, path, headers) =>
    fetch(gateway.console + path, { method, headers: { cookie: `${name}=${value}`, 'content-type': 'application/json', ...headers }, ...(method === 'GET' ? {} : { body: '{"name":"forged"}' }) }).then(({ status }) => status);
  assert.equal(await ask('GET', '/v2/control-planes', {}), 200);
  assert.equal(await ask('POST', '/v2/control-planes', {}), 403, 'no header');
  assert.equal(await ask('POST', '/v2/control-planes', { 'x-csrf-token': 'guessed' }), 403);
  assert.equal(await ask('GET', '/v2/control-planes', { origin: 'http://localhost:9' }), 403, 'another port of this host');
  assert.equal(await ask('GET', '/v2/control-planes', { 'sec-fetch-site': 'cross-site' }), 403);
  assert.equal(await ask('POST', '/v3/session', { origin: 'https://evil.test' }), 403);
  const admin = await fetch(`${gateway.admin}/services`, { headers: { cookie: `${name}=${value}` } });
  assert.equal(admin.status, 401, 'the Admin API takes no cookies');
}

const WRITES = /^(New\b|Add|Create|Edit|Delete|Remove|Restore|Import$|From a running|Apply|Save|Make (a plan|admin|read|the cert)|Shut out|Let in|Password link|Forget|Take out|Settings)/;

/** Whoever may only look is offered nothing that the server would refuse. */
async function readOnly({ page, gateway }) {
  await ensureAccount(gateway);
  const ask = await programOf(gateway, passwordOf(gateway));
  const words = 'reading is all I do';
  await ask('POST', '/v3/users', { email: 'rita@example.test', role: 'read-only', password: words });
  const { data } = await ask('GET', '/v2/control-planes');
  const home = `/control-planes/${data[0].id}`;
  const entities = `/v2${home}/core-entities`;
  const service = await ask('POST', `${entities}/services`, { name: 'seen', host: 'one.example' });
  await ask('PUT', `${entities}/services/${service.id}`, { name: 'seen', host: 'two.example' });
  await ask('POST', `${entities}/plugins`, { name: 'key-auth', service: { id: service.id } });
  const upstream = await ask('POST', `${entities}/upstreams`, { name: 'pool' });
  await ask('POST', `${entities}/upstreams/${upstream.id}/targets`, { target: '127.0.0.1:9' });
  const consumer = await ask('POST', `${entities}/consumers`, { username: 'ann' });
  await ask('POST', `${entities}/consumers/${consumer.id}/key-auth`, {});
  const versions = await ask('GET', `/v2${home}/versions`);

  await signIn(page, words, '/', 'rita@example.test');
  await page.getByRole('banner').getByText('Read-only').first().waitFor();
  const first = `${home}/history/${versions.data.at(-1).id}`;
  const places = [
    '/', '/control-planes', '/users', home, `${home}/nodes`, `${home}/services`, `${home}/services/${service.id}`,
    `${home}/services/${service.id}?tab=plugins`, `${home}/plugins`, `${home}/certificates`,
    `${home}/upstreams/${upstream.id}?tab=targets`, `${home}/consumers/${consumer.id}?tab=credentials`,
    `${home}/consumers/${consumer.id}?tab=groups`, `${home}/history`, first, `${home}/import-export`,
  ];
  for (const path of places) {
    await page.goto(path);
    await settle(page);
    assert.equal(await page.getByRole('alert').count(), 0, path);
    const offered = await page.locator('main, nav').locator('button, a').evaluateAll((all) =>
      all.filter((one) => one.checkVisibility()).map((one) => one.getAttribute('aria-label') ?? one.textContent.trim()),
    );
    assert.deepEqual(offered.filter((name) => WRITES.test(name)), [], path);
    assert.equal(await page.locator('main').getByRole('switch').count(), 0, path);
  }
  assert.deepEqual(await accessibilityProblems(page), []);
  for (const path of [`${home}/services/new`, `${home}/services/${service.id}/edit`, `${home}/plugins/new`, '/control-planes/new', `${home}/settings`]) {
    await page.goto(path);
    await page.getByRole('heading', { name: 'Your role is read-only' }).waitFor();
  }
  assert.deepEqual(await accessibilityProblems(page), []);
  await page.goto(first);
  await page.getByRole('heading', { name: 'What it changed' }).waitFor();

  // Their own things are theirs to change, and only those are theirs to see.
  await page.goto('/access-tokens');
  await page.getByRole('button', { name: 'New token' }).first().click();
  await page.getByLabel('Name').fill('reading');
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('button', { name: 'Done' }).click();
  await page.getByRole('cell', { name: 'reading', exact: true }).waitFor();
  const { data: users } = await ask('GET', '/v3/users');
  const tokensOf = ({ id }) => page.evaluate((path) => fetch(path).then(({ status }) => status), `/v3/users/${id}/access-tokens`);
  assert.equal(await tokensOf(users.find(({ email }) => email === EMAIL)), 403);
  assert.equal(await tokensOf(users.find(({ email }) => email === 'rita@example.test')), 200);
}

export const tests = {
  'the set-up link makes the first account, once': setUp,
  'profile, password, sessions': accountPages,
  'tokens open until they are revoked, and the trail tells of it': tokensAndTrail,
  'the cookie alone is worth nothing to other pages': forgery,
  'whoever may only look is offered no changes': readOnly,
};
