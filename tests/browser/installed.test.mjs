// SPDX-License-Identifier: Apache-2.0
// What `cmake --install` puts into a folder finds its parts there: the program serves its console.
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openPage } from './browser.mjs';
import { Gateway, Skipped } from './gateway.mjs';

async function installed({ browser, gateway }) {
  const build = dirname(gateway.binary);
  if (!existsSync(join(build, 'cmake_install.cmake'))) throw new Skipped('the binary is in no build folder');
  const prefix = gateway.folderFor('installed');
  execFileSync('cmake', ['--install', build, '--prefix', prefix], { stdio: 'ignore' });
  const packed = new Gateway(join(prefix, 'bin/sluice'));
  try {
    await packed.start({ console_path: 'auto' });
    const page = await openPage(browser, packed.console);
    await page.goto('/');
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    assert.deepEqual(page.problems, []);
    const script = await page.locator('script[src]').first().getAttribute('src');
    const reply = await fetch(packed.console + script, { headers: { 'accept-encoding': 'br' } });
    assert.equal(reply.headers.get('content-encoding'), 'br');
    await page.context().close();
  } finally {
    await packed.stop();
  }
}

/** Without its files the port says what to do. */
async function missing({ gateway }) {
  const bare = new Gateway(gateway.binary);
  try {
    await bare.start({ console_path: bare.folderFor('nothing') });
    const text = await (await fetch(bare.console)).text();
    assert.match(text, /console's files are not installed/);
    assert.match(text, /\.\/dev build/);
    assert.ok((await fetch(`${bare.console}/v2/control-planes`)).ok);
  } finally {
    await bare.stop();
  }
}

export const longTests = {
  'an installed program serves its console': installed,
  'without its files the port says what to do': missing,
};
