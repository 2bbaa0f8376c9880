// An installation of its own: a server, a sample provider that it collects from, a receiver, and an
// application that people can link accounts with.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { PROGRAM, startProgram } from './program.mjs';

const WAIT_MS_MAX = 60_000;
const CONFIGURATION = `[server]
listen = "127.0.0.1:0"
[platform]
allow_http = true
allow_addresses = ["127.0.0.0/8"]
[delivery]
allow_http = true
allow_addresses = ["127.0.0.0/8"]
`;

/** The sample provider's password, as `tidings sample-provider` documents it. */
export const PASSWORD = 'sample-password';

/** Gives what runs, with `stop()`. `provider` are further options of the sample provider. */
export async function startInstallation(provider = []) {
  const folder = mkdtempSync(join(tmpdir(), 'tidings-link-'));
  const running = [];
  const stop = () => {
    for (const one of running) one.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    writeFileSync(join(folder, 'tidings.toml'), CONFIGURATION);
    const operator = execFileSync(PROGRAM, ['token', 'issue'], {
      cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
    const server = await start(folder, ['serve'], running);
    const sample = await start(
      folder, ['sample-provider', '--listen', '127.0.0.1:0', ...provider], running,
    );
    const receiver = await receive(running);
    const application = await receive(running);
    const env = { ...process.env, TIDINGS_URL: server, TIDINGS_TOKEN: operator };
    const tidings = (...args) =>
      execFileSync(PROGRAM, args, { cwd: folder, env, encoding: 'utf8' });
    tidings(
      'provider', 'add', 'sample', '--name', 'Sample Energy', '--sector', 'energy',
      '--quick-check', 'true', '--automated-data-collection', 'true', '--adapter-url', sample,
    );
    const back = `${application.origin}/linked`;
    tidings('application', 'add', 'acme', '--client-type', 'public', '--redirect-uris', back);
    return { origin: server, sample, receiver, application, back, operator, tidings, stop };
  } catch (error) {
    stop();
    throw error;
  }
}

/** Runs a program that says `listening on URL`, and gives the url. */
async function start(folder, args, running) {
  const { said: [url], stop } = await startProgram(folder, args, /listening on (http:\/\/[0-9.:]+)/);
  running.push({ stop });
  return url;
}

/** A server that answers 200 and keeps what came: `{ origin, requests, wait }`. */
async function receive(running) {
  const requests = [];
  const waiting = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (bytes) => { body += bytes; });
    request.on('end', () => {
      requests.push({ url: request.url, body });
      response.setHeader('content-type', 'text/html');
      response.end('<!doctype html><html lang="en"><title>Thank you</title><p>Thank you.</p></html>');
      for (const look of [...waiting]) look();
    });
  });
  await new Promise((done) => { server.listen(0, '127.0.0.1', done); });
  running.push({ stop: () => { server.closeAllConnections(); server.close(); } });
  const origin = `http://127.0.0.1:${server.address().port}`;
  /** The first request for which `is` holds, now or later. */
  const wait = (what, is) => new Promise((found, failed) => {
    const timer = setTimeout(() => failed(new Error(`waited in vain for ${what}`)), WAIT_MS_MAX);
    const look = () => {
      const one = requests.find(is);
      if (one) {
        clearTimeout(timer);
        waiting.splice(waiting.indexOf(look), 1);
        found(one);
      }
    };
    waiting.push(look);
    look();
  });
  return { origin, requests, wait };
}
