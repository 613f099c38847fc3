// SPDX-License-Identifier: Apache-2.0
import { afterEach, expect, test, vi } from 'vitest';
import { adminOf } from './entities';

afterEach(() => void vi.unstubAllGlobals());

function answering(body: unknown): void {
  vi.stubGlobal('fetch', () => Promise.resolve(new Response(JSON.stringify(body), { headers: { etag: '"1.7"' } })));
}

test('one entity is read as it is, and a consumer group out of what it comes in', async () => {
  const plugin = { id: '7f', name: 'cors', consumer_group: { id: '3a' } };
  answering(plugin);
  expect(await adminOf('cp').read('/plugins/7f')).toEqual({ data: plugin, etag: '"1.7"' });
  answering({ consumer_group: { id: '3a', name: 'gold' }, consumers: [], plugins: [] });
  expect(await adminOf('cp').read('/consumer_groups/3a')).toEqual({ data: { id: '3a', name: 'gold' }, etag: '"1.7"' });
});
