// SPDX-License-Identifier: Apache-2.0
// As somebody who means no good: names begin with the case of the corpus of bad inputs that they play for the console.
import { strict as assert } from 'node:assert';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { settle } from './browser.mjs';
import { freePort } from './gateway.mjs';
import { EMAIL, ensureAccount, isSignedIn, PASSWORD, signIn } from './people.mjs';

const MARKUP = `<img src=x onerror="alert(1)">"'{{7*7}}`;
const ADMIN = 'the-token-of-the-security-tests';
const WRONG = 'a wrong password of mine';

export const settings = { admin_auth: 'token', admin_token: ADMIN };

const post = (gateway, path, body, headers = {}) =>
  fetch(gateway.console + path, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) });
const signInAs = (gateway, email, password, headers) => post(gateway, '/v3/session', { email, password }, headers);
const cookieOf = (reply) => (reply.headers.get('set-cookie') ?? '').split(';')[0];

// Stored markup
// --------------------------------------------------------------------------------------------------------------------

/** An entity of each type that has texts of its own to show, as small as it may be. */
const SMALLEST = {
  services: { name: 'marked', host: 'h.example' },
  routes: { name: 'marked', paths: ['/marked'] },
  consumers: { username: 'marked' },
  consumer_groups: { name: 'marked' },
  upstreams: { name: 'marked' },
  vaults: { prefix: 'marked', name: 'env' },
  'key-sets': { name: 'marked' },
  plugins: { name: 'request-termination', enabled: false },
};
const PAGE_OF = { 'key-sets': 'key_sets' };

/** Dotted names of what a schema takes texts for, alone or in a list. */
function textFields({ fields }, prefix = '') {
  return fields.flatMap((field) => {
    const [[name, about]] = Object.entries(field);
    if (about.type === 'record') return textFields({ fields: about.fields ?? [] }, `${prefix}${name}.`);
    if (about.type === 'string') return [{ name: prefix + name, value: MARKUP }];
    const list = ['set', 'array'].includes(about.type) && about.elements?.type === 'string';
    return list ? [{ name: prefix + name, value: [MARKUP] }] : [];
  });
}

const nested = (name, value) => name.split('.').reduceRight((inner, part) => ({ [part]: inner }), value);

/** Markup in each text that the server takes it for; the others it refuses, and they cannot be shown. */
async function markEverything(gateway) {
  const admin = async (method, path, body) => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${ADMIN}` };
    const reply = await fetch(gateway.admin + path, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
    return { status: reply.status, body: await reply.json() };
  };
  const pages = [];
  let marked = 0;
  for (const [type, smallest] of Object.entries(SMALLEST)) {
    const { status, body: made } = await admin('POST', `/${type}`, smallest);
    assert.equal(status, 201, JSON.stringify(made));
    const schema = (await admin('GET', type === 'plugins' ? `/schemas/plugins/${smallest.name}` : `/schemas/${PAGE_OF[type] ?? type}`)).body;
    for (const { name, value } of textFields(schema)) {
      if ((await admin('PATCH', `/${type}/${made.id}`, nested(name, value))).status === 200) marked++;
    }
    const page = PAGE_OF[type] ?? type;
    pages.push(page, `${page}/${made.id}`, `${page}/${made.id}/edit`);
  }
  assert.ok(marked >= 12, `only ${marked} fields take markup`);
  const headers = { authorization: `Bearer ${ADMIN}` };
  const plane = await post(gateway, '/v2/control-planes', { name: MARKUP, description: MARKUP }, headers);
  assert.equal(plane.status, 201);
  assert.equal((await post(gateway, '/v3/users', { email: 'mallory@example.test', full_name: MARKUP, role: 'read-only' }, headers)).status, 201);
  const home = `/control-planes/${(await plane.json()).id}`;
  const { data } = await (await fetch(`${gateway.console}/v2/control-planes`, { headers })).json();
  const local = `/control-planes/${data.find(({ name }) => name === 'default').id}`;
  return ['/', '/control-planes', '/users', '/audit', home, `${home}/settings`, `${local}/import-export`, ...pages.map((page) => `${local}/${page}`)];
}

async function storedMarkup({ page, gateway }) {
  await ensureAccount(gateway);
  const paths = await markEverything(gateway);
  let alerted = false;
  page.on('dialog', (dialog) => {
    alerted = true;
    void dialog.dismiss();
  });
  await signIn(page);
  await isSignedIn(page);
  let shown = 0;
  for (const path of paths) {
    await page.goto(path);
    await settle(page);
    assert.equal(await page.locator('img[src="x"]').count(), 0, path);
    const text = await page.locator('body').innerText();
    assert.ok(!text.includes(`"'49`), path);
    if (text.includes('<img src=x')) shown++;
  }
  assert.ok(shown >= 8, `the markup is shown as text on ${shown} pages only`);
  assert.ok(!alerted);
}

// What other sites can do
// --------------------------------------------------------------------------------------------------------------------

async function headers({ gateway }) {
  const page = await fetch(gateway.console);
  const policy = page.headers.get('content-security-policy') ?? '';
  for (const directive of ["default-src 'self'", "frame-ancestors 'none'", "object-src 'none'", "base-uri 'none'"]) {
    assert.ok(policy.includes(directive), `${directive} in ${policy}`);
  }
  assert.ok(!/script-src[^;]*'unsafe-(inline|eval)'/.test(policy), policy);
  assert.equal(page.headers.get('x-content-type-options'), 'nosniff');
  assert.equal(page.headers.get('cache-control'), 'no-store');
  const script = /src="(\/assets\/[^"]+\.js)"/.exec(await page.text())[1];
  assert.match((await fetch(gateway.console + script)).headers.get('cache-control'), /immutable/);
  assert.equal((await fetch(`${gateway.console}/assets/missing.js`)).status, 404);
}

/** A page of somebody else's with ours in a frame shows nothing of it. */
async function clickjack({ browser, gateway }) {
  const port = await freePort();
  const evil = createServer((_, reply) => {
    reply.setHeader('content-type', 'text/html');
    reply.end(`<iframe src="${gateway.console}/" width="800" height="600"></iframe>`);
  });
  await new Promise((done) => evil.listen(port, '127.0.0.1', done));
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    await page.goto(`http://127.0.0.1:${port}/`);
    assert.equal(page.frames().length, 2);
    assert.equal(await page.frames()[1].locator('#app').count(), 0);
  } finally {
    await context.close();
    evil.close();
  }
}

async function redirects({ page, gateway }) {
  await ensureAccount(gateway);
  for (const query of ['?redirect=//evil.test', '?next=/%5Cevil.test', '?return_to=javascript:alert(1)']) {
    await page.context().clearCookies();
    await signIn(page, PASSWORD, `/${query}`);
    await isSignedIn(page);
    assert.ok(page.url().startsWith(gateway.console), page.url());
  }
  const twice = await fetch(`${gateway.console}//evil.test/`, { redirect: 'manual' });
  assert.ok(twice.status < 300 || twice.status >= 400, `${twice.status} ${twice.headers.get('location')}`);
}

// Sessions
// --------------------------------------------------------------------------------------------------------------------

async function fixation({ gateway }) {
  await ensureAccount(gateway);
  const first = await signInAs(gateway, EMAIL, PASSWORD);
  assert.equal(first.status, 201, await first.clone().text());
  const name = cookieOf(first).split('=')[0];
  const planted = `${name}=${'a'.repeat(43)}`;
  const second = await signInAs(gateway, EMAIL, PASSWORD, { cookie: planted });
  const fresh = cookieOf(second);
  assert.ok(second.status === 201 && fresh && fresh !== planted);
  const look = (cookie) => fetch(`${gateway.console}/v2/control-planes`, { headers: { cookie } }).then(({ status }) => status);
  assert.equal(await look(planted), 401, 'the planted session was not made one');
  assert.equal(await look(fresh), 200);
  const { csrf_token: token } = await second.json();
  const gone = await fetch(`${gateway.console}/v3/session`, { method: 'DELETE', headers: { cookie: fresh, 'x-csrf-token': token } });
  assert.ok(gone.ok, `${gone.status}`);
  assert.equal(await look(fresh), 401, 'after signing out the cookie is worth nothing');
}

async function massAssignment({ gateway }) {
  await ensureAccount(gateway);
  const admin = { authorization: `Bearer ${ADMIN}` };
  const made = await post(gateway, '/v3/users', { email: 'reader@example.test', full_name: 'R', role: 'read-only' }, admin);
  const { link } = await made.json();
  const password = 'several other words here';
  const answer = await post(gateway, '/v3/set-up', { link: link.split('#').pop(), password });
  assert.equal(answer.status, 201, await answer.clone().text());
  const session = { cookie: cookieOf(answer), 'x-csrf-token': (await answer.json()).csrf_token, 'content-type': 'application/json' };
  const change = (path, body) => fetch(gateway.console + path, { method: 'PATCH', headers: session, body: JSON.stringify(body) });
  const { id, role } = await (await fetch(`${gateway.console}/v3/users/me`, { headers: session })).json();
  assert.equal(role, 'read-only');
  for (const path of ['/v3/users/me', `/v3/users/${id}`]) await change(path, { role: 'admin', full_name: 'R' });
  assert.equal((await (await fetch(`${gateway.console}/v3/users/me`, { headers: session })).json()).role, 'read-only');
  const { data } = await (await fetch(`${gateway.console}/v3/users`, { headers: admin })).json();
  const jane = data.find(({ email }) => email === EMAIL);
  const theirs = `/v3/users/${jane.id}/access-tokens`;
  assert.equal((await post(gateway, theirs, { name: 'mine now' }, session)).status, 403, 'a token of somebody else');
  assert.ok(!(await (await fetch(gateway.console + theirs, { headers: session })).text()).includes('kpat_'));
}

/** A link that was made by a request for another host says no host, or ours. */
async function foreignHost({ gateway }) {
  const reply = await fetch(`${gateway.console}/v3/users`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${ADMIN}`, 'x-forwarded-host': 'evil.test', forwarded: 'host=evil.test' },
    body: JSON.stringify({ email: 'invited@example.test', full_name: 'I', role: 'read-only' }),
  });
  const { link } = await reply.json();
  assert.equal(new URL(link, gateway.console).origin, gateway.console);
}

function filesBelow(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesBelow(path) : [path];
  });
}

/** After a person has signed in, made a token and used it: what is secret stands in no log and was in no address. */
async function logs({ page, gateway }) {
  await ensureAccount(gateway);
  const addresses = [];
  page.on('request', (request) => addresses.push(request.url()));
  await signIn(page, WRONG);
  await page.getByText('The e-mail address or the password is wrong.').waitFor();
  await signIn(page);
  await isSignedIn(page);
  await page.goto('/access-tokens');
  await page.getByRole('button', { name: 'New token' }).first().click();
  await page.getByLabel('Name').fill('logged');
  await page.getByRole('button', { name: 'Create' }).click();
  const token = await page.getByTestId('shown-once').innerText();
  for (const path of ['/v2/control-planes', '/v3/users/me', '/v2/nothing']) {
    await fetch(gateway.console + path, { headers: { authorization: `Bearer ${token}` } });
  }
  await fetch(`${gateway.admin}/services`, { headers: { 'kong-admin-token': token } });
  const [{ value: cookie }] = await page.context().cookies();
  const session = await page.evaluate(() => fetch('/v3/session').then((reply) => reply.json()));
  const secrets = { PASSWORD, WRONG, ADMIN, token, cookie, csrf: session.csrf_token };
  const written = filesBelow(gateway.folder).filter((path) => path.endsWith('.log'));
  assert.ok(written.some((path) => readFileSync(path, 'utf8').includes('/v3/session')), `nothing was logged in ${written}`);
  for (const [name, secret] of Object.entries(secrets)) {
    assert.ok(secret?.length > 8, name);
    for (const path of written) assert.ok(!readFileSync(path, 'utf8').includes(secret), `${name} in ${path}`);
    assert.deepEqual(addresses.filter((address) => address.includes(encodeURIComponent(secret)) || address.includes(secret)), [], name);
  }
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]));
  for (const [name, secret] of Object.entries(secrets)) assert.ok(!kept.includes(secret), `the page keeps ${name}`);
}

/** The same answer for an address that nobody has; and after ten attempts none is looked at any more. */
async function guessing({ gateway }) {
  await ensureAccount(gateway);
  const known = await signInAs(gateway, EMAIL, WRONG);
  const unknown = await signInAs(gateway, 'nobody@example.test', WRONG);
  assert.deepEqual([known.status, await known.json()].map(String), [unknown.status, await unknown.json()].map(String));
  const statuses = [];
  for (let turn = 0; turn < 14; turn++) statuses.push((await signInAs(gateway, 'nobody@example.test', `${WRONG} ${turn}`)).status);
  assert.equal(statuses.at(-1), 429, statuses.join());
  const refused = await signInAs(gateway, 'nobody@example.test', WRONG);
  assert.ok(Number(refused.headers.get('retry-after')) > 0);
}

export const tests = {
  'ADM-STORED stored markup stays text, in every field that takes it': storedMarkup,
  'the page comes with its policy': headers,
  'POR-CLICKJACK no page of somebody else shows ours in a frame': clickjack,
  'POR-OPENREDIR signing in leads nowhere else': redirects,
  'POR-SESSION-FIX a session that was planted is not taken over': fixation,
  'POR-MASS-ASSIGN POR-IDOR-KEY nobody makes themselves an administrator, or takes the tokens of others': massAssignment,
  'POR-RESET-HOST links lead to this console, whatever a request says': foreignHost,
  'secrets stand in no log, no address, no storage': logs,
  'POR-ENUM POR-BRUTE who guesses learns nothing, and not for long': guessing,
};
