// The pages of Auth Link: by keyboard alone, in both languages, light and dark, wide, narrow and
// enlarged, with JavaScript and without, and the ways out.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { hasNoBarrier, launch, visit } from './browser.mjs';
import { PASSWORD, startInstallation } from './installation.mjs';
import { WORDS, linkAddress, linkByKeyboard } from './link_page.mjs';

const WAYS = [
  { language: 'en', colorScheme: 'light', viewport: { width: 1280, height: 800 } },
  { language: 'cy', colorScheme: 'dark', viewport: { width: 320, height: 640 } },
  // As a window of 1280 by 800 that is enlarged to 200 %.
  { language: 'en', colorScheme: 'dark', viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 },
  { language: 'cy', colorScheme: 'light', viewport: { width: 768, height: 1024 } },
];

let browser;
let place;
before(async () => {
  [browser, place] = await Promise.all([launch(), startInstallation()]);
});
after(async () => {
  await browser?.close();
  place?.stop();
});

// What leads back to the application is a request to another host, and is meant.
function expects(...more) {
  return [new RegExp(`request to another host: ${place.back}`), ...more];
}

// What the application is told at the end of the present way.
async function cameBack(page) {
  await page.waitForURL((url) => url.href.startsWith(place.back));
  return Object.fromEntries(new URL(page.url()).searchParams);
}

for (const { language, ...options } of WAYS) {
  const { colorScheme, viewport } = options;
  test(`an account is linked by keyboard: ${language}, ${colorScheme}, ${viewport.width}`, async () => {
    const seen = [];
    const address = linkAddress(place, language);
    await visit(browser, address, { ...options, expects: expects(/of 422/) }, async (page) => {
      const words = WORDS[language];
      await linkByKeyboard(page, words, words.full, async (state) => {
        seen.push(state);
        assert.equal(await page.getAttribute('html', 'lang'), language, state);
        await hasNoBarrier(page, state);
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(width <= viewport.width, `${state}: ${width} pixels wide`);
      });
      assert.equal(seen.length, 8, seen.join(', '));
      await page.keyboard.press('Enter');
      const { code, state, iss, ...rest } = await cameBack(page);
      assert.deepEqual([state, iss, rest], ['known', place.origin, {}]);
      assert.match(code, /^[0-9a-f]{24}\.\S{43}$/);
    });
  });
}

test('an account is linked without JavaScript, by pointer, and the language is changed on the way', async () => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const faults = [];
  try {
    const page = await context.newPage();
    page.on('console', (message) => faults.push(message.text()));
    await page.goto(linkAddress(place, 'en'));
    await page.getByRole('button', { name: 'Sample Energy' }).click();
    await page.getByRole('link', { name: 'Cymraeg' }).click();
    await page.getByLabel(WORDS.cy.email).fill('ada@example.com');
    await page.getByLabel(WORDS.cy.password).fill(PASSWORD);
    await page.getByRole('button', { name: WORDS.cy.goOn }).click();
    await page.getByLabel(WORDS.cy.full, { exact: true }).check();
    await page.getByRole('button', { name: WORDS.cy.agree }).click();
    await page.getByRole('heading', { name: WORDS.cy.done }).waitFor();
    await page.getByRole('button', { name: WORDS.cy.back }).click();
    const { code, state } = await cameBack(page);
    assert.deepEqual([typeof code, state, faults], ['string', 'known', []]);
  } finally {
    await context.close();
  }
});

for (const stop of ['provider', 'credentials', 'consent']) {
  test(`who cancels at the ${stop} page comes back to the application, which is told`, async () => {
    await visit(browser, linkAddress(place, 'en'), { expects: expects() }, async (page) => {
      if (stop !== 'provider') {
        await page.getByRole('button', { name: 'Sample Energy' }).click();
        await page.waitForURL('**/link/credentials');
      }
      if (stop === 'consent') {
        await page.getByLabel(WORDS.en.email).fill('ada@example.com');
        await page.getByLabel(WORDS.en.password).fill(PASSWORD);
        await page.keyboard.press('Enter');
        await page.waitForURL('**/link/consent');
      }
      await page.getByRole('button', { name: WORDS.en.cancel }).press('Enter');
      const { error, state, iss, code } = await cameBack(page);
      assert.deepEqual([error, state, iss, code], ['access_denied', 'known', place.origin, undefined]);
    });
  });
}

test('the way to a page that cannot be shown says why and what to do', async () => {
  const expected = { expects: [/status of 400/] };
  const unknown = `${place.origin}/link?client_id=nobody&locale=cy`;
  await visit(browser, unknown, expected, async (page) => {
    await page.getByRole('heading', { name: "Nid yw'r ddolen hon yn gweithio" }).waitFor();
    await hasNoBarrier(page, 'an application that nobody knows');
  });
  await visit(browser, `${place.origin}/link/consent`, expected, async (page) => {
    await page.getByRole('heading', { name: 'This page is no longer valid' }).waitFor();
    await page.getByText('Go back to the application and begin again').waitFor();
    await hasNoBarrier(page, 'a link that nobody began');
  });
});

test('on a small screen long names stay within the page, and short words of ours stay whole', async () => {
  const name = 'Gasversorgungsgesellschaftsbeteiligungsverwaltung';
  place.tidings(
    'provider', 'add', 'long', '--name', name, '--sector', 'broadband', '--quick-check', 'true',
    '--automated-data-collection', 'true', '--adapter-url', place.sample,
  );
  const options = { viewport: { width: 320, height: 640 }, expects: [/of 422/] };
  await visit(browser, linkAddress(place, 'en'), options, async (page) => {
    const isWithin = async (state) => {
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(width <= 320, `${state}: ${width} pixels wide`);
    };
    await isWithin('the choice');
    const lines = await page.locator('.choices .note').evaluateAll(
      (notes) => notes.map((note) => Math.round(
        note.getBoundingClientRect().height / parseFloat(getComputedStyle(note).lineHeight),
      )),
    );
    assert.deepEqual(lines, [1, 1], 'the sectors');
    await page.getByRole('button', { name }).click();
    await isWithin('the credentials');
    await page.getByLabel(WORDS.en.email).fill('ada@example.com');
    await page.getByLabel(WORDS.en.password).fill(PASSWORD);
    await page.keyboard.press('Enter');
    await page.waitForURL('**/link/consent');
    await isWithin('the consent');
    await page.getByRole('button', { name: WORDS.en.agree }).click();
    await page.getByRole('alert').waitFor();
    await isWithin('what is wrong');
  });
});
