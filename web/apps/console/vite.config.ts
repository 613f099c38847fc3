// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url';
import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vite';
import { platformStandIn } from './dev/platform_stand_in.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  plugins: [vue(), platformStandIn()],
  resolve: { alias: { '@': here('./src'), '@ui': here('../../packages/ui/src') } },
  server: { fs: { allow: [here('../../..')] } }, // texts that the command line prints stand beside it
  preview: {
    headers: {
      'Content-Security-Policy':
        "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
        "connect-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    },
  },
  build: {
    outDir: here('../../../build/web/console'),
    emptyOutDir: true,
    target: 'es2022',
    // The Content-Security-Policy takes files of our own only, so nothing is put into the page or into data: URLs.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1500,
    manifest: 'manifest.json',
  },
});
