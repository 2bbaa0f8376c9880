// The whole story: a person links an account on the pages of Auth Link, with a client that is not
// ours; what is collected arrives at a receiver and at a poller, is downloaded, grows, and ends with
// the consent.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { hasNoBarrier, launch, visit } from './browser.mjs';
import { PASSWORD, startInstallation } from './installation.mjs';
import { WORDS, linkByKeyboard } from './link_page.mjs';

const CLIENT = fileURLToPath(new URL('client.py', import.meta.url));
const PYTHON = fileURLToPath(new URL('../../target/verify/python/bin/python', import.meta.url));
const DOCUMENT_QUERY = `query($id: ID!) { getDocument(id: $id) { __typename
  ... on Document { id title sha256 downloadUrl account { id } } } }`;
const LINK_MUTATION = `mutation($user: ID!, $credentials: [CredentialInput!]!) {
  linkAccount(user: $user, provider: "sample", accessLevel: FULL_CHECK_ONGOING,
    credentials: $credentials, consent: { text: "agreed", givenAt: "2020-01-01T00:00:00Z" }) {
    __typename ... on Account { id } ... on OperationFailure { description } } }`;
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

/** What a request to the receiver tells of a trigger, as the query's answer; else null. */
const tells = (trigger) => (request) => {
  if (!request.body) return null;
  const body = JSON.parse(request.body);
  return body.webhook.trigger === trigger ? Object.values(body.data)[0] : null;
};

/** What a webhook was told, now or later. */
function told(trigger, is = () => true) {
  const of = tells(trigger);
  const matches = (request) => of(request) !== null && is(of(request));
  return place.receiver.wait(trigger, matches).then(of);
}

/** Links another account, that begins to be collected now: gives its id. */
async function linkAnother(token, user) {
  const { data } = await graphql(token, LINK_MUTATION, {
    user,
    credentials: [
      { name: 'email', value: 'grace@example.com' }, { name: 'password', value: PASSWORD },
    ],
  });
  assert.ok(data.linkAccount.id, JSON.stringify(data));
  return data.linkAccount.id;
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
  await visit(browser, address, options, async (page) => {
    await linkByKeyboard(page, WORDS.en, WORDS.en.ongoing, (state) => hasNoBarrier(page, state));
    await page.keyboard.press('Enter');
    await page.waitForURL((url) => url.href.startsWith(place.back));
  });
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
  // An account that is linked after that is collected once and once more. In that time the other
  // would have been asked for as well.
  const another = await linkAnother(issued.token, token.user);
  const isOf = (account, bill) => (document) =>
    document.account?.id === account && document.title === bill;
  await told('DocumentAdded', isOf(another, 'Bill 4'));
  await fetch(`${place.sample}/sample/documents`, { method: 'POST' });
  await told('DocumentAdded', isOf(another, 'Bill 5'));
  const of = tells('DocumentAdded');
  const ofOld = place.receiver.requests.map(of).filter((document) =>
    document?.account?.id === token.account);
  assert.deepEqual(ofOld.map(({ title }) => title).sort(), ['Bill 1', 'Bill 2', 'Bill 3']);
  const query = `{ getAccount(id: "${token.account}") { ... on Account { status
    documents { items { id } } } } }`;
  const { data } = await graphql(issued.token, query, {});
  assert.deepEqual(data.getAccount, { status: 'CONSENT_WITHDRAWN', documents: { items: [] } });
});
