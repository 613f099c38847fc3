// SPDX-License-Identifier: Apache-2.0
// Whoever puts a whole URL, or host and port, into the host of a service means its parts.

export interface Address {
  protocol?: string;
  host: string;
  port?: number;
  /** Null: the URL has none. */
  path?: string | null;
}

const SECURE = /s$/;

function fromUrl(text: string): Address | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  const protocol = url.protocol.slice(0, -1);
  return {
    protocol,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port ? Number(url.port) : SECURE.test(protocol) ? 443 : 80,
    path: url.pathname === '' || url.pathname === '/' ? null : url.pathname,
  };
}

/** The parts of `https://host:9000/path`, `host:9000` or `[::1]:9000`; null for a host alone and for anything else. */
export function addressIn(text: string): Address | null {
  const whole = text.trim();
  if (/^\w+:\/\/[^/]/.test(whole)) return fromUrl(whole);
  const found = /^(?:\[([^\]]+)\]|([^:/\s[\]{}]+)):(\d{1,5})(\/\S*)?$/.exec(whole);
  if (!found) return null;
  const path = found[4];
  return { host: found[1] ?? found[2] ?? '', port: Number(found[3]), ...(path && path !== '/' ? { path } : {}) };
}
