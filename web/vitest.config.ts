// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  resolve: { alias: { '@': here('./apps/console/src'), '@ui': here('./packages/ui/src') } },
  test: { include: ['apps/**/*.test.ts', 'packages/**/*.test.ts'], environment: 'node' },
});
