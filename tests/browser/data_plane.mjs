// SPDX-License-Identifier: Apache-2.0
// Data planes for tests: what a control plane needs to have some, and nodes that join by what the console shows.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './gateway.mjs';

/** Settings of a control plane that proxies nothing itself, with a certificate as `sluice hybrid gen_cert` makes it. */
export async function controlPlaneSettings(gateway) {
  const pair = ['cluster.crt', 'cluster.key'].map((name) => join(gateway.folderFor('cluster'), name));
  execFileSync(gateway.binary, ['hybrid', 'gen_cert', ...pair]);
  gateway.ports.cluster = await freePort();
  return {
    role: 'control_plane',
    proxy_listen: 'off',
    cluster_listen: `127.0.0.1:${gateway.ports.cluster}`,
    cluster_cert: pair[0],
    cluster_cert_key: pair[1],
  };
}

/** The files that a shell would write for `tee FOLDER/NAME <<'WORD'`, by their names. */
function filesIn(script) {
  const files = {};
  for (const [, path, , text] of script.matchAll(/tee (\S+) >\/dev\/null <<'(\w+)'\n([\s\S]*?)\n\2(?:\n|$)/g)) {
    files[path.split('/').pop()] = `${text}\n`;
  }
  return files;
}

/** Starts a node from the console's script for Linux, in a folder of the test instead of /etc/sluice. */
export async function startNode(gateway, script) {
  const folder = gateway.folderFor('node');
  for (const [name, text] of Object.entries(filesIn(script))) {
    writeFileSync(join(folder, name), text.replaceAll('/etc/sluice', folder), { mode: 0o600 });
  }
  gateway.ports.proxy = await freePort();
  const more = {
    prefix: join(folder, 'prefix'),
    proxy_listen: `127.0.0.1:${gateway.ports.proxy}`,
    status_listen: 'off',
    admin_listen: 'off',
    nginx_worker_processes: 1,
  };
  const path = join(folder, 'sluice.conf');
  writeFileSync(path, readFileSync(path, 'utf8') + gateway.settings(more));
  return gateway.run('node', gateway.binary, ['start', '-c', path]);
}
