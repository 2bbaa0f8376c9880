// The watch itself, on a page that does everything that ours may not do.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { test } from 'node:test';

import { hasNoBarrier, launch, visit } from './browser.mjs';

const PLANTED = `<!doctype html><title>Planted</title>
  <p style="color: #eee">pale</p><img src="http://example.com/a.png">
  <script src="/faults.js"></script>`;
const SCRIPT = 'console.warn("planted warning"); throw new Error("planted exception");';
const POLICY = "default-src 'none'; script-src 'self'; img-src *";

test('a request to another host, a violation, a warning, an exception and a barrier are found', async () => {
  const server = createServer((request, response) => {
    const isScript = request.url === '/faults.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    response.setHeader('content-security-policy', POLICY);
    response.end(isScript ? SCRIPT : PLANTED);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const browser = await launch();
  const address = `http://127.0.0.1:${server.address().port}/`;
  try {
    const expects = [
      /request to another host: http:\/\/example\.com/,
      /policy: style-src/,
      /planted warning/,
      /planted exception/,
      /favicon|ERR_NAME_NOT_RESOLVED|inline style/,
    ];
    await visit(browser, address, { expects }, async (page) => {
      await assert.rejects(hasNoBarrier(page, 'planted'), /html-has-lang/);
    });
    await assert.rejects(visit(browser, address, {}, async () => {}), /another host/);
  } finally {
    await browser.close();
    server.close();
  }
});
