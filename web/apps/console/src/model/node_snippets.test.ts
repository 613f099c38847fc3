// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { isLoopback, isUsable, linkOf, snippetOf, WAYS } from './node_snippets';

const identity = { certificate: '-----BEGIN CERTIFICATE-----\nc\nd\n', privateKey: '-----BEGIN PRIVATE KEY-----\nk\n' };
const link = {
  address: '10.0.0.7:8005',
  serverName: 'a.cp.example',
  authority: '-----BEGIN CERTIFICATE-----\na\n',
};

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

describe('addresses', () => {
  it('of this machine are known', () => {
    for (const address of ['127.0.0.1:8005', '127.1.2.3:1', 'localhost:8005', '[::1]:8005']) {
      expect(isLoopback(address), address).toBe(true);
    }
    for (const address of ['10.0.0.7:8005', 'localhost.example:1', '[fe80::1]:8005']) {
      expect(isLoopback(address), address).toBe(false);
    }
  });

  it('that would break out of a command are not used', () => {
    expect(isUsable(link)).toBe(true);
    for (const address of ['a b:1', "a';id;':1", '$(id):1', 'a.example', 'a:']) {
      expect(isUsable({ ...link, address }), address).toBe(false);
    }
    expect(isUsable({ ...link, serverName: 'a"b' })).toBe(false);
  });
});

describe('snippets', () => {
  it.each(WAYS)('have everything filled in, and nothing that is not of this node: %s', (way) => {
    const text = snippetOf(way, link, identity);
    for (const part of [link.address, link.serverName, 'c\n', 'd\n', 'k\n', 'a\n', 'cluster-ca.crt', 'data_plane'])
      expect(text).toContain(part);
    expect(text).not.toMatch(/undefined|0123456789|MII|MIG|LABELS/);
  });

  it.each(WAYS)('leave the authority out where there is none: %s', (way) => {
    const text = snippetOf(way, { ...link, authority: '' }, identity);
    expect(text).not.toMatch(/ca.cert|cluster-ca/i);
    expect(text).toContain('k\n');
    expect(text.match(/BEGIN/g)).toHaveLength(2);
  });

  it('quote what a shell would read as a pattern', () => {
    const text = snippetOf('docker', { ...link, address: '[::1]:8005' }, identity);
    expect(text).toContain("--env 'SLUICE_CLUSTER_CONTROL_PLANE=[::1]:8005'");
  });

  it.each([link.authority, ''])('are valid YAML for Kubernetes', (authority) => {
    const yaml = /<<'END-OF-FILE'\n([^]*?)END-OF-FILE/.exec(snippetOf('kubernetes', { ...link, authority }, identity))!;
    const documents = parseAllDocuments(yaml[1]!) as { toJS(): object }[];
    const [space, secret, deployment, service] = documents.map((document) => document.toJS());
    expect(space).toMatchObject({ kind: 'Namespace', metadata: { name: 'sluice' } });
    expect(secret).toMatchObject({
      kind: 'Secret',
      stringData: { 'cluster.key': identity.privateKey, ...(authority ? { 'cluster-ca.crt': authority } : {}) },
    });
    expect(deployment).toMatchObject({ kind: 'Deployment', metadata: { namespace: 'sluice' } });
    expect(service).toMatchObject({ kind: 'Service' });
  });
});
