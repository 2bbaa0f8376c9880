// The pages of Auth Link as a person meets them, step by step, with nothing but the keyboard.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';

import { comesTo, focused, hasFocus, tabTo } from './browser.mjs';
import { PASSWORD } from './installation.mjs';

// The arrows go round, so a level that is not there would be looked for without end.
const LEVEL_STEPS_MAX = 5;

/** Where an application of the name acme sends a person to. */
export function linkAddress({ origin, back }, locale) {
  const challenge = createHash('sha256').update(randomBytes(48).toString('base64url'));
  const parameters = new URLSearchParams({
    response_type: 'code',
    client_id: 'acme',
    redirect_uri: back,
    state: 'known',
    scope: 'read:accounts offline_access',
    code_challenge: challenge.digest('base64url'),
    code_challenge_method: 'S256',
    locale,
  });
  return `${origin}/link?${parameters}`;
}

/** The words by which the tests find their way, in each language. */
export const WORDS = {
  en: {
    skip: 'Skip to the content', other: 'Cymraeg', email: 'E-mail address', password: 'Password',
    goOn: 'Continue', wrong: 'The password is wrong', fill: 'Fill in this field: Password',
    choose: 'Choose what is read', full: 'Full Check', ongoing: 'Full Check and from then on', agree: 'I agree: link my account',
    done: 'Your account is linked', back: 'Go back to acme', cancel: 'Cancel and go back to acme',
    none: 'No provider was found',
  },
  cy: {
    skip: "Neidio i'r cynnwys", other: 'English', email: 'Cyfeiriad e-bost', password: 'Cyfrinair',
    goOn: 'Parhau', wrong: "Mae'r cyfrinair yn anghywir", fill: 'Llenwch y maes hwn: Cyfrinair',
    choose: 'Dewiswch beth a ddarllenir', full: 'Gwiriad Llawn', ongoing: 'Gwiriad Llawn ac o hynny ymlaen',
    agree: 'Cytuno: cysylltu fy nghyfrif', done: "Mae eich cyfrif wedi'i gysylltu",
    back: 'Mynd yn ôl i acme', cancel: 'Canslo a mynd yn ôl i acme',
    none: 'Ni chafwyd hyd i ddarparwr',
  },
};

/**
 * Links an account by keyboard. `look(state)` is called on each page that is met; `words` are those
 * of the language, `level` those of the access level. Ends on the page that leads back.
 */
export async function linkByKeyboard(page, words, level, look) {
  await look('the choice of a provider');
  await tabSeen(page, words.skip);
  await tabSeen(page, words.other);
  await page.keyboard.press('Tab');
  await page.keyboard.type('no such provider');
  await page.keyboard.press('Enter');
  await page.getByText(words.none).waitFor();
  await look('a search that finds nothing');
  await page.goBack();
  await tabSeen(page, 'Sample Energy');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/link/credentials');
  await look('the credentials');
  await tabSeen(page, words.email);
  await page.keyboard.type('ada@example.com');
  await page.keyboard.press('Enter');
  await told(page, words.fill, look);
  await tabSeen(page, words.fill);
  await page.keyboard.press('Enter');
  await comesTo(
    () => page.evaluate(() => document.activeElement.id), 'credential-1', 'the field has the focus',
  );
  await page.keyboard.type('wrong');
  await page.keyboard.press('Enter');
  await told(page, words.wrong, look);
  assert.equal(await page.getByLabel(words.email).inputValue(), 'ada@example.com');
  assert.equal(await page.getByLabel(words.password).inputValue(), '');
  await tabSeen(page, words.password);
  await page.keyboard.type(PASSWORD);
  await tabSeen(page, words.goOn);
  await page.keyboard.press('Enter');
  await page.waitForURL('**/link/consent');
  await look('the consent');
  await tabSeen(page, words.agree);
  await page.keyboard.press('Enter');
  await told(page, words.choose, look);
  await tabSeen(page, words.choose);
  await page.keyboard.press('Enter');
  for (let step = 0; step < LEVEL_STEPS_MAX && await focused(page) !== level; step += 1) {
    await page.keyboard.press('ArrowDown');
  }
  await hasFocus(page, level, 'the arrows come to the access level');
  await tabSeen(page, words.agree);
  await page.keyboard.press('Enter');
  await page.waitForURL('**/link/done');
  await page.getByRole('heading', { name: words.done }).waitFor();
  await look('the end');
  await hasFocus(page, words.back, 'what is left to do has the focus');
}

// That the page says what is wrong, and that who listens or looks is led there.
async function told(page, text, look) {
  const problems = page.getByRole('alert');
  await problems.getByText(text).waitFor();
  await hasFocus(page, new RegExp(text), 'what is wrong has the focus');
  await look(`told: ${text}`);
}

// Goes on by Tab to something, and sees that the focus shows.
async function tabSeen(page, name) {
  await tabTo(page, new RegExp(`^${name}`));
  const ring = await page.evaluate(() => {
    const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
    return { outlineStyle, outlineWidth };
  });
  const expected = { outlineStyle: 'solid', outlineWidth: '3px' };
  assert.deepEqual(ring, expected, name);
  // The window follows the focus, a frame later.
  await page.waitForFunction(() => {
    const { top, left, bottom } = document.activeElement.getBoundingClientRect();
    return top >= -1 && left >= 0 && bottom <= innerHeight + 1;
  });
}
