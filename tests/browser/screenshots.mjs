// SPDX-License-Identifier: Apache-2.0
// Takes the pictures of docs/images/ from a gateway with something to show.
// node tests/browser/screenshots.mjs --binary PATH [--out FOLDER]
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { launch, openPage } from './browser.mjs';
import { freePort, Gateway, ROOT, sleep } from './gateway.mjs';

const { values } = parseArgs({ options: { binary: { type: 'string' }, out: { type: 'string', default: join(ROOT, 'docs/images') } } });

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
  const path = join(folder, 'sluice.conf');
  const lines = {
    role: 'data_plane',
    prefix: join(folder, 'prefix'),
    proxy_listen: `127.0.0.1:${await freePort()}`,
    admin_listen: 'off',
    status_listen: 'off',
    nginx_worker_processes: 1,
    cluster_control_plane: `127.0.0.1:${own.ports.cluster}`,
    cluster_dp_labels: labels,
    ...own.cluster,
  };
  writeFileSync(path, own.settings(lines));
  own.run(name, own.binary, ['start', '-c', path]);
}

async function shoot(page, name, path, prepare) {
  await page.goto(path);
  await page.locator('h1').first().waitFor();
  await page.waitForFunction(() => !document.body.innerText.includes('Loading…'));
  await prepare?.();
  await sleep(700);
  await page.screenshot({ path: join(resolve(values.out), `${name}.png`) });
  console.log(name);
}

const browser = await launch();
const gateway = new Gateway(resolve(values.binary));
try {
  mkdirSync(resolve(values.out), { recursive: true });
  await gateway.start(clusterSettings);
  const service = await fill(gateway);
  if (!gateway.standIn) {
    await startNode(gateway, 'node-1', 'region:eu');
    await startNode(gateway, 'node-2', 'region:us');
    for (const body of [
      { name: 'edge-eu', description: 'Public API, Europe', labels: { env: 'production', region: 'eu' } },
      { name: 'edge-us', description: 'Public API, America', labels: { env: 'production', region: 'us' } },
      { name: 'staging', description: 'What comes next', labels: { env: 'staging' } },
    ]) {
      await fetch(`${gateway.console}/v2/control-planes`, {
        method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
      });
    }
  }
  const page = await openPage(browser, gateway.console, {});
  const home = `/control-planes/${await gateway.controlPlane()}`;
  await shoot(page, 'overview', '/', () => sleep(1500));
  await shoot(page, 'control-planes', '/control-planes', () => sleep(1000));
  await shoot(page, 'nodes', `${home}/nodes`, () => page.getByRole('table').getByText('In step').nth(1).waitFor({ timeout: 20_000 }).catch(() => undefined));
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
    await page.locator('.snippet').waitFor().catch(() => undefined);
  });
  await shoot(page, 'search', `${home}/services`, async () => {
    await page.keyboard.press('Control+k');
    await page.keyboard.type('pay');
    await page.getByRole('option', { name: /payments-refunds/ }).waitFor();
  });
  await page.context().close();
  const dark = await openPage(browser, gateway.console, { colorScheme: 'dark' });
  await shoot(dark, 'dark', `${home}/services/${service.payments.id}?tab=plugins`);
} finally {
  await gateway.stop();
  await browser.close();
}
