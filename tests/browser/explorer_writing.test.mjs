// The Explorer: what helps while one writes.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { focused } from './browser.mjs';
import { SWITCH } from './explorer_page.mjs';
import { explorerStage } from './stage.mjs';

const ROUNDS_MAX = 40;

const open = explorerStage();

test('the page asks its own server only, and shows its schema without a token', async () => {
  await open({}, async ({ at }) => {
    await at.schemaIsThere();
    assert.equal(await at.token.inputValue(), '');
  });
});

test('the name of a field is completed', async () => {
  await open({}, async ({ page, at }) => {
    await at.schemaIsThere();
    await at.writeQuery('');
    await page.keyboard.type('{ getEnergyS');
    const suggestion = page.getByRole('option', { name: /getEnergySwitch / }).first();
    await suggestion.waitFor();
    // By mouse: the key Enter is not heard in the first moments, so that nobody takes by mistake
    // what came up under their fingers.
    await suggestion.click();
    await suggestion.waitFor({ state: 'detached' });
    await at.query.filter({ hasText: /getEnergySwitch/ }).waitFor();
  });
});

test('a suggestion is chosen and taken by keyboard, and Escape leaves what was typed', async () => {
  await open({}, async ({ page, at }) => {
    await at.schemaIsThere();
    const list = page.locator('.cm-tooltip-autocomplete');
    const chosen = list.getByRole('option', { selected: true });
    await chooseNext(page, at, chosen);
    await page.keyboard.press('Enter');
    await chosen.waitFor({ state: 'detached' });
    await at.query.filter({ hasText: /^\{ getAccounts\}$/ }).waitFor();
    await page.keyboard.type(' { items { stat');
    await chosen.filter({ hasText: /^status/ }).waitFor();
    await page.keyboard.press('Escape');
    await chosen.waitFor({ state: 'detached' });
    await at.query.filter({ hasText: /items \{ stat\}/ }).waitFor();
    await page.keyboard.press('Control+Space');
    await chosen.filter({ hasText: /^status/ }).waitFor();
    // Tab leaves the editor, also from a list that is open, and takes nothing.
    await page.keyboard.press('Tab');
    assert.doesNotMatch(await focused(page), /^Query, as GraphQL/);
    await at.query.filter({ hasText: /items \{ stat\}/ }).waitFor();
  });
});

// Goes from the first suggestion to the second. A list that has just come up hears no key for a
// moment, so that nobody takes by mistake what came up under their fingers: then it is made anew.
async function chooseNext(page, at, chosen) {
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    await at.writeQuery('');
    await page.keyboard.type('{ getAcc');
    await chosen.filter({ hasText: /^getAccountG/ }).waitFor();
    await page.keyboard.press('ArrowDown');
    if (await chosen.filter({ hasText: /^getAccountsA/ }).count() > 0) {
      return;
    }
  }
  assert.fail('the arrow key never chose the next suggestion');
}

test('a field that is not there is told as one types, and no more once it is mended', async () => {
  await open({}, async ({ page, at }) => {
    await at.schemaIsThere();
    await at.writeQuery('{ __typename\n  nothing }');
    const problem = at.problem('query', 'Cannot query field');
    await problem.waitFor();
    await problem.getByRole('button', { name: 'Line 2' }).click();
    await page.keyboard.press('Control+Delete');
    await page.keyboard.type('__typename');
    await problem.waitFor({ state: 'detached' });
    await at.writeQuery('{ __typename');
    await at.problem('query', 'Syntax Error').waitFor();
    await at.writeQuery('{ __typename }');
    await at.problem('query', 'Syntax Error').waitFor({ state: 'detached' });
  });
});

test('variables are held against what the operation declares', async () => {
  await open({}, async ({ at }) => {
    await at.schemaIsThere();
    await at.writeVariables('{ "id": "a", "other": 1 }');
    await at.problem('variables', 'declares no variable “$other”').waitFor();
    await at.writeVariables('{');
    await at.problem('variables', '').first().waitFor();
    await at.writeVariables('');
    await at.problem('variables', '"$id"').waitFor();
    await at.writeVariables(`{ "id": "${SWITCH}" }`);
    await at.problem('variables', '').waitFor({ state: 'detached' });
  });
});

test('text that is typed at once, over a selection of many lines, arrives as it was typed', async () => {
  await open({}, async ({ page, at }) => {
    await at.query.focus();
    await page.keyboard.press('Control+a');
    await page.keyboard.type('# one line of words, quickly');
    await at.query.filter({ hasText: /^# one line of words, quickly$/ }).waitFor();
    await page.keyboard.press('Control+z');
    await at.query.filter({ hasText: 'getEnergySwitch' }).waitFor();
  });
});

test('a query is laid out anew with its comments, and one that is broken stays', async () => {
  await open({}, async ({ page, at }) => {
    await at.writeQuery('{ # all\n__typename }');
    await at.button('Prettify').click();
    await page.locator('[data-editor=query] .cm-line').nth(2).waitFor();
    const lines = await page.locator('[data-editor=query] .cm-line').allTextContents();
    assert.deepEqual(lines, ['{ # all', '  __typename', '}']);
    await at.writeQuery('{ {');
    await at.button('Prettify').click();
    await page.getByText('Not laid out anew').waitFor();
    await at.query.filter({ hasText: /^\{ \{/ }).waitFor();
  });
});

test('the documentation is browsed, searched, and opened from the editor', async () => {
  await open({}, async ({ page, at }) => {
    await at.schemaIsThere();
    await at.panel.getByRole('button', { name: 'Query', exact: true }).click();
    await at.place('Query').waitFor();
    await at.panel.getByRole('button', { name: 'getEnergySwitch', exact: true }).click();
    await at.place('Query.getEnergySwitch').waitFor();
    await at.panel.getByRole('heading', { name: 'Arguments' }).waitFor();
    await at.panel.getByRole('button', { name: '‹ Query' }).click();
    await at.place('Query').waitFor();
    await at.search.fill('fuelsSwitched');
    await at.panel.getByRole('button', { name: 'EnergySwitch.fuelsSwitched', exact: true }).click();
    await at.place('EnergySwitch.fuelsSwitched').waitFor();
    await at.search.fill('no such word');
    await at.panel.getByText('No matches').waitFor();
    await at.writeQuery('{ getEnergySwitch }');
    await page.keyboard.press('Home');
    for (let step = 0; step < 5; step += 1) {
      await page.keyboard.press('ArrowRight');
    }
    await page.keyboard.press('F1');
    await at.place('Query.getEnergySwitch').waitFor();
  });
});
