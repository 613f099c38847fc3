// SPDX-License-Identifier: Apache-2.0
// `npm run dev` and `npm run preview` only. With SLUICE_PLATFORM=http://127.0.0.1:8002 everything below /v2 and /v3 goes
// there; with SLUICE_ADMIN=http://127.0.0.1:8001, an Admin API alone, it passes for the one control plane `default`.
import { request as ask, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Plugin } from 'vite';

const ID = '00000000-0000-4000-8000-000000000001';
const CORE = `/v2/control-planes/${ID}/core-entities`;
const CONTROL_PLANE = {
  id: ID,
  name: 'default',
  description: 'The Admin API behind the development server',
  labels: {},
  config: {
    control_plane_endpoint: 'https://127.0.0.1:8005',
    telemetry_endpoint: 'https://127.0.0.1:8006',
    cluster_type: 'CLUSTER_TYPE_CONTROL_PLANE',
    auth_type: 'pinned_client_certs',
    cloud_gateway: false,
    proxy_urls: [],
  },
  created_at: '2026-01-01T00:00:00Z',
  updated_at: '2026-01-01T00:00:00Z',
};

function forward(base: string, path: string, from: IncomingMessage, to: ServerResponse): void {
  const url = new URL(path, base);
  const headers = { ...from.headers, host: url.host };
  delete headers.origin;
  const out = ask(url, { method: from.method ?? 'GET', headers }, (reply) => {
    to.writeHead(reply.statusCode ?? 502, reply.headers);
    reply.pipe(to);
  });
  out.on('error', () => to.writeHead(502).end());
  from.pipe(out);
}

function json(to: ServerResponse, status: number, body: unknown): void {
  to.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function standIn(admin: string, from: IncomingMessage, to: ServerResponse): void {
  const url = from.url ?? '/';
  if (url.startsWith(CORE)) return forward(admin, url.slice(CORE.length) || '/', from, to);
  const path = url.split('?')[0];
  if (path === '/v2/control-planes') {
    return json(to, 200, { data: [CONTROL_PLANE], meta: { page: { number: 1, size: 10, total: 1 } } });
  }
  if (path === `/v2/control-planes/${ID}`) return json(to, 200, CONTROL_PLANE);
  return json(to, 404, { status: 404, title: 'Not Found' });
}

function answer(from: IncomingMessage, to: ServerResponse, next: () => void): void {
  const platform = process.env['SLUICE_PLATFORM'];
  if (!/^\/(v2|v3)\//.test(from.url ?? '')) next();
  else if (platform) forward(platform, from.url ?? '/', from, to);
  else standIn(process.env['SLUICE_ADMIN'] ?? 'http://127.0.0.1:8001', from, to);
}

export function platformStandIn(): Plugin {
  return {
    name: 'platform-stand-in',
    apply: (_config, { command, isPreview }) => command === 'serve' || isPreview === true,
    configureServer: (server) => void server.middlewares.use(answer),
    configurePreviewServer: (server) => void server.middlewares.use(answer),
  };
}
