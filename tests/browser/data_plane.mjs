// SPDX-License-Identifier: Apache-2.0
// Data planes for tests: what a control plane needs to have some, and nodes that join by what the console shows.
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
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

/** Pastes the console's script for this machine into a shell, as it stands. Ports that are free come from outside. */
export async function startNode(gateway, script) {
  gateway.ports.proxy = await freePort();
  return gateway.run('node', 'sh', ['-c', script], {
    PATH: `${dirname(gateway.binary)}:${process.env.PATH}`,
    SLUICE_PROXY_LISTEN: `127.0.0.1:${gateway.ports.proxy}`,
    SLUICE_STATUS_LISTEN: 'off',
    SLUICE_ADMIN_LISTEN: 'off',
    SLUICE_ADMIN_GUI_LISTEN: 'off',
    SLUICE_NGINX_WORKER_PROCESSES: '1',
  });
}
