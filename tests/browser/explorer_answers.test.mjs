// The Explorer, and answers that nobody expects: odd, hostile, huge, late, from something between.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { comesTo } from './browser.mjs';
import { explorerStage } from './stage.mjs';

const JSON_TYPE = 'application/json';
const DEEP = 100_000;

const open = explorerStage();

// Opens the page, has every request answered with this, and runs what is there.
async function run(answer, act, options = {}) {
  await open(options, async ({ page, at }) => {
    await at.schemaIsThere();
    page.on('dialog', () => assert.fail('a script of the answer was run'));
    await page.route('**/v1/graphql', (route) => route.fulfill({ contentType: JSON_TYPE, ...answer }));
    await at.run.click();
    await act({ page, at });
    // Whatever came, the page goes on.
    await page.unroute('**/v1/graphql');
    await at.writeQuery('{ after: __typename }');
    await at.run.click();
    await at.result.filter({ hasText: '"after": "Query"' }).waitFor();
  });
}

const ODD = {
  'nothing at all': ['', 'The server answered with status 200 and no GraphQL.'],
  'no JSON': ['<h1>Hello</h1>', 'The server answered with status 200 and no GraphQL.'],
  'a number': ['42', 'The server answered with status 200 and no GraphQL.'],
  null: ['null', 'The server answered with status 200 and no GraphQL.'],
  'errors that are no list': ['{"errors":"x"}', 'The server answered with status 200'],
  'errors that are none': ['{"errors":[null,3,{"message":7,"path":"x","locations":"y"}]}',
    'An error without a message.'],
  'an error with everything wrong':
    ['{"errors":[{"message":"kept","locations":[{"line":{}}],"extensions":{"code":[]}}]}', 'kept'],
};

for (const [name, [body, told]] of Object.entries(ODD)) {
  test(`${name} is told as an error, and the page goes on`, async () => {
    await run({ body }, async ({ at }) => {
      await at.errors.getByText(told).first().waitFor();
    });
  });
}

test('the page of a proxy is told with its status, and is not shown as a page', async () => {
  const body = '<html><body><h1>Bad Gateway</h1><script>alert(1)</script></body></html>';
  const expects = [/status of 502/];
  await run({ status: 502, contentType: 'text/html', body }, async ({ page, at }) => {
    await at.errors.getByText('The server answered with status 502').waitFor();
    await at.result.filter({ hasText: '<h1>Bad Gateway</h1>' }).waitFor();
    assert.equal(await page.getByRole('heading', { name: 'Bad Gateway' }).count(), 0);
  }, { expects });
});

test('markup in an answer is text, wherever it is shown', async () => {
  const markup = '<img src=x onerror=alert(1)><svg onload=alert(2)>';
  const body = JSON.stringify({
    errors: [{ message: `${markup} \`${markup}\``, path: [markup], extensions: { code: markup } }],
    data: { [markup]: `</script>${markup}`, turned: '\u202eabc', nothing: '\u0000' },
  });
  await run({ body }, async ({ page, at }) => {
    await at.errors.getByText(markup).first().waitFor();
    await at.result.filter({ hasText: markup }).waitFor();
    assert.equal(await page.locator('img, .result svg').count(), 0);
  });
});

test('an answer that is nested very deep is shown as it came', async () => {
  const body = `{"data":${'['.repeat(DEEP)}${']'.repeat(DEEP)}}`;
  await run({ body }, async ({ at }) => {
    await at.hasStatus('Status 200');
    await at.result.filter({ hasText: '{"data":[[[[' }).waitFor();
  });
});

test('of an answer that is too long to read the beginning is shown, and all of it copied', async () => {
  const body = JSON.stringify({ data: { long: 'y'.repeat(3_000_000), end: 'the end' } });
  const options = { permissions: ['clipboard-read', 'clipboard-write'] };
  await run({ body }, async ({ page, at }) => {
    await at.hasStatus('Status 200');
    await page.getByText(/^The first 1,000,000 characters of 3,0.* Copy takes all/).waitFor();
    await at.button('Copy').click();
    await page.getByText('Copied', { exact: true }).waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.deepEqual(JSON.parse(copied), JSON.parse(body));
  }, options);
});

test('of thousands of errors the first are listed, and the others counted', async () => {
  const errors = Array.from({ length: 5_000 }, (_, index) => ({ message: `error ${index}.` }));
  await run({ body: JSON.stringify({ errors }) }, async ({ at }) => {
    await at.hasStatus('5,000 errors');
    await at.errors.getByText('error 19.').waitFor();
    await at.errors.getByText('4,980 more errors: the whole answer is below').waitFor();
    assert.equal(await at.errors.getByRole('listitem').count(), 21);
  });
});

test('a result is copied where the browser lends no clipboard too, as without https', async () => {
  await open({ permissions: ['clipboard-read'] }, async ({ page, at }) => {
    await page.evaluate(() => {
      Object.defineProperty(navigator.clipboard, 'writeText', { value: undefined });
    });
    await at.writeQuery('{ copied: __typename }');
    await at.run.click();
    await at.hasStatus('Status 200');
    await at.button('Copy').focus();
    await page.keyboard.press('Enter');
    await page.getByText('Copied', { exact: true }).waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.deepEqual(JSON.parse(copied), { data: { copied: 'Query' } });
    await page.locator('button:focus', { hasText: 'Copy' }).waitFor();
  });
});

test('in a narrow window the answer comes into sight', async () => {
  await open({ viewport: { width: 360, height: 480 } }, async ({ page, at }) => {
    const isSeen = () => page.locator('.result .status').evaluate((status) => {
      const { top, bottom } = status.getBoundingClientRect();
      return top >= 0 && bottom <= innerHeight;
    });
    assert.equal(await isSeen(), false, 'the answer is in sight before it is there');
    await at.run.click();
    await at.hasStatus('1 error');
    await comesTo(isSeen, true, 'the answer is in sight');
  });
});

test('a token that is wrong leaves the schema that was there, and says so', async () => {
  await open({ expects: [/status of 401/] }, async ({ page, at }) => {
    await at.schemaIsThere();
    await at.token.fill('tidings_expired');
    const state = page.getByText('Still the schema of before: the token is wrong, expired');
    await state.waitFor();
    await at.token.fill('');
    await state.waitFor({ state: 'detached' });
    await at.schemaIsThere();
  });
});
