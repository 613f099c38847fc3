// SPDX-License-Identifier: Apache-2.0
// What starts a data plane, with everything filled in. The texts are those that `sluice dp join` prints when it is told
// the values below (src/cli/cluster/join_kit_test.cc makes and checks them), so both say the same. They are filled in
// here because the private key does not leave the browser.
import type { ClusterDoor, ControlPlane } from '@/api/control_planes';
import docker from '../../../../../src/cli/cluster/testdata/docker_pinned.txt?raw';
import kubernetes from '../../../../../src/cli/cluster/testdata/kubernetes_namespace.txt?raw';
import shell from '../../../../../src/cli/cluster/testdata/shell_pinned.txt?raw';
import linux from '../../../../../src/cli/cluster/testdata/systemd_pinned.txt?raw';
import type { Identity } from './x509';

const TEXTS = { shell, linux, docker, kubernetes };
/** What the texts were made with. */
const SAMPLE = {
  address: '0123456789.cp.example.com:8005',
  serverName: '0123456789.cp.example.com',
  certificate: 'MIIB',
  privateKey: 'MIGH',
  authority: 'MIIC',
};

export interface Link {
  /** host:port */
  address: string;
  serverName: string;
  /** PEM of the authority that the control plane's own certificate comes from; empty: one that the machine trusts. */
  authority: string;
}

/** What runs the node. */
export type Way = keyof typeof TEXTS;
export const WAYS = Object.keys(TEXTS) as Way[];

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

/** Whether the address means the machine itself, which a container or another machine cannot reach by it. */
export function isLoopback(address: string): boolean {
  const host = address.replace(/:\d*$/, '').replace(/^\[|\]$/g, '');
  return host === 'localhost' || host === '::1' || /^127(\.\d+){3}$/.test(host);
}

/** Quotes and the like mean something in shells and settings files; no address has them. */
export function isUsable({ address, serverName }: Link): boolean {
  return /^[^\s'"\\`$%#]+:\d{1,5}$/.test(address) && /^[^\s'"\\`$%#]+$/.test(serverName);
}

/** Without the authority's certificate, and what names it. */
function withoutAuthority(text: string): string {
  return text
    .replace(/^cat > cluster-ca\.crt [^]*?\nEND-OF-FILE\n\n/m, '')
    .replace(/^ +cluster-ca\.crt: \|\n(?: {4}.*\n)*/m, '')
    .replace(/^.*cluster-ca\.crt.*\n/gm, '');
}

/** A shell takes brackets and the like for patterns. */
const shellWord = (text: string): string => (/^[\w\-./:=,@]*$/.test(text) ? text : `'${text}'`);

/** One text that is pasted into a shell, which is afterwards as it was before. */
export function snippetOf(way: Way, link: Link, identity: Identity): string {
  const pems = new Map([
    [SAMPLE.certificate, identity.certificate],
    [SAMPLE.privateKey, identity.privateKey],
    [SAMPLE.authority, link.authority],
  ]);
  const pem = (whole: string, indent: string, content: string): string =>
    pems.get(content)?.trim().replace(/^/gm, indent) ?? whole;
  const text = link.authority.trim() ? TEXTS[way] : withoutAuthority(TEXTS[way]);
  return text
    .replace(/^.*CLUSTER_DP_LABELS.*\n/gm, '') // the console does not ask for labels
    .replace(/^( *)-----BEGIN [\w ]+-----\n *(\w+)\n *-----END [\w ]+-----$/gm, pem)
    .replaceAll(SAMPLE.address, () => link.address)
    .replaceAll(SAMPLE.serverName, () => link.serverName)
    .replace(/(?<=--env )\S+/g, shellWord);
}
