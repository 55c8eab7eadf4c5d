// Looks at the built documentation as a reader does, on a desktop and on a phone: the front page, a chapter of the
// guide, a page of the API and a race drawn by `fsport explain`. An error in the console, a request to another host, a
// page that is wider than the phone, or a front page that does not begin with the matrix of docs/matrix.md, in a box that
// scrolls, is an error. The pictures go to screenshots/. Needs `npm run docs`, and a
// Chromium: without one nothing is looked at, and that is said.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { delimiter, extname, join, normalize } from 'node:path';
import { chromium } from 'playwright-core';
import { root } from './pnpm.mjs';

const SITE = join(root, 'docs-site');
const OUT = join(root, 'screenshots');
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.svg': 'image/svg+xml',
};
const SIZES = { desktop: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } };
const PAGES = {
  front: 'index.html',
  checks: 'documents/docs_checks.html',
  guide: 'documents/2._Port_a_toy_filesystem.html',
  api: 'classes/_fsport_core.Rwsem.html',
  race: 'race.html',
};

/** The matrix as it was printed; in HTML its lines end with a `<br>`. */
const [, PRINTED] = /```console\n(.*?)\n```/su.exec(readFileSync(join(root, 'docs/matrix.md'), 'utf8'));
const MATRIX = PRINTED.replaceAll('\n', '');

/** What a command prints. */
function fsport(...args) {
  const bin = join(root, 'packages/cli/bin/fsport.js');
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], {
    cwd: root,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`fsport ${args.join(' ')}: status ${status}\n${stderr}`);
  return stdout;
}

/** The race of a read against a hole punch on ext4, drawn. */
function drawnRace() {
  const results = mkdtempSync(join(tmpdir(), 'fsport-screenshots-'));
  const found = fsport('run', 'ext4', 'E1', '-s', 'v5.14', '--results', results);
  rmSync(results, { recursive: true });
  const [, token] = /fsport replay ext4 '(\S+)'/.exec(found);
  return fsport('explain', 'ext4', token, '-s', 'v5.14', '--format=svg');
}

/** Serves the site, with the race in it as a page would have it. */
function serve(svg) {
  const made = {
    '/race.svg': svg,
    '/race.html':
      '<!doctype html><link rel="icon" href="assets/favicon.svg"><img src="race.svg" alt="" style="max-width: 100%">',
  };
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url, 'http://localhost').pathname));
    const file = join(SITE, path);
    const body = made[path] ?? (existsSync(file) ? readFileSync(file) : null);
    response.writeHead(body === null ? 404 : 200, { 'content-type': TYPES[extname(path)] ?? 'text/plain' });
    response.end(body ?? '');
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

/** What the first box of a page says, if its lines are never broken and it scrolls. */
async function firstBox(page) {
  const box = page.locator('.tsd-typography pre').first();
  const scrolls = await box.evaluate((element) => {
    const { overflowX, whiteSpace } = getComputedStyle(element);
    return overflowX === 'auto' && whiteSpace === 'pre';
  });
  return scrolls ? (await box.locator('code').textContent()).trimEnd() : '';
}

/** Looks at one page; what is wrong with it. */
async function look(browser, origin, name, size) {
  const page = await browser.newPage({ viewport: SIZES[size] });
  const wrong = [];
  page.on('console', (message) => {
    if (message.type() === 'error') wrong.push(`console: ${message.text()} ${message.location().url}`);
  });
  page.on('pageerror', (error) => wrong.push(`error: ${error.message}`));
  page.on('request', (request) => {
    const { protocol } = new URL(request.url());
    if (protocol.startsWith('http') && !request.url().startsWith(`${origin}/`))
      wrong.push(`request to another host: ${request.url()}`);
  });
  await page.goto(`${origin}/${PAGES[name]}`, { waitUntil: 'networkidle' });
  await page.screenshot({ path: join(OUT, `${name}-${size}.png`) });
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  if (width > SIZES[size].width) wrong.push(`${width} px wide, ${SIZES[size].width} px are there`);
  if (name === 'front' && (await firstBox(page)) !== MATRIX) wrong.push('it does not begin with the matrix');
  await page.close();
  return wrong.map((what) => `${PAGES[name]}, ${size}: ${what}`);
}

async function lookAtAll(executablePath) {
  mkdirSync(OUT, { recursive: true });
  const server = await serve(drawnRace());
  // Chromium refuses its sandbox to root.
  const browser = await chromium.launch({ executablePath, chromiumSandbox: process.getuid?.() !== 0 });
  const wrong = [];
  for (const name of Object.keys(PAGES))
    for (const size of Object.keys(SIZES))
      wrong.push(...(await look(browser, `http://127.0.0.1:${server.address().port}`, name, size)));
  await browser.close();
  server.close();
  for (const line of wrong) console.error(line);
  console.log(
    `${Object.keys(PAGES).length * Object.keys(SIZES).length} pages looked at, ${wrong.length} findings`,
  );
  return wrong.length === 0 ? 0 : 1;
}

const found = process.env.PATH.split(delimiter)
  .flatMap((folder) => ['chromium', 'chromium-browser', 'google-chrome'].map((name) => join(folder, name)))
  .find((path) => existsSync(path));
if (!existsSync(SITE)) {
  console.error('There is no docs-site. Run "npm run docs".');
  process.exitCode = 1;
} else if (found === undefined) {
  console.log('Chromium is not installed: the documentation is not looked at.');
} else {
  process.exitCode = await lookAtAll(found);
}
