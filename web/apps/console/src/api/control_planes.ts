// SPDX-License-Identifier: Apache-2.0
import { reactive } from 'vue';
import { call, part } from './http';

export const KINDS = [
  'CLUSTER_TYPE_CONTROL_PLANE',
  'CLUSTER_TYPE_CONTROL_PLANE_GROUP',
  'CLUSTER_TYPE_K8S_INGRESS_CONTROLLER',
] as const;
export const GROUP = 'CLUSTER_TYPE_CONTROL_PLANE_GROUP';

export interface ControlPlane {
  id: string;
  name: string;
  description: string;
  labels: Record<string, string> | null;
  config: {
    control_plane_endpoint: string;
    telemetry_endpoint: string;
    cluster_type: string;
    auth_type: string;
    cloud_gateway?: boolean;
    proxy_urls?: { host: string; port: number; protocol: string }[] | null;
  };
  created_at: string;
  updated_at: string;
}

export interface Issue {
  code: string;
  severity: string;
  description: string;
  resolution: string;
}

export interface DataPlane {
  id: string;
  version: string;
  hostname: string;
  last_ping: number;
  type: string;
  config_hash: string;
  created_at: number;
  updated_at: number;
  compatibility_status?: { state: string; issues?: Issue[] };
  /** What our own server tells beyond the contract; absent otherwise. */
  labels?: Record<string, string> | null;
  ip?: string;
  connected?: boolean;
  in_sync?: boolean;
  product?: string;
  sync_status?: string;
  config_version?: string | null;
  config_since?: number;
  /** What the node last refused. */
  config_error?: { message?: string; name?: string } | null;
  certificate_expires?: number | null;
}

export interface ClientCertificate {
  id: string;
  title?: string;
  cert: string;
  created_at: number;
}

const base = (id: string): string => `/v2/control-planes/${part(id)}`;

/** The control planes that were seen last, for names in side bar and crumbs. */
export const known = reactive({ list: [] as ControlPlane[], loaded: false });

export async function listControlPlanes(): Promise<ControlPlane[]> {
  const found: ControlPlane[] = [];
  for (let number = 1; ; number++) {
    const { data } = await call<{ data: ControlPlane[]; meta?: { page?: { total?: number } } }>('/v2/control-planes', {
      query: { 'page[size]': 100, 'page[number]': number },
    });
    found.push(...data.data);
    if (!data.data.length || found.length >= (data.meta?.page?.total ?? found.length)) break;
  }
  known.list = found;
  known.loaded = true;
  return found;
}

export async function getControlPlane(id: string): Promise<ControlPlane> {
  return (await call<ControlPlane>(base(id))).data;
}

export async function createControlPlane(body: Record<string, unknown>): Promise<ControlPlane> {
  return (await call<ControlPlane>('/v2/control-planes', { method: 'POST', body })).data;
}

export async function changeControlPlane(id: string, body: Record<string, unknown>): Promise<ControlPlane> {
  return (await call<ControlPlane>(base(id), { method: 'PATCH', body })).data;
}

export async function removeControlPlane(id: string): Promise<void> {
  await call(base(id), { method: 'DELETE' });
}

/** Members of a group. */
export async function listMembers(id: string): Promise<ControlPlane[]> {
  return (await call<{ data: ControlPlane[] }>(`${base(id)}/group-memberships`, { query: { 'page[size]': 100 } })).data
    .data;
}

export async function setMembers(id: string, members: string[]): Promise<void> {
  await call(`${base(id)}/group-memberships`, {
    method: 'PUT',
    body: { members: members.map((member) => ({ id: member })) },
  });
}

export async function listDataPlanes(id: string, signal?: AbortSignal): Promise<DataPlane[]> {
  const found: DataPlane[] = [];
  let after: string | undefined;
  do {
    const { data } = await call<{ items: DataPlane[]; page?: { next?: string; next_cursor?: string } }>(
      `${base(id)}/nodes`,
      {
        query: { 'page[size]': 100, 'page[after]': after },
        signal,
      },
    );
    found.push(...(data.items ?? []));
    after = data.page?.next_cursor ?? cursorOf(data.page?.next);
  } while (after);
  return found;
}

/** The token of the next page, alone or in the page's URL. */
function cursorOf(next: string | undefined): string | undefined {
  if (!next?.includes('?')) return next;
  return new URL(next, location.origin).searchParams.get('page[after]') ?? undefined;
}

/** The hash that a node in step with its control plane reports. */
export async function expectedHash(id: string, signal?: AbortSignal): Promise<string> {
  return (await call<{ expected_hash: string }>(`${base(id)}/expected-config-hash`, { signal })).data.expected_hash;
}

/** Where data planes come to. */
export interface ClusterDoor {
  /** False: this server takes no data planes. */
  open: boolean;
  /** Null: wherever this server was found. */
  host: string | null;
  port: number | null;
  /** PEM of the certificate that nodes are shown, when no authority vouches for it. */
  authority: string | null;
}

export async function getClusterDoor(id: string): Promise<ClusterDoor> {
  return (await call<ClusterDoor>(`${base(id)}/cluster-door`)).data;
}

export async function removeDataPlane(id: string, node: string): Promise<void> {
  await call(`${base(id)}/nodes/${part(node)}`, { method: 'DELETE' });
}

export async function listCertificates(id: string): Promise<ClientCertificate[]> {
  return (await call<{ items: ClientCertificate[] }>(`${base(id)}/dp-client-certificates`)).data.items ?? [];
}

export async function pinCertificate(id: string, cert: string, title: string): Promise<ClientCertificate> {
  const { data } = await call<{ item: ClientCertificate }>(`${base(id)}/dp-client-certificates`, {
    method: 'POST',
    body: { cert, title },
  });
  return data.item;
}

export async function removeCertificate(id: string, certificate: string): Promise<void> {
  await call(`${base(id)}/dp-client-certificates/${part(certificate)}`, { method: 'DELETE' });
}
