// The whole story: a person links an account on the pages of Auth Link, with a client that is not
// ours; what is collected arrives at a receiver and at a poller, is downloaded, grows, and ends with
// the consent.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { hasNoBarrier, launch, visit } from './browser.mjs';
import { PASSWORD, startInstallation } from './installation.mjs';

const CLIENT = fileURLToPath(new URL('client.py', import.meta.url));
const PYTHON = fileURLToPath(new URL('../../target/verify/python/bin/python', import.meta.url));
const DOCUMENT_QUERY = `query($id: ID!) { getDocument(id: $id) { __typename
  ... on Document { id title sha256 downloadUrl } } }`;
const ACCOUNT_QUERY = `query($id: ID!) { getAccount(id: $id) { __typename
  ... on Account { id status accessLevel user { id } } } }`;

let browser;
let place;
before(async () => {
  browser = await launch();
  place = await startInstallation(['--documents', '2', '--sync-every-s', '5']);
});
after(async () => {
  await browser?.close();
  place?.stop();
});

/** Runs a step of the client. */
function client(args, input = '') {
  return new Promise((found, failed) => {
    const env = { ...process.env, AUTHLIB_INSECURE_TRANSPORT: '1' };
    const child = execFile(PYTHON, [CLIENT, ...args], { env }, (error, stdout, stderr) => {
      if (error) failed(new Error(`${args[0]}: ${stderr}`));
      else found(JSON.parse(stdout));
    });
    child.stdin.end(input);
  });
}

function graphql(token, query, variables) {
  return fetch(`${place.origin}/v1/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables }),
  }).then((answer) => answer.json());
}

/** What a webhook was told, as the query's answer. */
function told(trigger, is = () => true) {
  const of = (request) => {
    if (!request.body) return null;
    const body = JSON.parse(request.body);
    return body.webhook.trigger === trigger ? Object.values(body.data)[0] : null;
  };
  const matches = (request) => of(request) !== null && is(of(request));
  return place.receiver.wait(trigger, matches).then(of);
}

/** Goes through the pages by keyboard alone, and looks at each. */
async function link(page) {
  await hasNoBarrier(page, 'the choice of a provider');
  await press(page, 'Sample Energy');
  await page.waitForURL(/\/link\/credentials/);
  await hasNoBarrier(page, 'the credentials');
  await fill(page, 'ada@example.com', 'wrong');
  await page.getByText('password', { exact: false }).first().waitFor();
  await hasNoBarrier(page, 'credentials that were rejected');
  await fill(page, 'ada@example.com', PASSWORD);
  await page.waitForURL(/\/link\/consent/);
  await hasNoBarrier(page, 'the consent');
  const ongoing = page.locator('input[type=radio][value=FULL_CHECK_ONGOING]');
  if (await ongoing.count()) {
    await ongoing.focus();
    await page.keyboard.press('Space');
  }
  const agree = page.locator('input[type=checkbox]');
  if (await agree.count()) {
    await agree.focus();
    await page.keyboard.press('Space');
  }
  await submit(page);
  await page.waitForURL(/\/link\/done/);
  await hasNoBarrier(page, 'the end');
  await submit(page);
  await page.waitForURL((url) => url.href.startsWith(place.back));
}

async function press(page, name) {
  await page.getByRole('button', { name }).focus();
  await page.keyboard.press('Enter');
}

async function fill(page, email, password) {
  const fields = page.locator('form input:not([type=hidden])');
  await fields.nth(0).focus();
  await page.keyboard.press('Control+A');
  await page.keyboard.type(email);
  await fields.nth(1).focus();
  await page.keyboard.press('Control+A');
  await page.keyboard.type(password);
  await page.keyboard.press('Enter');
  await page.waitForLoadState();
}

/** The one button of the page that goes on. */
async function submit(page) {
  await page.locator('main form button').first().focus();
  await page.keyboard.press('Enter');
}

test('an account is linked, collected, told of, polled, downloaded, and let go', async () => {
  const hook = `${place.receiver.origin}/hook`;
  const listen = (name, trigger, query) => place.tidings(
    'webhook', 'add', '--application', 'acme', '--name', name, '--triggers', trigger,
    '--url', hook, '--query', query,
  );
  listen('accounts', 'AccountAdded', ACCOUNT_QUERY);
  listen('documents', 'DocumentAdded', DOCUMENT_QUERY);

  const { address, kept } = await client(['begin', place.origin, place.back]);
  // The way back leads to the application; the wrong password was typed on purpose.
  const expects = [new RegExp(`request to another host: ${place.back}`), /status of 422/];
  const options = { colorScheme: 'light', locale: 'en-GB', expects };
  await visit(browser, address, options, link);
  const came = await place.application.wait('the way back', ({ url }) => url.includes('code='));
  const back = `${place.application.origin}${came.url}`;
  assert.equal(new URL(back).searchParams.get('iss'), place.origin);
  const { token, status, refreshed } = await client(['finish', place.origin, place.back, kept], back);
  assert.equal(status.accounts[0].id, token.account);
  assert.notEqual(refreshed.refresh_token, token.refresh_token);

  const account = await told('AccountAdded', ({ id }) => id === token.account);
  assert.equal(account.user.id, token.user);
  const first = await told('DocumentAdded', ({ title }) => title === 'Bill 1');
  const bearer = { authorization: `Bearer ${refreshed.access_token}` };
  const bytes = await fetch(first.downloadUrl, { headers: bearer });
  assert.equal(bytes.status, 200);
  assert.match(await bytes.text(), /^%PDF-/);

  const poll = `${place.origin}/v1/graphql?query=${encodeURIComponent(
    `{ getDocuments(account: "${token.account}", updatedSince: "2001-01-01T00:00:00Z") {
      items { title } deleted } }`,
  )}`;
  const asked = (tag, as = bearer) => fetch(poll, { headers: { ...as, 'if-none-match': tag } });
  await told('DocumentAdded', ({ title }) => title === 'Bill 2');
  await fetch(`${place.sample}/sample/documents`, { method: 'POST' });
  await told('DocumentAdded', ({ title }) => title === 'Bill 3');
  const answered = await asked('"none"');
  const titles = (await answered.json()).data.getDocuments.items.map(({ title }) => title);
  assert.deepEqual(titles.sort(), ['Bill 1', 'Bill 2', 'Bill 3']);

  const issued = JSON.parse(place.tidings('token', 'issue', '--application', 'acme', '--json'));
  const withdraw = 'mutation($id: ID!) { withdrawConsent(account: $id) { __typename } }';
  await graphql(issued.token, withdraw, { id: token.account });
  assert.equal((await asked('"none"')).status, 401, 'the token ended with the consent');
  assert.equal((await fetch(first.downloadUrl, { headers: bearer })).status, 401);
  const own = { authorization: `Bearer ${issued.token}` };
  const tag = (await asked('"none"', own)).headers.get('etag');
  assert.equal((await asked(tag, own)).status, 304);
  assert.equal((await fetch(first.downloadUrl, { headers: own })).status, 404);
  await fetch(`${place.sample}/sample/documents`, { method: 'POST' });
  const query = `{ getAccount(id: "${token.account}") { ... on Account { status
    documents { items { id } } } } }`;
  const { data } = await graphql(issued.token, query, {});
  assert.deepEqual(data.getAccount, { status: 'CONSENT_WITHDRAWN', documents: { items: [] } });
});

test('the pages of Auth Link hold in Welsh, in the dark, and in a narrow window', async () => {
  const { address } = await client(['begin', place.origin, place.back]);
  const looks = [
    { colorScheme: 'dark', locale: 'cy-GB' },
    { colorScheme: 'light', locale: 'en-GB', viewport: { width: 320, height: 640 } },
  ];
  for (const look of looks) {
    await visit(browser, address, look, async (page) => {
      const language = await page.locator('html').getAttribute('lang');
      assert.ok(look.locale.startsWith(language.slice(0, 2)), language);
      await hasNoBarrier(page, `the choice of a provider, ${JSON.stringify(look)}`);
      const wider = await page.evaluate(() => document.body.scrollWidth > innerWidth);
      assert.equal(wider, false, 'it scrolls sideways');
      await press(page, 'Sample Energy');
      await page.waitForURL(/\/link\/credentials/);
      await hasNoBarrier(page, `the credentials, ${JSON.stringify(look)}`);
    });
  }
});
