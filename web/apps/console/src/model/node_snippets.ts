// SPDX-License-Identifier: Apache-2.0
// Commands that start a data plane, with everything filled in.
import type { ControlPlane } from '@/api/control_planes';
import type { Identity } from './x509';

export interface Link {
  /** host:port */
  address: string;
  serverName: string;
}

/** Where nodes of a control plane connect to, from the URL that it names. */
export function linkOf({ config }: Pick<ControlPlane, 'config'>): Link {
  const url = new URL(config.control_plane_endpoint.replace(/^(wss?|https?):/, 'https:'));
  return { address: `${url.hostname}:${url.port || '443'}`, serverName: url.hostname };
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
const variables = (link: Link): [string, string][] =>
  settings(link).map(([name, value]) => [`SLUICE_${name.toUpperCase()}`, value]);

/** Shell: certificate and key into two files. */
function files(identity: Identity, folder: string, sudo: string): string {
  const write = (path: string, text: string): string =>
    `${sudo}tee ${folder}/${path} >/dev/null <<'PEM'\n${text.trimEnd()}\nPEM`;
  return [
    write('cluster.crt', identity.certificate),
    write('cluster.key', identity.privateKey),
    `${sudo}chmod 600 ${folder}/cluster.key`,
  ].join('\n');
}

export function dockerSnippet(link: Link, identity: Identity): string {
  const environment = [
    ...variables(link),
    ['SLUICE_CLUSTER_CERT', '/etc/sluice/cluster.crt'],
    ['SLUICE_CLUSTER_CERT_KEY', '/etc/sluice/cluster.key'],
  ];
  return [
    'mkdir -p sluice-node',
    files(identity, 'sluice-node', ''),
    'docker run -d --name sluice-node --restart unless-stopped \\',
    '  -p 8000:8000 -p 8443:8443 \\',
    '  -v "$PWD/sluice-node:/etc/sluice:ro" -v sluice-node-state:/var/lib/sluice \\',
    ...environment.map(([name, value]) => `  -e ${name}=${value} \\`),
    '  sluice start',
  ].join('\n');
}

export function linuxSnippet(link: Link, identity: Identity): string {
  const lines = [
    ...settings(link),
    ['cluster_cert', '/etc/sluice/cluster.crt'],
    ['cluster_cert_key', '/etc/sluice/cluster.key'],
  ];
  return [
    'sudo mkdir -p /etc/sluice',
    files(identity, '/etc/sluice', 'sudo '),
    "sudo tee /etc/sluice/sluice.conf >/dev/null <<'CONF'",
    ...lines.map(([name, value]) => `${name} = ${value}`),
    'CONF',
    'sudo systemctl restart sluice',
    'sudo systemctl status sluice --no-pager',
  ].join('\n');
}

export function kubernetesSnippet(link: Link, identity: Identity): string {
  const environment = [
    ...variables(link),
    ['SLUICE_CLUSTER_CERT', '/etc/sluice/tls.crt'],
    ['SLUICE_CLUSTER_CERT_KEY', '/etc/sluice/tls.key'],
    ['SLUICE_STATUS_LISTEN', '0.0.0.0:8007'],
  ];
  return `apiVersion: v1
kind: Secret
metadata:
  name: sluice-node
type: kubernetes.io/tls
stringData:
  tls.crt: |
${indented(identity.certificate, 4)}
  tls.key: |
${indented(identity.privateKey, 4)}
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
            - {name: cluster, mountPath: /etc/sluice, readOnly: true}
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
