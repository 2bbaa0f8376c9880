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
