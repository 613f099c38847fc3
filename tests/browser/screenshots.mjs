// SPDX-License-Identifier: Apache-2.0
// Takes the pictures of docs/images/ from a gateway with something to show. It takes four minutes: charts need traffic.
// node tests/browser/screenshots.mjs --binary PATH [--out FOLDER] [--only NAME,NAME] [--traffic SECONDS]
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { launch, openPage, settle } from './browser.mjs';
import { freePort, Gateway, ROOT, sleep } from './gateway.mjs';
import { ensureAccount, isSignedIn, programOf, signIn } from './people.mjs';

const { values } = parseArgs({
  options: {
    binary: { type: 'string' },
    out: { type: 'string', default: join(ROOT, 'docs/images') },
    only: { type: 'string', default: '' },
    traffic: { type: 'string', default: '200' },
  },
});
const only = values.only ? new Set(values.only.split(',')) : null;

const SERVICES = [
  ['orders', 'http://orders.internal:3000', ['shop', 'production'], ['/orders', '/basket']],
  ['payments', 'https://payments.internal:8443', ['shop', 'pci'], ['/payments']],
  ['catalogue', 'http://catalogue.internal:3000', ['shop'], ['/products', '/search']],
  ['accounts', 'https://accounts.internal', ['identity'], ['/accounts', '/login']],
  ['reports', 'http://reports.internal:9000/v2', ['back-office'], ['/reports']],
];

async function fill(gateway) {
  const service = {};
  for (const [name, url, tags, paths] of SERVICES) {
    service[name] = await gateway.api('PUT', `/services/${name}`, { name, url, tags });
    await gateway.api('PUT', `/routes/${name}`, { name, paths, service: { id: service[name].id }, tags: tags.slice(0, 1) });
  }
  service.status = await gateway.api('PUT', '/services/status', { name: 'status', url: gateway.upstream, tags: ['back-office'], connect_timeout: 500 });
  await gateway.api('PUT', '/routes/status', { name: 'status', paths: ['/status'], service: { id: service.status.id } });
  await gateway.api('PUT', '/routes/payments-refunds', {
    name: 'payments-refunds', paths: ['/payments/refunds'], methods: ['POST'], service: { id: service.payments.id }, tags: ['pci'],
  });
  const plugin = (name, config, scope = {}) => gateway.api('POST', '/plugins', { name, config, ...scope });
  await plugin('correlation-id', {});
  await plugin('key-auth', { key_names: ['apikey'] }, { service: { id: service.orders.id } });
  await plugin('rate-limiting', { minute: 600, policy: 'local' }, { service: { id: service.orders.id } });
  await plugin('key-auth', {}, { service: { id: service.payments.id } });
  await plugin('acl', { allow: ['partners'] }, { service: { id: service.payments.id } });
  await plugin('request-size-limiting', { allowed_payload_size: 4 }, { service: { id: service.payments.id } });
  await gateway.api('PUT', '/consumer_groups/gold', { name: 'gold' });
  for (const name of ['mobile-app', 'partner-blue', 'partner-red']) {
    const consumer = await gateway.api('PUT', `/consumers/${name}`, { username: name, tags: name.startsWith('p') ? ['partner'] : ['own'] });
    await gateway.api('POST', `/consumers/${consumer.id}/key-auth`, {});
  }
  await gateway.api('PUT', '/upstreams/catalogue-pool', { name: 'catalogue-pool' });
  for (const [index, weight] of [100, 100, 50].entries()) {
    await gateway.api('POST', '/upstreams/catalogue-pool/targets', { target: `127.0.0.1:${gateway.ports.echo + index}`, weight });
  }
  return service;
}

/** One certificate that the control plane and its nodes share. */
async function clusterSettings(own) {
  const pair = ['cluster.crt', 'cluster.key'].map((name) => join(own.folder, name));
  execFileSync(own.binary, ['hybrid', 'gen_cert', ...pair]);
  own.ports.cluster = await freePort();
  own.cluster = { cluster_cert: pair[0], cluster_cert_key: pair[1] };
  return { cluster_listen: `127.0.0.1:${own.ports.cluster}`, ...own.cluster };
}

async function startNode(own, name, labels) {
  const folder = own.folderFor(name);
  const port = await freePort();
  const path = join(folder, 'sluice.conf');
  const lines = {
    role: 'data_plane',
    prefix: join(folder, 'prefix'),
    proxy_listen: `127.0.0.1:${port}`,
    admin_listen: 'off',
    status_listen: 'off',
    nginx_worker_processes: 1,
    cluster_control_plane: `127.0.0.1:${own.ports.cluster}`,
    cluster_dp_labels: labels,
    ...own.cluster,
  };
  writeFileSync(path, own.settings(lines));
  own.run(name, own.binary, ['start', '-c', path]);
  return port;
}

async function shoot(page, name, path, prepare) {
  if (only && !only.has(name)) return;
  await page.goto(path);
  await settle(page);
  await prepare?.();
  await settle(page);
  await page.mouse.move(0, 0);
  const file = join(resolve(values.out), `${name}.png`);
  await page.screenshot({ path: file });
  // Flat colours: a palette says all, in a third of the octets.
  try {
    execFileSync('pngquant', ['--force', '--skip-if-larger', '--quality', '70-95', '--output', file, file]);
  } catch {
    // Not installed, or no smaller: as it is, then.
  }
  console.log(name);
}

/** Something for the charts: mostly good, in waves. */
async function makeTraffic(gateway, ports) {
  const end = Date.now() + Number(values.traffic) * 1000;
  for (let turn = 0; Date.now() < end; turn++) {
    const wave = 14 + 8 * Math.sin(turn / 18) + 3 * Math.sin(turn / 3);
    const paths = Array.from({ length: Math.round(wave) }, (_, index) => (index % 17 === 5 ? '/nowhere' : turn % 40 > 35 && index % 3 === 0 ? '/reports' : '/status'));
    await Promise.all(paths.map((path, index) => fetch(`http://127.0.0.1:${ports[index % ports.length]}${path}`).then((reply) => reply.arrayBuffer(), () => undefined)));
    await sleep(500);
  }
}

/** What shows a route's expression: another router flavor, so a gateway of its own. */
async function expressionPicture(browser) {
  if (only && !only.has('route-expression')) return;
  const gateway = new Gateway(resolve(values.binary));
  try {
    await gateway.start({ router_flavor: 'expressions' });
    const service = await gateway.api('PUT', '/services/orders', { name: 'orders', url: 'http://orders.internal:3000' });
    const page = await openPage(browser, gateway.console);
    await shoot(page, 'route-expression', `/control-planes/${await gateway.controlPlane()}/routes/new?service=${service.id}`, async () => {
      await page.locator('#field-name').fill('mobile-orders');
      await page.locator('#field-expression').click();
      await page.keyboard.type('http.path ^= "/orders" && http.headers.x_client == "mobile"');
      await page.getByText('The expression is valid.').waitFor();
    });
    await page.context().close();
  } finally {
    await gateway.stop();
  }
}

/** Pages that only people see who have signed in. */
async function accountPictures(browser) {
  if (only && !['audit', 'history', 'difference', 'account', 'users', 'read-only'].some((name) => only.has(name))) return;
  const gateway = new Gateway(resolve(values.binary));
  try {
    await gateway.start({ admin_auth: 'token' });
    await ensureAccount(gateway);
    const page = await openPage(browser, gateway.console);
    await signIn(page);
    await isSignedIn(page);
    const ask = await programOf(gateway);
    const home = `/control-planes/${(await ask('GET', '/v2/control-planes')).data[0].id}`;
    const change = (method, path, body) => ask(method, `/v2${home}/core-entities${path}`, body);
    const service = await change('POST', '/services', { name: 'orders', host: 'orders.internal', port: 3000 });
    await change('POST', '/routes', { name: 'orders', paths: ['/orders'], service: { id: service.id } });
    await change('POST', '/plugins', { name: 'key-auth', service: { id: service.id } });
    await change('PUT', `/services/${service.id}`, { name: 'orders', host: 'orders.internal', port: 3000, retries: 2, read_timeout: 10000 });
    await shoot(page, 'audit', '/audit', () => page.getByRole('button', { name: 'show the change of orders' }).first().click());
    await change('POST', '/consumers', { username: 'mobile-app' });
    await change('PUT', `/services/${service.id}`, {
      name: 'orders', host: 'orders-v2.internal', port: 3000, path: '/v2', retries: 1, read_timeout: 4000, tags: ['shop'],
    });
    const { data: versions } = await ask('GET', `/v2${home}/versions`);
    await ask('POST', `/v2${home}/versions/${versions[1].id}/restore`, {});
    await shoot(page, 'history', `${home}/history`);
    await shoot(page, 'difference', `${home}/history/${versions[0].id}`, async () => {
      await page.locator('summary').filter({ hasText: 'orders' }).click();
      await page.locator('.difference').waitFor();
    });
    await page.context().close();
  } finally {
    await gateway.stop();
  }
}

const browser = await launch();
const gateway = new Gateway(resolve(values.binary));
try {
  mkdirSync(resolve(values.out), { recursive: true });
  await expressionPicture(browser);
  await accountPictures(browser);
  await gateway.start(clusterSettings);
  const service = await fill(gateway);
  const ports = [gateway.ports.proxy, await startNode(gateway, 'node-1', 'region:eu'), await startNode(gateway, 'node-2', 'region:us')];
  for (const body of [
    { name: 'edge-eu', description: 'Public API, Europe', labels: { env: 'production', region: 'eu' } },
    { name: 'staging', description: 'What comes next', labels: { env: 'staging' } },
  ]) {
    await fetch(`${gateway.console}/v2/control-planes`, {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
    });
  }
  const home = `/control-planes/${await gateway.controlPlane()}`;
  const traffic = makeTraffic(gateway, ports);
  const page = await openPage(browser, gateway.console, {});
  await shoot(page, 'control-planes', '/control-planes', () => sleep(1000));
  await shoot(page, 'nodes', `${home}/nodes`, () => page.getByRole('table').getByText('In sync').nth(1).waitFor());
  await shoot(page, 'services', `${home}/services`);
  await shoot(page, 'service', `${home}/services/${service.orders.id}`);
  await shoot(page, 'plugin-catalogue', `${home}/plugins/new`);
  await shoot(page, 'plugin-form', `${home}/plugins/new/rate-limiting`, async () => {
    await page.locator('#field-config-minute').fill('0');
    await page.locator('#field-config-second').click();
    await page.locator('[data-path="config.minute"] [role="alert"]').waitFor();
  });
  await shoot(page, 'plugin-order', `${home}/plugins`, () => page.getByRole('button', { name: 'Show running order' }).click());
  await shoot(page, 'tester', `${home}/tester`, async () => {
    await page.getByLabel('URL').fill('http://api.example.com/payments/refunds');
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.locator('.step').first().waitFor();
  });
  const upstream = await gateway.api('GET', '/upstreams/catalogue-pool');
  await shoot(page, 'targets', `${home}/upstreams/${upstream.id}?tab=targets`);
  await shoot(page, 'import', `${home}/import-export`, async () => {
    await page.getByRole('textbox', { name: 'State file' }).click();
    const text = 'services:\n- name: orders\n  url: http://orders.internal:3001\n- name: invoices\n  url: http://invoices.internal\n';
    await page.evaluate((written) => navigator.clipboard.writeText(written), text);
    await page.keyboard.press('Control+v');
    await page.getByRole('button', { name: 'Make a plan' }).click();
    await page.locator('summary').filter({ hasText: 'orders' }).click();
    await page.locator('.difference').waitFor();
    await page.locator('.difference').scrollIntoViewIfNeeded();
  });
  await shoot(page, 'add-node', `${home}/nodes/new`, async () => {
    await page.getByRole('button', { name: 'Make the certificate' }).click();
    await page.locator('.snippet').waitFor();
  });
  await shoot(page, 'search', `${home}/services`, async () => {
    await page.keyboard.press('Control+k');
    await page.keyboard.type('pay');
    await page.getByRole('option', { name: /payments-refunds/ }).waitFor();
  });
  const dark = await openPage(browser, gateway.console, { colorScheme: 'dark' });
  await shoot(dark, 'service-dark', `${home}/services/${service.payments.id}?tab=plugins`);
  await traffic;
  await shoot(page, 'overview', '/', () => page.getByRole('img', { name: /^In the last minute/ }).first().waitFor());
  await shoot(page, 'control-plane', home, () => page.locator('canvas').first().waitFor());
} finally {
  await gateway.stop();
  await browser.close();
}
