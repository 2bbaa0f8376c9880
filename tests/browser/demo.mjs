// The demo as a server to look at, in a folder of its own, on a free port.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { startProgram } from './program.mjs';

const SAYS = /^server +(http:\S+)$[^]*What to try next[^]*open (http:\S+)\s+in a browser/m;

/**
 * Gives `{ origin, page, token, stop }` once the demo's own deliveries went through: where the
 * server is, where the page of its application is, and the application's token.
 */
export async function startDemo() {
  const folder = mkdtempSync(join(tmpdir(), 'tidings-browser-'));
  const forget = () => rmSync(folder, { recursive: true, force: true });
  try {
    const args = ['demo', '--listen', '127.0.0.1:0', '--data-dir', folder];
    const { said: [origin, page], stop } = await startProgram(folder, args, SAYS);
    const notes = JSON.parse(readFileSync(join(folder, 'demo.json'), 'utf8'));
    return { origin, page, token: notes.applicationToken, stop: () => { stop(); forget(); } };
  } catch (error) {
    forget();
    throw error;
  }
}
