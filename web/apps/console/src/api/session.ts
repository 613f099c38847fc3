// SPDX-License-Identifier: Apache-2.0
import { computed, reactive } from 'vue';
import { ApiError, call, onRefused, useCsrfToken, useToken } from './http';
import type { User } from './accounts';

export const session = reactive({
  /**
   * `local`: there are no accounts, and whoever reaches the server on this machine is let in. `token`: an access token
   * was typed in. `refused`: somebody must sign in.
   */
  state: 'unknown' as 'unknown' | 'local' | 'token' | 'user' | 'refused' | 'unreachable',
  user: null as User | null,
  /** Of the user, or of the token that was typed in. */
  role: 'admin' as User['role'],
  /** Whether the first account is still to be made. */
  canSetUp: false,
});

/**
 * Whether the server would take a change from whoever is here: pages offer nothing that it would refuse. Everybody may
 * change what is their own: account, sessions, access tokens.
 */
export const mayWrite = computed(() => session.role === 'admin');

interface Answer {
  state: 'signed_in' | 'signed_out' | 'local' | 'token';
  csrf_token?: string;
  can_set_up?: boolean;
  user?: User | null;
  role?: User['role'];
}

function take(answer: Answer): void {
  session.user = answer.user ?? null;
  session.role = answer.user?.role ?? answer.role ?? 'admin';
  session.canSetUp = answer.can_set_up ?? false;
  session.state = ({ signed_in: 'user', signed_out: 'refused', local: 'local', token: 'token' } as const)[answer.state];
  useCsrfToken(answer.csrf_token ?? '');
}

/** Asks who we are. A server without accounts (404) means the local administrator. */
export async function findSession(): Promise<void> {
  try {
    take((await call<Answer>('/v3/session')).data);
  } catch (error) {
    if (!(error instanceof ApiError)) session.state = 'unreachable';
    else session.state = error.status === 401 || error.status === 403 ? 'refused' : 'local';
  }
}

export async function signIn(email: string, password: string): Promise<void> {
  take((await call<Answer>('/v3/session', { method: 'POST', body: { email, password } })).data);
}

/** Whether the token opens anything; if so, it stays in this page's memory. */
export async function enterWithToken(token: string): Promise<boolean> {
  useToken(token);
  await findSession();
  const found: string = session.state;
  if (found === 'token' || found === 'user') return true;
  useToken('');
  return false;
}

/** Leaves nothing behind: the page is loaded anew. */
export async function signOut(): Promise<void> {
  if (session.state === 'user') await call('/v3/session', { method: 'DELETE' });
  location.assign('/');
}

export interface SetUp {
  link: string;
  password: string;
  email?: string;
  full_name?: string;
  organization?: string;
}

export async function setUp(wanted: SetUp): Promise<void> {
  take((await call<Answer>('/v3/set-up', { method: 'POST', body: wanted })).data);
}

export interface LinkPurpose {
  purpose: 'first_account' | 'password';
  email: string;
}

export async function lookAtLink(link: string): Promise<LinkPurpose> {
  return (await call<LinkPurpose>('/v3/set-up/look', { method: 'POST', body: { link } })).data;
}

// A session that has come to its end while the page was open.
onRefused(() => {
  if (session.state !== 'user' && session.state !== 'token' && session.state !== 'local') return;
  useToken('');
  session.user = null;
  session.state = 'refused';
});
