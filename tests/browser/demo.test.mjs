// The demo, as a newcomer uses it in a browser: its application's page leads through Auth Link and
// shows what the application has then.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { hasNoBarrier, launch, visit } from './browser.mjs';
import { startDemo } from './demo.mjs';
import { PASSWORD } from './installation.mjs';

let browser;
let demo;
before(async () => {
  browser = await launch();
  demo = await startDemo();
});
after(async () => {
  await browser?.close();
  demo?.stop();
});

test('an account is linked from the page of the demo, and its bills are counted there', async () => {
  // The pages of Auth Link are another origin, and lead back here.
  const expects = [/request to another host/];
  await visit(browser, demo.page, { colorScheme: 'light', expects }, async (page) => {
    await hasNoBarrier(page, 'the first page');
    await page.getByRole('link', { name: 'Link an account' }).click();
    await page.getByRole('button', { name: 'PFP Energy' }).click();
    const fields = page.locator('form input:not([type=hidden])');
    await fields.nth(0).fill('grace@example.com');
    await fields.nth(1).fill(PASSWORD);
    await fields.nth(1).press('Enter');
    await page.locator('input[type=radio][value=FULL_CHECK_ONGOING]').check();
    await page.locator('main form button').first().click();
    await page.waitForURL(/\/link\/done/);
    await page.locator('main form button').first().click();
    await page.waitForURL(`${demo.page}/account`);
    await hasNoBarrier(page, 'the linked account');
    const count = page.locator('#documents');
    for (let look = 0; look < 100 && Number(await count.textContent()) < 3; look += 1) {
      await page.getByRole('link', { name: 'Look again' }).click();
    }
    assert.ok(Number(await count.textContent()) >= 3, await page.locator('main').textContent());
    const token = await page.locator('#token').textContent();
    const asked = await fetch(`${demo.origin}/v1/graphql?query={getAccounts{items{id}}}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    assert.equal((await asked.json()).data.getAccounts.items.length, 1);
  });
});

test('a way back that was not begun here is refused, and says what to do', async () => {
  const wrong = await fetch(`${demo.page}/linked?code=x&state=y&iss=${demo.origin}`);
  assert.equal(wrong.status, 400);
  assert.match(await wrong.text(), /begin again on the first page/);
});
