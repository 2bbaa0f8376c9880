// Runs the public audit suite of GraphQL over HTTP against a server that is started for it.
//
//   serve on a free port ─► each audit ─► one line for each that is not ok ─► exit code 1 if any
//
// Usage: node audit.mjs PROGRAM MODULES
//   PROGRAM  the built `tidings`
//   MODULES  the folder in which graphql-http and graphql are installed
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const AUDITS = 61;
const START_MS_MAX = 30_000;

const [program, modules] = process.argv.slice(2).map((path) => resolve(path));
const require = createRequire(join(modules, 'package.json'));
const { serverAudits } = require('graphql-http');

const folder = mkdtempSync(join(tmpdir(), 'tidings-audit-'));
writeFileSync(join(folder, 'tidings.toml'), '[server]\nlisten = "127.0.0.1:0"\n');
const server = spawn(program, ['serve'], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });

function listening() {
  return new Promise((found, failed) => {
    let log = '';
    const timer = setTimeout(() => failed(new Error(`no listener in time:\n${log}`)), START_MS_MAX);
    server.on('error', failed);
    server.on('exit', (code) => failed(new Error(`the server ended with ${code}:\n${log}`)));
    server.stderr.on('data', (bytes) => {
      log += bytes;
      const url = /listening on (http:\S+)/.exec(log);
      if (url) {
        clearTimeout(timer);
        found(url[1]);
      }
    });
  });
}

async function run() {
  const url = `${await listening()}/v1/graphql`;
  const audits = serverAudits({ url, fetchFn: fetch });
  let good = 0;
  for (const audit of audits) {
    const result = await audit.fn();
    await result.response?.body?.cancel().catch(() => {});
    if (result.status === 'ok') {
      good += 1;
    } else {
      console.log(`${result.status}  ${audit.id}  ${audit.name}: ${result.reason}`);
    }
  }
  console.log(`GraphQL over HTTP: ${good} of ${audits.length} audits are ok`);
  return good === audits.length && audits.length === AUDITS;
}

let isGood = false;
try {
  isGood = await run();
} catch (error) {
  console.log(String(error));
} finally {
  server.removeAllListeners('exit');
  server.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}
process.exit(isGood ? 0 : 1);
