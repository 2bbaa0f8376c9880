// The demo as a server to look at: target/debug/tidings, in a folder of its own, on a free port.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../target/debug/tidings', import.meta.url));
const START_MS_MAX = 60_000;

/** Gives `{ origin, token, stop }` once the demo's own deliveries went through. */
export async function startDemo() {
  const folder = mkdtempSync(join(tmpdir(), 'tidings-browser-'));
  const args = ['demo', '--listen', '127.0.0.1:0', '--data-dir', folder];
  const server = spawn(PROGRAM, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const stop = () => {
    server.removeAllListeners('exit');
    server.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const origin = await ready(server);
    const notes = JSON.parse(readFileSync(join(folder, 'demo.json'), 'utf8'));
    return { origin, token: notes.applicationToken, stop };
  } catch (error) {
    stop();
    throw error;
  }
}

function ready(server) {
  return new Promise((found, failed) => {
    let told = '';
    const fail = (why) => failed(new Error(`${why}:\n${told}`));
    const timer = setTimeout(() => fail('the demo was not ready in time'), START_MS_MAX);
    const hear = (bytes) => {
      told += bytes;
      const url = /^server +(http:\S+)$/m.exec(told);
      if (url && told.includes('What to try next')) {
        clearTimeout(timer);
        found(url[1]);
      }
    };
    server.stdout.on('data', hear);
    server.stderr.on('data', hear);
    server.on('error', failed);
    server.on('exit', (code) => fail(`the demo ended with ${code}`));
  });
}
