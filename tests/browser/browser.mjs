// A real browser, and what must hold on each page of ours, whatever it shows.
//
//   launch ─► visit(browser, address, options, act) ─► act(page) ─► no faults, or the test fails
//
// A fault is a request to another host, a violation of the page's policy, an error or a warning in
// the console, or an exception that nobody caught.
import assert from 'node:assert/strict';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { axeSource, chromium } from './packages.mjs';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];
const WAIT_MS_MAX = 15_000;
const LOOK_MS = 20;
const TAB_STOPS_MAX = 400;

const ARGUMENTS = [
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
];

/** Starts Chromium, headless. It finds no host but this machine. */
export function launch() {
  return chromium.launch(options());
}

/** Starts Chromium with a profile that lies in a folder, as a person's does. Gives its context. */
export async function launchWithProfile(folder) {
  const context = await chromium.launchPersistentContext(folder, options());
  context.setDefaultTimeout(WAIT_MS_MAX);
  return context;
}

function options() {
  // Chromium's own sandbox does not start for root.
  const chromiumSandbox = process.getuid() !== 0;
  return { executablePath: program(), args: ARGUMENTS, chromiumSandbox };
}

/**
 * Opens an address in a fresh profile, lets `act(page)` do something, and fails on every fault.
 * `options` are those of the profile (viewport, colorScheme); `options.expects` lists what the
 * console must tell and is no fault, as regular expressions: each must be met.
 */
export async function visit(browser, address, { expects = [], ...options }, act) {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(WAIT_MS_MAX);
  try {
    const page = await context.newPage();
    const faults = await watch(page, new URL(address).origin);
    await page.goto(address);
    await act(page);
    const missing = expects.filter((expected) => !faults.some((fault) => expected.test(fault)));
    const rest = faults.filter((fault) => !expects.some((expected) => expected.test(fault)));
    assert.deepEqual({ faults: rest, missing }, { faults: [], missing: [] });
  } finally {
    await context.close();
  }
}

/** The list of faults of a page. It grows while the page is used. */
export async function watch(page, origin) {
  const faults = [];
  await page.exposeBinding('tellViolation', (_, violation) => faults.push(violation));
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      const { violatedDirective, blockedURI } = event;
      globalThis.tellViolation(`policy: ${violatedDirective} refused ${blockedURI}`);
    });
  });
  page.on('pageerror', (error) => faults.push(`exception: ${error.message}`));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) {
      faults.push(`console: ${message.text()}`);
    }
  });
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.protocol !== 'data:' && url.origin !== origin) {
      faults.push(`request to another host: ${url}`);
    }
  });
  return faults;
}

/** Fails on everything that axe finds on the page as it is now. */
export async function hasNoBarrier(page, state) {
  await page.evaluate(axeSource);
  const violations = await page.evaluate(async () => {
    const found = await globalThis.axe.run(document, { preload: false });
    return found.violations.map(({ id, nodes }) => ({
      id,
      nodes: nodes.map(({ html, failureSummary }) => `${html}: ${failureSummary}`),
    }));
  });
  assert.deepEqual(violations, [], state);
}

/** Presses Tab until something with this name has the focus, as somebody without a mouse does. */
export async function tabTo(page, name) {
  const passed = [];
  for (let stop = 0; stop < TAB_STOPS_MAX; stop += 1) {
    await page.keyboard.press('Tab');
    const reached = await focused(page);
    if (name.test(reached)) {
      return;
    }
    passed.push(reached);
  }
  assert.fail(`Tab never came to ${name}: ${passed.join(' | ')}`);
}

/** Waits until what `read()` gives matches: a page may need a frame or two to come to it. */
export async function comesTo(read, expected, what) {
  const matches = (value) => (expected instanceof RegExp ? expected.test(value) : value === expected);
  const end = Date.now() + WAIT_MS_MAX;
  let value = await read();
  while (!matches(value) && Date.now() < end) {
    await setTimeout(LOOK_MS);
    value = await read();
  }
  assert.ok(matches(value), `${what}: ${value} and not ${expected}`);
}

/** Waits until what has the focus goes by this name. */
export function hasFocus(page, name, what = 'what has the focus') {
  return comesTo(() => focused(page), name, what);
}

/** What has the focus, in a shadow root too: its name and role, as a screen reader tells them. */
export function focused(page) {
  return page.evaluate(() => {
    let element = document.activeElement;
    while (element?.shadowRoot?.activeElement) {
      element = element.shadowRoot.activeElement;
    }
    const label = element.labels?.[0]?.textContent ?? '';
    return element.getAttribute('aria-label') || label || element.textContent.trim();
  });
}

function program() {
  const folders = process.env.PATH.split(delimiter);
  const paths = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  const found = paths.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  assert.ok(found, `none of ${NAMES.join(', ')} is in the PATH: apt-get install chromium`);
  return found;
}
