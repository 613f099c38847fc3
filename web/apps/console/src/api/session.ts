// SPDX-License-Identifier: Apache-2.0
import { reactive } from 'vue';
import { ApiError, call } from './http';

export interface User {
  id: string;
  email: string;
  full_name: string;
}

export const session = reactive({
  /** `local`: the server knows no users and takes whoever reaches it on this machine. */
  state: 'unknown' as 'unknown' | 'local' | 'user' | 'refused' | 'unreachable',
  user: null as User | null,
});

/** Asks who we are. A server without users (404) means the local administrator. */
export async function findSession(): Promise<void> {
  try {
    session.user = (await call<User>('/v3/users/me')).data;
    session.state = 'user';
  } catch (error) {
    if (!(error instanceof ApiError)) session.state = 'unreachable';
    else session.state = error.status === 401 || error.status === 403 ? 'refused' : 'local';
  }
}
