// SPDX-License-Identifier: Apache-2.0
// Every type of entity through its form, and what the server refuses at the field that it concerns.
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const created = (page) => page.locator('.toast.good').first().waitFor();
const submit = (page) => page.getByRole('button', { name: 'Create', exact: true }).click();
const place = async (gateway) => `/control-planes/${await gateway.controlPlane()}`;

async function make(page, gateway, type, fill) {
  await page.goto(`${await place(gateway)}/${type}/new`);
  await page.getByRole('button', { name: 'Create', exact: true }).waitFor();
  await fill();
  await submit(page);
  await created(page);
}

function certificate(folder) {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=shop.example', '-days', '30'];
  execFileSync('openssl', [...args, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
}

async function everyType({ page, gateway }) {
  const field = (name) => page.locator(`#field-${name}`);
  await make(page, gateway, 'services', async () => {
    await field('name').fill('shop');
    await field('host').pressSequentially('https://shop.example:8443/api');
    assert.equal(await field('host').inputValue(), 'https://shop.example:8443/api');
    await field('host').blur();
    assert.equal(await field('host').inputValue(), 'shop.example');
    await field('tags').fill('web');
    await field('tags').press('Enter');
  });
  const service = await gateway.api('GET', '/services/shop');
  assert.deepEqual([service.protocol, service.port, service.path, service.tags], ['https', 8443, '/api', ['web']]);

  await make(page, gateway, 'routes', async () => {
    await field('name').fill('shop');
    await field('service').fill('sho');
    await page.getByRole('option', { name: /^shop/ }).click();
    await field('hosts-0').fill('shop.example');
    await field('methods-0').fill('GET');
    await field('methods-0').press('Enter');
    await field('methods-1').fill('POST');
  });
  const route = await gateway.api('GET', '/routes/shop');
  assert.deepEqual([route.hosts, route.methods, route.service.id], [['shop.example'], ['GET', 'POST'], service.id]);

  // Made from where it belongs, which the way back names.
  await page.goto(`${await place(gateway)}/routes/new?service=${service.id}`);
  const crumbs = page.getByRole('navigation', { name: 'Where you are' });
  await crumbs.getByRole('link', { name: 'shop', exact: true }).click();
  await page.getByRole('heading', { name: 'shop', exact: true }).waitFor();

  await make(page, gateway, 'consumers', () => field('username').fill('ann'));
  await make(page, gateway, 'consumer_groups', () => field('name').fill('gold'));
  await make(page, gateway, 'upstreams', () => field('name').fill('pool'));
  await make(page, gateway, 'key_sets', () => field('name').fill('signing'));
  await make(page, gateway, 'vaults', async () => {
    await field('prefix').fill('my-env');
    await field('config-prefix').fill('SHOP_');
  });
  assert.equal((await gateway.api('GET', '/vaults/my-env')).config.prefix, 'SHOP_');

  const { cert, key } = certificate(gateway.folderFor('tls'));
  await make(page, gateway, 'certificates', async () => {
    await field('cert').fill(cert);
    await field('key').fill(key);
  });
  await make(page, gateway, 'ca_certificates', () => field('cert').fill(cert));
  await make(page, gateway, 'snis', async () => {
    await field('name').fill('shop.example');
    await field('certificate').click();
    await page.getByRole('main').getByRole('option').first().click();
  });
  await make(page, gateway, 'keys', async () => {
    await field('name').fill('k1');
    await field('kid').fill('1');
    await field('jwk').fill('{"kty":"oct","kid":"1","k":"c2VjcmV0"}');
  });
  assert.equal((await gateway.api('GET', '/keys/k1')).kid, '1');
}

async function credentials({ page, gateway }) {
  const { id } = await gateway.api('PUT', '/consumers/bob', { username: 'bob' });
  const home = `${await place(gateway)}`;
  const kinds = {
    keyauth_credentials: { key: 'bobs-key' },
    basicauth_credentials: { username: 'bob', password: 'long-enough' },
    jwt_secrets: { key: 'issuer' },
    hmacauth_credentials: { username: 'bob' },
    oauth2_credentials: { name: 'app' },
    mtls_auth_credentials: { subject_name: 'bob@example.com' },
    acls: { group: 'staff' },
  };
  for (const [kind, values] of Object.entries(kinds)) {
    await page.goto(`${home}/${kind}/new?consumer=${id}`);
    for (const [name, value] of Object.entries(values)) await page.locator(`#field-${name}`).fill(value);
    await submit(page);
    await created(page);
  }
  await page.goto(`${home}/consumers/${id}?tab=credentials`);
  await page.getByRole('table', { name: 'ACL groups' }).waitFor();
  assert.equal(await page.getByRole('table').count(), Object.keys(kinds).length);
}

async function errorsAtFields({ page, gateway }) {
  await page.goto(`${await place(gateway)}/services/new`);
  await page.locator('#field-port').fill('99999');
  await submit(page);
  const port = page.locator('[data-path="port"] [role="alert"]');
  assert.match(await port.textContent(), /between 0 and 65535/);
  assert.match(await page.locator('[data-path="host"] [role="alert"]').textContent(), /required/);
  assert.equal(await page.locator('#field-port').getAttribute('aria-invalid'), 'true');
  // What is put right is taken back without another attempt.
  await page.locator('#field-port').fill('80');
  await port.waitFor({ state: 'detached' });
}

async function liveValidation({ page, gateway }) {
  await page.goto(`${await place(gateway)}/routes/new`);
  await page.locator('#field-paths-0').fill('~/(');
  await page.locator('#field-name').click();
  assert.match(await page.locator('[data-path="paths.0"] [role="alert"]').textContent(), /invalid regex/);
}

async function pluginErrors({ page, gateway }) {
  await page.goto(`${await place(gateway)}/plugins/new/rate-limiting`);
  await submit(page);
  assert.match(await page.locator('.problems').textContent(), /At least one of these fields/);
  await page.goto(`${await place(gateway)}/plugins/new/http-log`);
  await page.locator('#field-config-http_endpoint').fill('no url');
  await submit(page);
  await page.locator('[data-path="config.http_endpoint"] [role="alert"]').waitFor();
}

async function edits({ page, gateway }) {
  const { id } = await gateway.api('PUT', '/services/edited', { name: 'edited', url: 'http://a.example' });
  await page.goto(`${await place(gateway)}/services/${id}/edit`);
  await page.locator('#field-host').fill('b.example');
  // Somebody else is quicker.
  await gateway.api('PATCH', '/services/edited', { retries: 1 });
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Somebody else changed this meanwhile').waitFor();
  assert.equal((await gateway.api('GET', '/services/edited')).host, 'a.example');
  await page.reload();
  await page.locator('#field-host').fill('b.example');
  await page.getByRole('button', { name: 'Save' }).click();
  await created(page);
  const after = await gateway.api('GET', '/services/edited');
  assert.deepEqual([after.host, after.retries], ['b.example', 1]);

  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('heading', { name: 'Services' }).waitFor();
  assert.equal((await fetch(`${gateway.admin}/services/edited`)).status, 404);
}

async function leaving({ page, gateway }) {
  await page.goto(`${await place(gateway)}/services/new`);
  await page.locator('#field-name').fill('half done');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('dialog').getByText('What you have typed would be lost.').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Stay' }).click();
  assert.equal(await page.locator('#field-name').inputValue(), 'half done');
}

async function targets({ page, gateway }) {
  const { id } = await gateway.api('PUT', '/upstreams/backends', { name: 'backends' });
  await page.goto(`${await place(gateway)}/upstreams/${id}?tab=targets`);
  await page.getByRole('link', { name: 'New target' }).click();
  await page.locator('#field-target').fill(`127.0.0.1:${gateway.ports.echo}`);
  await submit(page);
  await page.getByText('100 %').waitFor();
  await page.getByText(/not checked|healthy/).first().waitFor();
}

export const longTests = {
  'entities of every type can be made': everyType,
  'consumers get credentials of every kind': credentials,
  'what the server refuses stands at its field': errorsAtFields,
  'a field that was left is judged at once': liveValidation,
  'plugins say what they lack': pluginErrors,
  'an edit overwrites nobody, changes one field, and can be deleted': edits,
  'a form that was begun is not lost by accident': leaving,
  'targets show their share and their health': targets,
};
