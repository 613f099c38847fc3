// SPDX-License-Identifier: Apache-2.0
// Commands that start a data plane, with everything filled in.
import type { ClusterDoor, ControlPlane } from '@/api/control_planes';
import type { Identity } from './x509';

export interface Link {
  /** host:port */
  address: string;
  serverName: string;
  /** PEM of the authority that the control plane's own certificate comes from; empty: one that the machine trusts. */
  authority: string;
}

/**
 * Where nodes of a control plane connect to. A certificate from an authority goes with names below a domain, and the
 * control plane names its own; one that stands for itself goes with any address, so that is where `here` is, the host
 * under which the console was found.
 */
export function linkOf({ config }: Pick<ControlPlane, 'config'>, door: ClusterDoor | null, here: string): Link {
  const url = new URL(config.control_plane_endpoint.replace(/^(wss?|https?):/, 'https:'));
  const named = { address: `${url.hostname}:${url.port || '443'}`, serverName: url.hostname, authority: '' };
  if (!door?.authority) return named;
  const host = door.host ?? here;
  const bracketed = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  return { ...named, address: `${bracketed}:${door.port}`, authority: door.authority };
}

function settings(link: Link): [string, string][] {
  return [
    ['role', 'data_plane'],
    ['database', 'off'],
    ['cluster_mtls', 'pki'],
    ['cluster_control_plane', link.address],
    ['cluster_server_name', link.serverName],
  ];
}

const indented = (text: string, by: number): string => text.trimEnd().replace(/^/gm, ' '.repeat(by));

const HOME = '/etc/sluice';

/** The files of a node by their names, and the settings that name them. */
function filesOf(link: Link, identity: Identity): { name: string; setting: string; text: string }[] {
  const files = [
    { name: 'cluster.crt', setting: 'cluster_cert', text: identity.certificate },
    { name: 'cluster.key', setting: 'cluster_cert_key', text: identity.privateKey },
  ];
  if (link.authority.trim()) files.push({ name: 'cluster-ca.crt', setting: 'cluster_ca_cert', text: link.authority });
  return files;
}

/** Shell: the files below `folder`. */
function writeFiles(link: Link, identity: Identity, folder: string, sudo: string): string[] {
  const write = ({ name, text }: { name: string; text: string }): string =>
    `${sudo}tee ${folder}/${name} >/dev/null <<'PEM'\n${text.trim()}\nPEM`;
  return [...filesOf(link, identity).map(write), `${sudo}chmod 600 ${folder}/cluster.key`];
}

function allSettings(link: Link, identity: Identity): [string, string][] {
  return [
    ...settings(link),
    ...filesOf(link, identity).map(({ name, setting }): [string, string] => [setting, `${HOME}/${name}`]),
  ];
}

const asVariables = (list: [string, string][]): [string, string][] =>
  list.map(([name, value]) => [`SLUICE_${name.toUpperCase()}`, value]);

export function dockerSnippet(link: Link, identity: Identity): string {
  return [
    'mkdir -p sluice-node',
    ...writeFiles(link, identity, 'sluice-node', ''),
    'docker run -d --name sluice-node --restart unless-stopped \\',
    '  -p 8000:8000 -p 8443:8443 \\',
    `  -v "$PWD/sluice-node:${HOME}:ro" -v sluice-node-state:/var/lib/sluice \\`,
    ...asVariables(allSettings(link, identity)).map(([name, value]) => `  -e ${name}=${value} \\`),
    '  sluice start',
  ].join('\n');
}

export function linuxSnippet(link: Link, identity: Identity): string {
  return [
    `sudo mkdir -p ${HOME}`,
    ...writeFiles(link, identity, HOME, 'sudo '),
    `sudo tee ${HOME}/sluice.conf >/dev/null <<'CONF'`,
    ...allSettings(link, identity).map(([name, value]) => `${name} = ${value}`),
    'CONF',
    'sudo systemctl restart sluice',
    'sudo systemctl status sluice --no-pager',
  ].join('\n');
}

export function kubernetesSnippet(link: Link, identity: Identity): string {
  const environment = [...asVariables(allSettings(link, identity)), ['SLUICE_STATUS_LISTEN', '0.0.0.0:8007']];
  const secrets = filesOf(link, identity).map(({ name, text }) => `  ${name}: |\n${indented(text.trim(), 4)}`);
  return `apiVersion: v1
kind: Secret
metadata:
  name: sluice-node
stringData:
${secrets.join('\n')}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: sluice-node
spec:
  replicas: 2
  selector:
    matchLabels: {app: sluice-node}
  template:
    metadata:
      labels: {app: sluice-node}
    spec:
      containers:
        - name: sluice
          image: sluice
          args: [start]
          env:
${environment.map(([name, value]) => `            - {name: ${name}, value: "${value}"}`).join('\n')}
          ports:
            - {name: proxy, containerPort: 8000}
            - {name: proxy-tls, containerPort: 8443}
          readinessProbe:
            httpGet: {path: /status/ready, port: 8007}
          volumeMounts:
            - {name: cluster, mountPath: ${HOME}, readOnly: true}
            - {name: state, mountPath: /var/lib/sluice}
      volumes:
        - name: cluster
          secret: {secretName: sluice-node}
        - name: state
          emptyDir: {}
---
apiVersion: v1
kind: Service
metadata:
  name: sluice-node
spec:
  type: LoadBalancer
  selector: {app: sluice-node}
  ports:
    - {name: http, port: 80, targetPort: proxy}
    - {name: https, port: 443, targetPort: proxy-tls}
`;
}
