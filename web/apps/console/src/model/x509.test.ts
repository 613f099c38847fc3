// SPDX-License-Identifier: Apache-2.0
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { makeIdentity } from './x509';

describe('makeIdentity', () => {
  it('makes a certificate that others can read, signed by its own key', async () => {
    const { certificate, privateKey } = await makeIdentity('dp-1', 1095, new Date('2026-05-06T07:08:09Z'));
    const read = new X509Certificate(certificate);
    expect(read.subject).toBe('CN=dp-1');
    expect(read.issuer).toBe('CN=dp-1');
    expect(read.verify(read.publicKey)).toBe(true);
    expect(read.checkPrivateKey(createPrivateKey(privateKey))).toBe(true);
    expect(new Date(read.validFrom).toISOString()).toBe('2026-05-06T06:08:09.000Z');
    expect(new Date(read.validTo).toISOString()).toBe('2029-05-05T07:08:09.000Z');
    expect(read.ca).toBe(false);
  });

  it('reaches beyond 2049', async () => {
    const { certificate } = await makeIdentity('ü', 30 * 365);
    expect(new Date(new X509Certificate(certificate).validTo).getUTCFullYear()).toBeGreaterThan(2050);
  });

  it('draws a new serial number and key each time', async () => {
    const [a, b] = await Promise.all([makeIdentity('x'), makeIdentity('x')]);
    expect(new X509Certificate(a.certificate).serialNumber).not.toBe(new X509Certificate(b.certificate).serialNumber);
    expect(a.privateKey).not.toBe(b.privateKey);
  });
});
