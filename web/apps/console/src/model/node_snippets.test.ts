// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { dockerSnippet, kubernetesSnippet, linkOf, linuxSnippet } from './node_snippets';

const identity = { certificate: '-----C-----\nc\n', privateKey: '-----K-----\nk\n' };
const link = { address: 'cp.example:8005', serverName: 'a.cp.example', authority: '' };

describe('linkOf', () => {
  it('reads host and port from the URL, whatever its scheme', () => {
    const of = (control_plane_endpoint: string): object =>
      linkOf({ config: { control_plane_endpoint } as never }, null, 'here');
    expect(of('https://a.cp.example:8005')).toMatchObject({ address: 'a.cp.example:8005', serverName: 'a.cp.example' });
    expect(of('wss://a.cp.example')).toMatchObject({ address: 'a.cp.example:443' });
  });

  it('takes the address where the console was found, when the certificate stands for itself', () => {
    const plane = { config: { control_plane_endpoint: 'https://a.cp.host:8005' } as never };
    const door = { open: true, host: null, port: 8005, authority: 'PEM' };
    expect(linkOf(plane, door, '10.0.0.7')).toEqual({
      address: '10.0.0.7:8005',
      serverName: 'a.cp.host',
      authority: 'PEM',
    });
    expect(linkOf(plane, { ...door, host: '::1' }, '10.0.0.7').address).toBe('[::1]:8005');
    expect(linkOf(plane, { ...door, authority: null }, '10.0.0.7').address).toBe('a.cp.host:8005');
  });
});

describe('snippets', () => {
  it('have everything filled in', () => {
    for (const text of [
      dockerSnippet(link, identity),
      linuxSnippet(link, identity),
      kubernetesSnippet(link, identity),
    ]) {
      for (const part of ['cp.example:8005', 'a.cp.example', '-----C-----', '-----K-----', 'data_plane']) {
        expect(text).toContain(part);
      }
      expect(text).not.toMatch(/undefined|cluster_ca_cert/i);
    }
  });

  it('hand over the authority where there is one', () => {
    const own = { ...link, authority: '-----A-----\na\n' };
    expect(linuxSnippet(own, identity)).toContain('cluster_ca_cert = /etc/sluice/cluster-ca.crt');
    expect(dockerSnippet(own, identity)).toContain('SLUICE_CLUSTER_CA_CERT=/etc/sluice/cluster-ca.crt');
  });

  it('are valid YAML for Kubernetes', () => {
    const documents = parseAllDocuments(kubernetesSnippet({ ...link, authority: 'A\n' }, identity)) as {
      toJS(): object;
    }[];
    const [secret, deployment, service] = documents.map((document) => document.toJS());
    expect(secret).toMatchObject({
      kind: 'Secret',
      stringData: { 'cluster.key': '-----K-----\nk\n', 'cluster-ca.crt': 'A\n' },
    });
    expect(deployment).toMatchObject({ kind: 'Deployment' });
    expect(service).toMatchObject({ kind: 'Service' });
  });
});
