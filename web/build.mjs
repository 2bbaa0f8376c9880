// Builds the pages: node build.mjs MODULES OUT
//   MODULES  the folder in which the packages of package-lock.json are installed
//   OUT      the folder for what is built
//
//   source/**/*.jsx, *.css ─► esbuild ─► explorer.js, explorer.css, theme.js
//   pages/*.html           ─► copied
//   licences of what is bundled ─► licences.txt
//
// The same sources and packages give the same bytes on every machine, so that what is committed can
// be compared. `cargo xtask web` calls this with the packages of package-lock.json.
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const [modules, out] = process.argv.slice(2).map((path) => resolve(path));
if (out === undefined) {
  console.error('build.mjs: say from what and where to: node build.mjs MODULES OUT');
  process.exit(2);
}
const { build } = createRequire(join(modules, 'package.json'))('esbuild');

const { metafile } = await build({
  absWorkingDir: here,
  entryPoints: [
    { in: 'source/explorer/explorer.jsx', out: 'explorer' },
    { in: 'source/explorer/explorer.css', out: 'explorer' },
    { in: 'source/look/early_theme.js', out: 'theme' },
  ],
  outdir: out,
  nodePaths: [join(modules, 'node_modules')],
  bundle: true,
  minify: true,
  format: 'iife',
  target: ['chrome123', 'firefox120', 'safari17.5'],
  charset: 'utf8',
  legalComments: 'none',
  loader: { '.graphql': 'text' },
  jsx: 'automatic',
  jsxImportSource: 'preact',
  define: { 'process.env.NODE_ENV': '"production"' },
  metafile: true,
  logLevel: 'warning',
});

mkdirSync(out, { recursive: true });
for (const page of readdirSync(join(here, 'pages'))) {
  writeFileSync(join(out, page), readFileSync(join(here, 'pages', page)));
}
writeFileSync(join(out, 'licences.txt'), licences(bundled(metafile)));

// The packages of which something went into the bundle.
function bundled({ inputs }) {
  const names = Object.keys(inputs)
    .map((path) => /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1])
    .filter((name) => name !== undefined);
  return [...new Set(names)].sort();
}

function licences(names) {
  const notices = names.map((name) => {
    const folder = join(modules, 'node_modules', name);
    const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file === undefined ? '' : readFileSync(join(folder, file), 'utf8');
    return `${name} ${version} (${license})\n\n${text.replace(/\r\n/g, '\n').trim()}\n`;
  });
  const rule = `\n${'-'.repeat(80)}\n\n`;
  return `The pages hold parts of these packages.\n${rule}${notices.join(rule)}`;
}
