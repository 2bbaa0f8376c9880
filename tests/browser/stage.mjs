// What the tests of a file share: one demo and one browser, each test in a fresh profile.
import { after, before } from 'node:test';

import { launch, visit } from './browser.mjs';
import { startDemo } from './demo.mjs';
import { explorer } from './explorer_page.mjs';

/** Gives `open(options, act)`: `act({ page, at, token, origin })` on the Explorer, ready. */
export function explorerStage() {
  let demo;
  let browser;
  before(async () => {
    [demo, browser] = await Promise.all([startDemo(), launch()]);
  });
  after(async () => {
    await browser?.close();
    demo?.stop();
  });
  return (options, act) => visit(browser, `${demo.origin}/explorer`, options, async (page) => {
    const at = explorer(page);
    await at.query.waitFor();
    await act({ page, at, token: demo.token, origin: demo.origin });
  });
}
