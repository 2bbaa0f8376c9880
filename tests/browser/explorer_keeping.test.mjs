// The Explorer: what the browser keeps of it, on its disk too.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { launchWithProfile } from './browser.mjs';
import { startDemo } from './demo.mjs';
import { explorer } from './explorer_page.mjs';
import { explorerStage } from './stage.mjs';

const LINK = `mutation Link($credentials: [CredentialInput!]!) {
  linkAccount(provider: "inline-secret", credentials: $credentials) { __typename }
}`;
const CREDENTIALS = '{ "credentials": [{ "name": "password", "value": "typed-secret" }] }';
// Declares what LINK declares, as something else.
const SAME_NAME = `query SameName($credentials: ID!) {
  getEnergySwitch(id: $credentials) { __typename }
}`;
// What is written, the query, and the variables where those are what is half written.
const HALF_WRITTEN = [
  ['variables, a quotation mark missing', LINK,
    '{ "credentials": [{ "name: "password", "value": "typed-secret" }] }'],
  ['variables, a text on two lines', LINK,
    '{ "credentials": [{ "name": "password", "value": "typed\nsecond-secret" }] }'],
  ['variables, texts in other marks', LINK, "{ 'credentials': [{ 'value': 'typed-secret' }] }"],
  ['a mutation, a quotation mark missing',
    'mutation { linkAccount(provider: "inline, key: "typed-secret") { __typename } }'],
  ['a mutation, the first quotation mark missing',
    'mutation { linkAccount(provider: inline typed-secret", user: "1") { __typename } }'],
  ['a mutation, a text on two lines',
    'mutation { linkAccount(provider: "inline\nsecond-secret") { __typename } }'],
  ['a mutation, half of the word', 'mutatio { linkAccount(key: "typed-secret") { __typename } }'],
  ['variables where the query belongs', '{ "name": "password", "value": "typed-secret" }'],
];

const open = explorerStage();

test('a token and a password are on no disk after the browser was closed, a query is', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidings-profile-'));
  const demo = await startDemo();
  try {
    const context = await launchWithProfile(folder);
    const page = await context.newPage();
    await page.goto(`${demo.origin}/explorer`);
    const at = explorer(page);
    await at.schemaIsThere();
    await at.token.fill(demo.token);
    await at.writeQuery('query OnTheDisk { __typename }');
    await at.run.click();
    await at.hasStatus('Status 200');
    await at.writeQuery(LINK);
    await at.writeVariables(CREDENTIALS);
    await at.run.click();
    await at.result.filter({ hasText: 'linkAccount' }).waitFor();
    await context.close();
    const has = (word) => files(folder).some((bytes) =>
      bytes.includes(word) || bytes.includes(Buffer.from(word, 'utf16le')));
    const secrets = [demo.token, 'typed-secret', 'inline-secret'];
    assert.deepEqual([has('OnTheDisk'), ...secrets.map(has)], [true, false, false, false]);
  } finally {
    demo.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a mutation is whole while the page is there, and comes back without its texts', async () => {
  await open({}, async ({ page, at }) => {
    await at.writeQuery(LINK);
    await at.writeVariables(CREDENTIALS);
    await at.run.click();
    await at.hasStatus('error');
    await at.writeQuery('{ __typename }');
    await at.writeVariables('');
    await at.tab('History');
    const entry = at.panel.getByRole('button', { name: /^Link/ });
    await entry.click();
    await at.variables.filter({ hasText: 'typed-secret' }).waitFor();
    await page.reload();
    await at.query.filter({ hasText: 'linkAccount(provider: "", ' }).waitFor();
    await at.variables.filter({ hasText: '{ "name": "", "value": "" }' }).waitFor();
    await at.writeQuery('{ __typename }');
    await at.tab('History');
    await entry.click();
    await at.query.filter({ hasText: 'linkAccount(provider: "", ' }).waitFor();
    await at.variables.filter({ hasText: '{ "name": "", "value": "" }' }).waitFor();
  });
});

test('the values of a mutation are kept at no moment beside another operation', async () => {
  await open({}, async ({ page, at }) => {
    await at.writeQuery(SAME_NAME);
    await at.writeVariables('{ "credentials": "some-id" }');
    await at.run.click();
    await at.result.filter({ hasText: 'getEnergySwitch' }).waitFor();
    await at.writeQuery('{ before: __typename }');
    await watchKeeping(page);
    await at.writeVariables(CREDENTIALS);
    await at.writeQuery(LINK);
    await at.run.click();
    await at.result.filter({ hasText: 'linkAccount' }).waitFor();
    await at.tab('History');
    const same = at.panel.getByRole('button', { name: /^SameName/ });
    await same.click();
    await at.query.filter({ hasText: 'SameName' }).waitFor();
    await at.panel.getByRole('button', { name: /^Link/ }).click();
    await at.variables.filter({ hasText: 'typed-secret' }).waitFor();
    await at.writeQuery('{ __typename }');
    await at.run.click();
    await at.button('Forget __typename').waitFor();
    const kept = await whatWasKept(page);
    for (const part of ['linkAccount(provider: ', '"value": ""', '"credentials": "some-id"']) {
      assert.ok(kept.includes(part), `${part} is not in ${kept}`);
    }
    assert.ok(!kept.includes('-secret'), kept);
  });
});

for (const [what, query, variables] of HALF_WRITTEN) {
  test(`half written, a text is kept at no moment: ${what}`, async () => {
    const expects = variables === undefined ? [/status of 400/] : [];
    await open({ expects }, async ({ page, at }) => {
      await watchKeeping(page);
      await at.writeQuery(query);
      await at.writeVariables(variables ?? '{ "shape": "some-secret" }');
      await at.run.click();
      await at.hasStatus(variables === undefined ? 'Status 400' : 'No answer');
      await at.tab('History');
      await at.button('Forget all').waitFor();
      const kept = await whatWasKept(page);
      const expected = variables === undefined ? '{ "shape": "" }' : 'linkAccount(provider: "", ';
      assert.ok(kept.includes(expected) && !kept.includes('-secret'), kept);
    });
  });
}

test('what another tab forgets stays forgotten where the browser would keep no more', async () => {
  await open({}, async ({ page, at, origin }) => {
    const run = async (name) => {
      await at.writeQuery(`query ${name} { __typename }`);
      await at.run.click();
      await at.hasStatus('Status 200');
    };
    await run('Kept');
    await at.tab('History');
    await page.evaluate(() => {
      Storage.prototype.setItem = () => {
        throw new DOMException('full', 'QuotaExceededError');
      };
    });
    await run('Refused');
    await at.button('Forget Refused').waitFor();
    const second = await page.context().newPage();
    await second.goto(`${origin}/explorer`);
    const beside = explorer(second);
    await beside.tab('History');
    await beside.button('Forget Kept').click();
    await at.button('Forget Kept').waitFor({ state: 'detached' });
  });
});

test('what two tabs ran is in both histories, and what one forgets is gone in both', async () => {
  await open({}, async ({ page, at, origin }) => {
    const second = await page.context().newPage();
    await second.goto(`${origin}/explorer`);
    const beside = explorer(second);
    for (const [where, name] of [[at, 'InOne'], [beside, 'InTwo'], [at, 'InOneAgain']]) {
      await where.writeQuery(`query ${name} { __typename }`);
      await where.run.click();
      await where.hasStatus('Status 200');
      await where.tab('History');
    }
    for (const where of [at, beside]) {
      for (const name of ['InOne', 'InTwo', 'InOneAgain']) {
        await where.button(`Forget ${name}`).waitFor();
      }
    }
    await beside.button('Forget InOne').click();
    await at.button('Forget InOne').waitFor({ state: 'detached' });
    await beside.button('Forget all').click();
    await at.panel.getByText('Nothing was run yet.').waitFor();
    await at.run.click();
    await at.button('Forget InOneAgain').waitFor();
    assert.equal(await at.panel.getByRole('button', { name: /^Forget In/ }).count(), 1);
  });
});

test('a query of 100 KB is taken, run and told of, and is not kept for ever', async () => {
  await open({ expects: [/status of 400/] }, async ({ page, at }) => {
    await at.schemaIsThere();
    const fields = Array.from({ length: 4_000 }, (_, index) => `a${index}: __typename # ${index}`);
    await at.writeQuery(`query Long {\n  ${fields.join('\n  ')}\n}`);
    await at.run.click();
    await at.errors.getByText('QUERY_TOO_LARGE').waitFor();
    await at.tab('History');
    await at.panel.getByText('Nothing was run yet.').waitFor();
    await page.reload();
    await at.query.filter({ hasText: 'query Long' }).waitFor();
  });
});

function files(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath ?? entry.path, entry.name)));
}

/** From now on, remembers all that the page gives to the browser to keep. */
function watchKeeping(page) {
  return page.evaluate(() => {
    globalThis.kept = [];
    const { setItem } = Storage.prototype;
    Storage.prototype.setItem = function keep(name, text) {
      globalThis.kept.push(...textsIn(JSON.parse(text)));
      setItem.call(this, name, text);
    };
    const textsIn = (value) => (typeof value === 'object' && value !== null
      ? Object.values(value).flatMap(textsIn)
      : [String(value)]);
  });
}

function whatWasKept(page) {
  return page.evaluate(() => globalThis.kept.join('\n'));
}
