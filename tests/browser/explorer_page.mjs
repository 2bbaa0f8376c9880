// The Explorer as somebody who uses it sees it: its fields and buttons by their names.
export function explorer(page) {
  const button = (name) => page.getByRole('button', { name, exact: true });
  const editor = (name) => page.getByRole('textbox', { name: new RegExp(`^${name}, as`) });
  const write = (name) => async (text) => {
    await editor(name).focus();
    await page.keyboard.press('Control+a');
    await page.keyboard.insertText(text);
  };
  return {
    token: page.getByLabel('Token', { exact: true }),
    query: editor('Query'),
    variables: editor('Variables'),
    result: editor('Result'),
    writeQuery: write('Query'),
    writeVariables: write('Variables'),
    run: button('Run'),
    button,
    status: page.locator('.result').getByRole('status').first(),
    hasStatus: (text) => page.locator('.result .status').filter({ hasText: text }).waitFor(),
    problem: (of, text) => page.getByRole('list', { name: `Problems of the ${of}` })
      .getByRole('listitem').filter({ hasText: text }),
    errors: page.getByRole('list', { name: 'Errors of the result' }),
    tab: (name) => page.getByRole('tab', { name }).click(),
    panel: page.getByRole('tabpanel'),
    place: (name) => page.getByRole('tabpanel').getByRole('heading', { level: 2, name }),
    search: page.getByRole('searchbox'),
    schemaIsThere: () => page.getByRole('heading', { name: 'Where operations begin' }).waitFor(),
  };
}

export const SWITCH = '602cd86f3755d621aff583ee';
