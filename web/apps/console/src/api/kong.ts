// SPDX-License-Identifier: Apache-2.0
import { call, part } from './http';

/** The entities of the gateway whose Admin API is there, by type, as a batch takes them. Our server reads them. */
export async function readKong(
  cp: string,
  address: string,
  token: string,
  verify: boolean,
): Promise<Record<string, unknown>> {
  const body = { admin_url: address, admin_token: token, verify_tls: verify };
  const path = `/v2/control-planes/${part(cp)}/import-source`;
  return (await call<{ upsert: Record<string, unknown> }>(path, { method: 'POST', body })).data.upsert;
}
