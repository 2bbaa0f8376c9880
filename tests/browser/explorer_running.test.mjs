// The Explorer: queries that are run, and what is kept of them.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { hasFocus } from './browser.mjs';
import { SWITCH } from './explorer_page.mjs';
import { explorerStage } from './stage.mjs';

const open = explorerStage();

test('a query is run with its variables and the token, and its answer is shown', async () => {
  await open({ viewport: { width: 1400, height: 1200 } }, async ({ page, at, token }) => {
    await at.token.fill(`Bearer ${token}`);
    const asked = page.waitForRequest((request) => request.postData()?.includes('"variables"'));
    await at.run.click();
    const request = await asked;
    assert.equal(await request.headerValue('authorization'), `Bearer ${token}`);
    assert.deepEqual(request.postDataJSON().variables, { id: SWITCH });
    await at.hasStatus('Status 200');
    await at.result.filter({ hasText: '"postcode": "OX184EN"' }).waitFor();
    assert.equal(await at.errors.count(), 0);
  });
});

test('each recommended query is one click away, valid, and answered', async () => {
  await open({}, async ({ at, token }) => {
    await at.schemaIsThere();
    await at.token.fill(token);
    await at.tab('Examples');
    const examples = at.panel.getByRole('list').getByRole('button');
    await examples.nth(2).waitFor();
    assert.equal(await examples.count(), 3);
    for (const example of await examples.all()) {
      await example.click();
      await at.query.filter({ hasText: 'getEnergySwitch' }).waitFor();
      await at.run.click();
      await at.hasStatus('Status 200');
      await at.result.filter({ hasText: SWITCH }).waitFor();
      assert.equal(await at.problem('query', '').count(), 0);
    }
  });
});

test('an error of the server is told in words, with a way to the token', async () => {
  await open({}, async ({ page, at }) => {
    await at.run.click();
    await at.errors.getByText('This needs a token').waitFor();
    await at.hasStatus('1 error');
    await at.errors.getByRole('button', { name: 'Enter a token' }).click();
    await page.locator('#token:focus').waitFor();
  });
});

test('a token that opens nothing, and one that cannot be one, are told', async () => {
  const expects = [/status of 401/];
  await open({ expects }, async ({ at }) => {
    await at.token.fill('wrong');
    await at.run.click();
    await at.hasStatus('Status 401');
    await at.token.fill('wröng');
    await at.run.click();
    await at.errors.getByText('copy it again').waitFor();
  });
});

test('a server that is not there, and variables that are not JSON, are told', async () => {
  await open({ expects: [/ERR_FAILED/] }, async ({ page, at }) => {
    await at.schemaIsThere();
    await page.route('**/v1/graphql', (route) => route.abort());
    await at.run.click();
    await at.errors.getByText('The server could not be reached').waitFor();
    await at.writeVariables('{ id }');
    await at.run.click();
    await at.errors.getByText('The variables are not JSON').waitFor();
  });
});

test('a query that takes long is stopped', async () => {
  await open({}, async ({ page, at }) => {
    await at.schemaIsThere();
    await page.route('**/v1/graphql', () => {});
    await at.run.click();
    await at.hasStatus('Running');
    await at.button('Stop').click();
    await at.errors.getByText('Stopped before the server answered').waitFor();
    await at.run.waitFor();
  });
});

test('of several operations the chosen one is run', async () => {
  await open({}, async ({ page, at }) => {
    await at.writeQuery('query First { first: __typename }\nquery Second { second: __typename }');
    const choice = page.getByLabel('Operation');
    await choice.selectOption('First');
    await at.run.click();
    await at.result.filter({ hasText: '"first":' }).waitFor();
    await choice.selectOption('Second');
    await at.run.click();
    await at.result.filter({ hasText: '"second":' }).waitFor();
  });
});

test('what was run comes back from the history after a reload, and can be forgotten', async () => {
  await open({}, async ({ page, at, token }) => {
    await at.token.fill(token);
    await at.writeQuery('query Remembered { __typename }');
    await at.run.click();
    await at.hasStatus('Status 200');
    await at.writeQuery('{ other: __typename }');
    await page.reload();
    await at.query.filter({ hasText: 'other' }).waitFor();
    await at.tab('History');
    await at.panel.getByRole('button', { name: /^Remembered/ }).click();
    await at.query.filter({ hasText: 'query Remembered' }).waitFor();
    await at.button('Forget Remembered').click();
    await at.panel.getByText('Nothing was run yet.').waitFor();
  });
});

test('the token is known to the page alone, and to nothing that the browser keeps', async () => {
  await open({}, async ({ page, at, token, origin }) => {
    await at.token.fill(token);
    await at.run.click();
    await at.hasStatus('Status 200');
    const kept = await page.evaluate(() => JSON.stringify([
      { ...localStorage }, { ...sessionStorage }, history.state, location.href, document.cookie,
      window.name,
    ]));
    assert.ok(kept.includes('getEnergySwitch') && !kept.includes(token), kept);
    await page.reload();
    assert.equal(await at.token.inputValue(), '');
    const other = await page.context().newPage();
    await other.goto(`${origin}/explorer`);
    assert.equal(await other.getByLabel('Token', { exact: true }).inputValue(), '');
  });
});

test('where the schema needs a token the panel leads to its field', async () => {
  await open({}, async ({ page, at }) => {
    await at.schemaIsThere();
    const error = { message: 'This needs a token', extensions: { code: 'UNAUTHENTICATED' } };
    await page.route('**/v1/graphql', (route) => route.fulfill({
      contentType: 'application/graphql-response+json', body: JSON.stringify({ errors: [error] }),
    }));
    await page.reload();
    await at.panel.getByText('This needs a token').waitFor();
    await at.panel.getByRole('button', { name: 'Enter a token' }).click();
    await hasFocus(page, 'Token', 'the field has the focus');
  });
});
