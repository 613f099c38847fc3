// SPDX-License-Identifier: Apache-2.0
// A control plane with a certificate of its own authority, and a data plane that joins it by what the console shows.
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startNode } from './data_plane.mjs';
import { freePort, until } from './gateway.mjs';

const NAME = 'cp.test';

/** The control plane's own certificate, for all names below `cp.test`. */
export async function settings(gateway) {
  const folder = gateway.folderFor('cluster');
  const [cert, key] = [join(folder, 'cluster.crt'), join(folder, 'cluster.key')];
  const subject = ['-subj', `/CN=${NAME}`, '-addext', `subjectAltName=DNS:${NAME},DNS:*.${NAME}`];
  const kind = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30'];
  execFileSync('openssl', [...kind, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  gateway.authority = readFileSync(cert, 'utf8');
  gateway.ports.cluster = await freePort();
  return {
    role: 'control_plane',
    proxy_listen: 'off',
    cluster_listen: `127.0.0.1:${gateway.ports.cluster}`,
    cluster_mtls: 'pki',
    cluster_cert: cert,
    cluster_cert_key: key,
  };
}

async function join_({ page, gateway }) {
  const button = (name) => page.getByRole('button', { name, exact: true });
  await page.goto('/control-planes/new');
  await page.getByLabel('Name', { exact: true }).fill('edge');
  await button('Create').click();
  await page.getByRole('heading', { name: 'edge' }).waitFor();

  await page.getByRole('link', { name: 'Add a node' }).click();
  await page.getByLabel('Address of the control plane').fill(`127.0.0.1:${gateway.ports.cluster}`);
  await page.getByLabel('Server name').fill(NAME);
  await page.getByText('certificate of its own authority').click();
  await page.getByRole('textbox', { name: 'The control plane has a certificate' }).fill(gateway.authority);
  await button('Make the certificate').click();
  await page.getByRole('tab', { name: 'This machine' }).click();
  const script = await page.locator('.snippet').innerText();
  await page.getByText('Waiting for the node to report').waitFor();
  gateway.node = await startNode(gateway, script);
  await page.getByText('has reported').waitFor({ timeout: 30_000 });
  await page.getByRole('link', { name: 'See the nodes' }).click();
  await page.getByRole('table').getByText('In sync').waitFor();
}

/** A change in the console reaches the node, whose row says so. */
async function served({ page, gateway }) {
  await page.goto('/');
  await page.getByRole('main').getByRole('link', { name: 'edge' }).first().click();
  await page.getByRole('link', { name: 'Make a service' }).click();
  await page.locator('#field-name').fill('echo');
  await page.locator('#field-host').fill(gateway.upstream);
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await page.getByRole('tab', { name: 'Routes' }).click();
  await page.getByRole('link', { name: 'New route' }).first().click();
  await page.locator('#field-paths-0').fill('/echo');
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await until(async () => (await fetch(`${gateway.proxy}/echo`)).status === 200, 'the node serves the route');
  await page.getByRole('link', { name: 'Data plane nodes' }).click();
  await page.getByRole('table').getByText('In sync').waitFor();
}

async function away({ page, gateway }) {
  const planes = (await (await fetch(`${gateway.console}/v2/control-planes`)).json()).data;
  const { id } = planes.find(({ name }) => name === 'edge');
  await page.goto(`/control-planes/${id}/nodes`);
  await page.getByRole('table').getByText('In sync').waitFor();
  gateway.node.kill('SIGTERM');
  await page.getByRole('table').getByText('Away').waitFor({ timeout: 60_000 });
}

async function deleted({ page, gateway }) {
  await page.goto('/control-planes/new');
  await page.getByText('Group', { exact: true }).click();
  await page.getByLabel('Name', { exact: true }).fill('everything');
  await page.getByLabel('edge').check();
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await page.getByRole('heading', { name: 'everything' }).waitFor();
  await page.getByRole('main').getByRole('link', { name: 'edge' }).waitFor();
  await page.getByRole('link', { name: 'Settings' }).click();
  await page.getByRole('main').getByRole('button', { name: 'Delete' }).first().click();
  const yes = page.getByRole('dialog').getByRole('button', { name: 'Delete' });
  assert.ok(await yes.isDisabled());
  await page.getByRole('dialog').getByRole('textbox').fill('everything');
  await yes.click();
  await page.getByRole('heading', { name: 'Control planes' }).waitFor();
  assert.equal(await page.getByRole('link', { name: 'everything' }).count(), 0);
}

export const longTests = {
  'a node joins by the script that the console shows': join_,
  'what is made in the console is served by the node': served,
  'a node that stops is away': away,
  'a group is made of members, and deleted by its name': deleted,
};
