// SPDX-License-Identifier: Apache-2.0
import { call, part } from './http';

export interface User {
  id: string;
  email: string;
  full_name: string;
  preferred_name: string;
  active: boolean;
  role: 'admin' | 'read-only';
  has_password: boolean;
  created_at: string;
}

export interface BrowserSession {
  id: string;
  current: boolean;
  address: string;
  user_agent: string;
  created_at: string;
  last_used_at: string;
}

export interface AccessToken {
  id: string;
  name: string;
  state: 'ACTIVE' | 'REVOKED' | 'EXPIRED';
  created_at: string;
  last_used_at: string | null;
  expires_at: string;
}

export interface AuditEntry {
  id: string;
  at: string;
  actor: string;
  action: string;
  object: { type: string; id: string; name: string };
  control_plane: { id: string; name: string } | null;
  version: string;
  before: unknown;
  after: unknown;
}

const ME = '/v3/users/me';

export async function changeProfile(body: Partial<User>): Promise<User> {
  return (await call<User>(ME, { method: 'PATCH', body })).data;
}

/** The token that later calls carry; the session goes on under another name. */
export async function changePassword(current: string, wanted: string): Promise<string> {
  const body = { current_password: current, new_password: wanted };
  return (await call<{ csrf_token: string } | null>(`${ME}/password`, { method: 'PUT', body })).data?.csrf_token ?? '';
}

export async function listSessions(): Promise<BrowserSession[]> {
  return (await call<{ data: BrowserSession[] }>(`${ME}/sessions`)).data.data;
}

export async function endSession(id: string): Promise<void> {
  await call(`${ME}/sessions/${part(id)}`, { method: 'DELETE' });
}

export async function endAllSessions(): Promise<void> {
  await call(`${ME}/sessions`, { method: 'DELETE' });
}

export async function listTokens(): Promise<AccessToken[]> {
  const { data } = await call<{ data: AccessToken[] }>(`${ME}/access-tokens`, { query: { 'page[size]': 1000 } });
  return data.data;
}

/** With its text, which nobody sees again. */
export async function createToken(name: string, days: number): Promise<string> {
  const body = { name, ttl_seconds: days * 86_400 };
  return (await call<{ konnect_token: string }>(`${ME}/access-tokens`, { method: 'POST', body })).data.konnect_token;
}

export async function revokeToken(id: string): Promise<void> {
  await call(`${ME}/access-tokens/${part(id)}/revoke`, { method: 'PATCH' });
}

export async function removeToken(id: string): Promise<void> {
  await call(`${ME}/access-tokens/${part(id)}`, { method: 'DELETE' });
}

export async function listUsers(): Promise<User[]> {
  return (await call<{ data: User[] }>('/v3/users', { query: { 'page[size]': 1000 } })).data.data;
}

const shareable = (link: string): string => new URL(link, location.origin).href;

/** The link with which the new user chooses a password. */
export async function createUser(body: { email: string; full_name: string; role: string }): Promise<string> {
  return shareable((await call<{ link: string }>('/v3/users', { method: 'POST', body })).data.link);
}

export async function changeUser(id: string, body: Partial<User>): Promise<void> {
  await call(`/v3/users/${part(id)}`, { method: 'PATCH', body });
}

export async function removeUser(id: string): Promise<void> {
  await call(`/v3/users/${part(id)}`, { method: 'DELETE' });
}

export async function passwordLink(id: string): Promise<string> {
  return shareable((await call<{ link: string }>(`/v3/users/${part(id)}/password-link`, { method: 'POST' })).data.link);
}

export interface AuditFilter {
  actor: string;
  type: string;
}

export async function readAudit(
  filter: AuditFilter,
  after: string | null,
): Promise<{ data: AuditEntry[]; next: string | null }> {
  const query = {
    'page[size]': 50,
    'page[after]': after ?? undefined,
    'filter[actor]': filter.actor,
    'filter[type]': filter.type,
  };
  const { data } = await call<{ data: AuditEntry[]; meta: { page: { next: string | null } } }>('/v3/audit-logs', {
    query,
  });
  return { data: data.data, next: data.meta.page.next };
}
