// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { addressIn } from './upstream_address';

describe('addressIn', () => {
  it('takes a URL apart', () => {
    const parts = { protocol: 'http', host: '127.0.0.1', port: 9000, path: null };
    expect(addressIn('http://127.0.0.1:9000')).toEqual(parts);
    expect(addressIn(' https://10.0.0.5/v1 ')).toEqual({ protocol: 'https', host: '10.0.0.5', port: 443, path: '/v1' });
    expect(addressIn('http://[::1]:81/')).toEqual({ protocol: 'http', host: '::1', port: 81, path: null });
  });

  it('takes host and port apart, and leaves the rest as it was', () => {
    expect(addressIn('orders.internal:8080')).toEqual({ host: 'orders.internal', port: 8080 });
    expect(addressIn('[::1]:8080')).toEqual({ host: '::1', port: 8080 });
    expect(addressIn('10.0.0.5:80/v1')).toEqual({ host: '10.0.0.5', port: 80, path: '/v1' });
  });

  it('leaves hosts alone, and what is no address yet', () => {
    for (const text of ['', 'orders', '10.0.0.5', '::1', '2001:db8::1', 'http://', 'a:', '{vault://env/host}']) {
      expect(addressIn(text), text).toBeNull();
    }
  });
});
