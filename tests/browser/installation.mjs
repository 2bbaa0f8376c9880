// An installation of its own: a server, a sample provider that it collects from, a receiver, and an
// application that people can link accounts with.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../target/debug/tidings', import.meta.url));
const START_MS_MAX = 60_000;
const LISTENING = /listening on (http:\/\/[0-9.:]+)/;
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
    const [server] = await start(folder, ['serve'], running, LISTENING);
    const options = ['--listen', '127.0.0.1:0', ...provider];
    const [sample] = await start(folder, ['sample-provider', ...options], running, LISTENING);
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

/** Starts the demo, and gives where its server and its application's page are, with `stop()`. */
export async function startDemo() {
  const folder = mkdtempSync(join(tmpdir(), 'tidings-demo-'));
  const running = [];
  const stop = () => {
    for (const one of running) one.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const says = /^server +(http:\/\/[0-9.:]+)[^]*user of an application does: open (http:\/\/[0-9.:]+)/m;
    const [origin, page] = await start(folder, ['demo', '--listen', '127.0.0.1:0'], running, says);
    return { origin, page, stop };
  } catch (error) {
    stop();
    throw error;
  }
}

/** Runs a program until it says that, and gives what of it is in parentheses. */
function start(folder, args, running, says) {
  const child = spawn(PROGRAM, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  running.push({ stop: () => child.kill('SIGKILL') });
  return new Promise((found, failed) => {
    let told = '';
    const fail = (why) => failed(new Error(`${args[0]}: ${why}:\n${told}`));
    const timer = setTimeout(() => fail('it was not ready in time'), START_MS_MAX);
    const hear = (bytes) => {
      told += bytes;
      const said = says.exec(told);
      if (said) {
        clearTimeout(timer);
        // What it says from now on is read and forgotten: else it would stop at a full pipe.
        for (const stream of [child.stdout, child.stderr]) stream.off('data', hear).resume();
        found(said.slice(1));
      }
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.on('error', failed);
    child.on('exit', (code) => fail(`it ended with ${code}`));
  });
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
    const timer = setTimeout(() => failed(new Error(`waited in vain for ${what}`)), START_MS_MAX);
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
