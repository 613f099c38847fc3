// SPDX-License-Identifier: Apache-2.0
// Routes of the flavor `expressions`: the editor says at once whether an expression is valid.
import { strict as assert } from 'node:assert';

export const settings = { router_flavor: 'expressions' };

async function expression({ page, gateway }) {
  await page.goto(`/control-planes/${await gateway.controlPlane()}/routes/new`);
  await page.locator('#field-name').fill('by-expression');
  await page.locator('#field-expression').click();
  await page.keyboard.type('http.path == ');
  await page.locator('[data-path="expression"] [role="alert"]').waitFor();
  await page.keyboard.type('"/exact"');
  await page.getByText('The expression is valid.').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await page.locator('.toast.good').first().waitFor();
  assert.equal((await gateway.api('GET', '/routes/by-expression')).expression, 'http.path == "/exact"');
}

export const longTests = { 'an expression is judged while it is typed': expression };
