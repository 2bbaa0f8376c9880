// Verifies captured deliveries with node:crypto, the standardwebhooks package, and the code that
// docs/delivery.md gives to receivers.
//
// usage: node verify.mjs CAPTURE.json FOLDER_WITH_NODE_MODULES
//        (README.md beside this file describes the capture)
import { createHmac, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';

const [captureFile, modulesFolder] = process.argv.slice(2);
if (!captureFile || !modulesFolder) {
  console.error('usage: node verify.mjs CAPTURE.json FOLDER_WITH_NODE_MODULES');
  process.exit(2);
}
const require = createRequire(resolve(modulesFolder, 'package.json'));
const { Webhook, WebhookVerificationError } = require('standardwebhooks');

// The page's code, as a module of its own.
const page = readFileSync(new URL('../../docs/delivery.md', import.meta.url), 'utf8');
const [, code] = /```js\n([^]*?)```/.exec(page);
const ofThePage = await import(`data:text/javascript,${encodeURIComponent(code)}`);

// What anybody can send to a receiver. The page's code says no to it, and throws nothing.
const NOT_OURS = [
  {},
  { 'webhook-id': '1', 'webhook-timestamp': 'now', 'webhook-signature': 'v1,' },
  { 'x-signature': `sha1=${'\u00e9'.repeat(40)}` },
];

/** The page's two functions: what each is asked, and whether it answers as it should. */
function checksOfThePage(secret, sha1Key, headers, body) {
  const strange = {
    ...headers, 'webhook-signature': `v1,${'\u00e9'.repeat(44)}`, 'x-signature': '\u00e9'.repeat(45),
  };
  const changed = Buffer.concat([body, Buffer.from(' ')]);
  return [['isGenuine', secret], ['isGenuineSha1', sha1Key]].flatMap(([name, key]) => [
    [`${name} of the page says yes`, ofThePage[name](key, headers, body) === true],
    [`${name} of the page refuses a changed body`, ofThePage[name](key, headers, changed) === false],
    ...[...NOT_OURS, strange].map((given) => [
      `${name} of the page refuses ${JSON.stringify(given)}`,
      ofThePage[name](key, given, body) === false,
    ]),
  ]);
}

function fitsXSignature(key, body, header) {
  const expected = Buffer.from('sha1=' + createHmac('sha1', key).update(body).digest('hex'));
  const given = Buffer.from(header);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

function fitsStandard(secret, body, headers) {
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch (error) {
    if (error instanceof WebhookVerificationError) return false;
    throw error;
  }
}

/** Each check of one delivery: what it is, and whether it holds. */
function checks(delivery) {
  const lowered = Object.entries(delivery.headers).map(([name, value]) => [name.toLowerCase(), value]);
  const headers = Object.fromEntries(lowered);
  const body = Buffer.from(delivery.body_base64, 'base64');
  const key = Buffer.from(delivery.key_base64, 'base64');
  const changed = Buffer.concat([body, Buffer.from(' ')]);
  const xSignature = headers['x-signature'] ?? '';
  const results = [
    ['X-Signature fits', fitsXSignature(key, body, xSignature)],
    ['X-Signature refuses a changed body', !fitsXSignature(key, changed, xSignature)],
    ['there is a secret', delivery.secrets.length > 0],
  ];
  delivery.secrets.forEach((secret, index) => {
    const number = index + 1;
    results.push(
      [`webhook-signature fits secret ${number}`, fitsStandard(secret, body, headers)],
      [
        `webhook-signature refuses a changed body with secret ${number}`,
        !fitsStandard(secret, changed, headers),
      ],
      ...checksOfThePage(secret, `whsec_${delivery.key_base64}`, headers, body),
    );
  });
  return results;
}

const deliveries = JSON.parse(readFileSync(captureFile, 'utf8'));
if (!Array.isArray(deliveries) || deliveries.length === 0) {
  console.error('the capture holds no delivery: the test that writes it saw none');
  process.exit(1);
}
let passed = 0;
let failed = 0;
deliveries.forEach((delivery, index) => {
  for (const [what, holds] of checks(delivery)) {
    if (holds) passed += 1;
    else {
      failed += 1;
      console.error(`delivery ${index}: does not hold: ${what}`);
    }
  }
});
console.log(`Node: ${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
