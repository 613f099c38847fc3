// SPDX-License-Identifier: Apache-2.0
// A key pair and a certificate that signs itself, made in the browser, so that the private key never reaches the
// server. Only what a pinned client certificate needs of X.509 (RFC 5280), in DER (X.690).

type Bytes = Uint8Array<ArrayBuffer>;

const enum Tag {
  Boolean = 0x01,
  Integer = 0x02,
  BitString = 0x03,
  OctetString = 0x04,
  ObjectId = 0x06,
  Utf8 = 0x0c,
  UtcTime = 0x17,
  GeneralizedTime = 0x18,
  Sequence = 0x30,
  Set = 0x31,
  Version = 0xa0,
  Extensions = 0xa3,
}

const OID = {
  commonName: [2, 5, 4, 3],
  ecdsaWithSha256: [1, 2, 840, 10045, 4, 3, 2],
  basicConstraints: [2, 5, 29, 19],
  keyUsage: [2, 5, 29, 15],
  extendedKeyUsage: [2, 5, 29, 37],
  clientAuth: [1, 3, 6, 1, 5, 5, 7, 3, 2],
};
const CURVE = { name: 'ECDSA', namedCurve: 'P-256' } as const;

function joined(parts: Bytes[]): Bytes {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function der(tag: Tag, ...parts: Bytes[]): Bytes {
  const content = joined(parts);
  const length = content.length;
  if (length < 0x80) return joined([Uint8Array.of(tag, length), content]);
  const octets: number[] = [];
  for (let left = length; left > 0; left >>= 8) octets.unshift(left & 0xff);
  return joined([Uint8Array.of(tag, 0x80 | octets.length, ...octets), content]);
}

function objectId(arcs: number[]): Bytes {
  const octets = [arcs[0]! * 40 + arcs[1]!];
  for (const arc of arcs.slice(2)) {
    const group = [arc & 0x7f];
    for (let left = arc >> 7; left > 0; left >>= 7) group.unshift((left & 0x7f) | 0x80);
    octets.push(...group);
  }
  return der(Tag.ObjectId, Uint8Array.from(octets));
}

const utf8 = (text: string): Bytes => new TextEncoder().encode(text) as Bytes;

/** An INTEGER, with neither a sign that it has not nor zeros that it needs not. */
function integer(magnitude: Bytes): Bytes {
  let from = 0;
  while (from < magnitude.length - 1 && magnitude[from] === 0) from++;
  const rest = magnitude.subarray(from);
  return der(Tag.Integer, rest[0]! & 0x80 ? joined([Uint8Array.of(0), rest]) : rest);
}

/** UTCTime until 2049, GeneralizedTime from then on: RFC 5280, 4.1.2.5. */
function time(date: Date): Bytes {
  const digits = date.toISOString().replace(/[-:T]|\.\d+/g, '');
  return date.getUTCFullYear() < 2050
    ? der(Tag.UtcTime, utf8(digits.slice(2)))
    : der(Tag.GeneralizedTime, utf8(digits));
}

function extension(oid: number[], critical: boolean, value: Bytes): Bytes {
  const mark = critical ? [der(Tag.Boolean, Uint8Array.of(0xff))] : [];
  return der(Tag.Sequence, objectId(oid), ...mark, der(Tag.OctetString, value));
}

function extensions(): Bytes {
  const digitalSignature = der(Tag.BitString, Uint8Array.of(7, 0x80));
  return der(
    Tag.Extensions,
    der(
      Tag.Sequence,
      extension(OID.basicConstraints, true, der(Tag.Sequence)),
      extension(OID.keyUsage, true, digitalSignature),
      extension(OID.extendedKeyUsage, false, der(Tag.Sequence, objectId(OID.clientAuth))),
    ),
  );
}

/** WebCrypto gives r and s side by side, X.509 wants a SEQUENCE of them. */
function ecdsaSignature(raw: Bytes): Bytes {
  return der(Tag.Sequence, integer(raw.subarray(0, 32)), integer(raw.subarray(32)));
}

function pem(label: string, content: Bytes): string {
  const base64 = btoa(String.fromCharCode(...content));
  return `-----BEGIN ${label}-----\n${base64.match(/.{1,64}/g)!.join('\n')}\n-----END ${label}-----\n`;
}

export interface Identity {
  certificate: string;
  privateKey: string;
}

/** As long as one that `sluice dp join` makes. */
const DAYS = 1095;

/** A client certificate for `name` that is valid for `days` and an hour back (clocks differ). */
export async function makeIdentity(name: string, days = DAYS, now = new Date()): Promise<Identity> {
  const keys = await crypto.subtle.generateKey(CURVE, true, ['sign', 'verify']);
  const publicKey = new Uint8Array(await crypto.subtle.exportKey('spki', keys.publicKey));
  const privateKey = new Uint8Array(await crypto.subtle.exportKey('pkcs8', keys.privateKey));
  const algorithm = der(Tag.Sequence, objectId(OID.ecdsaWithSha256));
  const subject = der(
    Tag.Sequence,
    der(Tag.Set, der(Tag.Sequence, objectId(OID.commonName), der(Tag.Utf8, utf8(name)))),
  );
  const serial = crypto.getRandomValues(new Uint8Array(16));
  serial[0] = (serial[0]! & 0x7f) | 0x40;
  const from = new Date(now.getTime() - 3_600_000);
  const until = new Date(now.getTime() + days * 86_400_000);
  const body = der(
    Tag.Sequence,
    der(Tag.Version, der(Tag.Integer, Uint8Array.of(2))),
    integer(serial),
    algorithm,
    subject,
    der(Tag.Sequence, time(from), time(until)),
    subject,
    publicKey,
    extensions(),
  );
  const signed = new Uint8Array(await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, keys.privateKey, body));
  const signature = der(Tag.BitString, Uint8Array.of(0), ecdsaSignature(signed));
  return {
    certificate: pem('CERTIFICATE', der(Tag.Sequence, body, algorithm, signature)),
    privateKey: pem('PRIVATE KEY', privateKey),
  };
}
