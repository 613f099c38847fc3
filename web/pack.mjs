// SPDX-License-Identifier: Apache-2.0
// Compresses a built app beside its files (.br, .gz), and fails when it has grown beyond its budget.
// node pack.mjs FOLDER
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const COMPRESSED = /\.(js|css|html|svg|json|txt)$/;
const SMALLEST = 256; // what is shorter gains nothing
const KB = 1000;

// JavaScript of a first visit, brotli. What a page loads is what its chunk imports, itself and below, without what is
// imported dynamically.
const BUDGETS = [
  { name: 'shell', entries: ['index.html'], limit: 350 * KB },
  { name: 'list page', entries: ['index.html', 'src/pages/EntityListPage.vue'], limit: 450 * KB },
  {
    name: 'plugin form',
    entries: ['index.html', 'src/pages/EntityFormPage.vue', 'src/components/CodeEditor.vue'],
    limit: 1800 * KB,
  },
  {
    name: 'overview with its chart',
    entries: ['index.html', 'src/pages/OverviewPage.vue', 'src/components/LineChart.vue'],
    limit: 450 * KB,
  },
];
const TOTAL = 4000 * KB;

const folder = process.argv[2];

function filesBelow(path) {
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
    const child = join(path, entry.name);
    return entry.isDirectory() ? filesBelow(child) : [child];
  });
}

/** Compresses a file beside itself; how many octets a browser gets of it. */
function pack(path) {
  const content = readFileSync(path);
  if (!COMPRESSED.test(path) || content.length < SMALLEST) return content.length;
  const brotli = brotliCompressSync(content, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length },
  });
  writeFileSync(`${path}.br`, brotli);
  writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
  return brotli.length;
}

function chunksOf(manifest, entries) {
  const files = new Set();
  const seen = new Set();
  const follow = (key) => {
    if (seen.has(key)) return;
    seen.add(key);
    const chunk = manifest[key];
    if (!chunk) throw new Error(`the manifest has no ${key}`);
    files.add(chunk.file);
    for (const next of chunk.imports ?? []) follow(next);
  };
  entries.forEach(follow);
  return [...files].filter((file) => file.endsWith('.js'));
}

const manifestPath = join(folder, 'manifest.json');
const manifest = JSON.parse(readFileSync(manifestPath, 'utf8'));
rmSync(manifestPath); // for us, not for browsers

const sizes = new Map();
for (const path of filesBelow(folder)) {
  if (/\.(br|gz)$/.test(path)) continue;
  statSync(path);
  sizes.set(relative(folder, path), pack(path));
}

let good = true;
function report(name, size, limit) {
  const fits = size <= limit;
  good &&= fits;
  console.log(`${fits ? 'ok  ' : 'FAIL'} ${name}: ${(size / KB).toFixed(0)} kB of ${limit / KB} kB`);
}
for (const { name, entries, limit } of BUDGETS) {
  const sum = chunksOf(manifest, entries).reduce((total, file) => total + sizes.get(file), 0);
  report(name, sum, limit);
}
report(
  'everything',
  [...sizes.values()].reduce((total, size) => total + size, 0),
  TOTAL,
);
process.exit(good ? 0 : 1);
