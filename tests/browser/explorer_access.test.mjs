// The Explorer: by keyboard alone, with a screen reader, in light and dark, wide and narrow.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { comesTo, hasFocus, hasNoBarrier, tabTo } from './browser.mjs';
import { explorerStage } from './stage.mjs';

const NARROW = { width: 360, height: 740 };

const open = explorerStage();

test('a token, a query, its answer and the documentation are reached by keyboard alone', async () => {
  await open({}, async ({ page, at, token }) => {
    await at.schemaIsThere();
    await tabTo(page, /^Token/);
    await page.keyboard.type(token);
    await tabTo(page, /^Documentation$/);
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowLeft');
    await tabTo(page, /^Query$/);
    await page.keyboard.press('Enter');
    await at.place('Query').waitFor();
    await hasFocus(page, 'Query');
    await tabTo(page, /^Query, as GraphQL/);
    await page.keyboard.press('Control+a');
    await page.keyboard.type('{ getSources { name } }');
    await page.keyboard.press('Control+Enter');
    await at.hasStatus('Status 200');
    await tabTo(page, /^Variables, as JSON/);
    await tabTo(page, /^Result, as JSON/);
  });
});

test('Tab leaves every editor and comes round, and the page says so', async () => {
  await open({}, async ({ page, at }) => {
    await at.schemaIsThere();
    await page.getByText('leave the editor').waitFor();
    for (const name of [/^Query, as/, /^Height of the variables/, /^Variables, as/, /^Width of/]) {
      await tabTo(page, name);
    }
    await page.keyboard.press('Shift+Tab');
    await hasFocus(page, /^Variables, as/);
  });
});

test('a query is run by the keys from outside of the editor, and panes are sized by keys', async () => {
  await open({}, async ({ page, at }) => {
    await at.token.focus();
    await page.keyboard.press('Control+Enter');
    await at.errors.getByText('This needs a token').waitFor();
    const splitter = page.getByRole('separator', { name: 'Width of the side panel' });
    const before = Number(await splitter.getAttribute('aria-valuenow'));
    await splitter.focus();
    await page.keyboard.press('ArrowRight');
    await page.locator(`[role=separator][aria-valuenow="${before + 16}"]`).waitFor();
  });
});

test('what the editors open by keys has no barrier, and Escape leads back', async () => {
  await open({}, async ({ page, at }) => {
    await at.schemaIsThere();
    await at.writeQuery('{ nothing\n  __typename\n  other: __typename }');
    await at.problem('query', 'Cannot query field').waitFor();
    const back = async (state) => {
      await hasNoBarrier(page, state);
      await page.keyboard.press('Escape');
      await hasFocus(page, /^Query, as GraphQL/, state);
    };
    await page.keyboard.press('Control+f');
    await page.keyboard.type('__typename');
    await page.keyboard.press('Enter');
    await page.locator('.cm-searchMatch-selected').waitFor();
    await back('the search');
    await page.keyboard.press('Control+Shift+M');
    await page.locator('.cm-panel-lint').getByText('Cannot query field').waitFor();
    await back('the list of problems');
    // A dialog that would not lead back is not opened.
    await page.keyboard.press('Control+Alt+g');
    await hasFocus(page, /^Query, as GraphQL/);
  });
});

for (const colorScheme of ['light', 'dark']) {
  test(`axe finds no barrier in ${colorScheme}, whatever is shown`, async () => {
    await open({ colorScheme }, async ({ page, at, token }) => {
      await at.schemaIsThere();
      await hasNoBarrier(page, 'fresh');
      await at.run.click();
      await at.errors.waitFor();
      await at.writeQuery('query A { nothing }\nquery B { __typename }');
      await at.problem('query', 'Cannot query field').waitFor();
      await hasNoBarrier(page, 'errors and problems');
      await at.tab('History');
      await hasNoBarrier(page, 'history');
      await at.tab('Examples');
      await at.panel.getByRole('list').getByRole('button').first().click();
      await at.token.fill(token);
      await at.run.click();
      await at.result.filter({ hasText: 'postcode' }).waitFor();
      await hasNoBarrier(page, 'examples and an answer');
      await at.tab('Documentation');
      await at.panel.getByRole('button', { name: 'Query', exact: true }).click();
      await at.place('Query').waitFor();
      await hasNoBarrier(page, 'a type');
      await at.search.fill('webhook');
      await at.panel.getByText('matches').waitFor();
      await hasNoBarrier(page, 'a search');
      await at.writeQuery('');
      await page.keyboard.type('{ getE');
      await page.locator('.cm-tooltip-autocomplete').waitFor();
      await hasNoBarrier(page, 'suggestions');
    });
  });
}

test('the colours follow the system, and the choice of somebody, who finds it again', async () => {
  const surface = (page) => page.evaluate(() =>
    getComputedStyle(document.documentElement).backgroundColor);
  await open({ colorScheme: 'dark' }, async ({ page }) => {
    const dark = await surface(page);
    await page.getByLabel('Theme').selectOption('light');
    const isDark = async () => await surface(page) === dark;
    await comesTo(isDark, false, 'dark, though light was chosen');
    await page.reload();
    await page.getByLabel('Theme').waitFor();
    await comesTo(isDark, false, 'dark after a reload, though light was chosen');
    await page.getByLabel('Theme').selectOption('system');
    await comesTo(isDark, true, 'dark, as the system is');
  });
});

test('a narrow window holds everything without scrolling sideways, and has no barrier', async () => {
  await open({ viewport: NARROW }, async ({ page, at }) => {
    await at.run.click();
    await at.errors.waitFor();
    await at.button('Show panel').click();
    await at.schemaIsThere();
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= NARROW.width, `${width} pixels wide`);
    await hasNoBarrier(page, 'narrow');
  });
});

test('the link past the header is not seen before it has the focus, however high the header is', async () => {
  await open({ viewport: { width: 320, height: 640 }, expects: [/of 401/] }, async ({ page, at }) => {
    const bottom = () => page.locator('.skip').evaluate(
      (link) => link.getBoundingClientRect().bottom + scrollY,
    );
    assert.ok(await bottom() <= 0, 'at first');
    await at.button('Show panel').click();
    await at.schemaIsThere();
    await at.token.fill('wrong');
    await at.run.click();
    await page.getByText('Still the schema of before').waitFor();
    assert.ok(await bottom() <= 0, 'with a line more');
  });
});
