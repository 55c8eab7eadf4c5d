// Keeps the output that README.md shows real. A block of output follows a comment that names its command:
//
//   <!-- output of: fsport run ext4 E1 --no-times -->
//
// Without arguments the blocks are written anew; with --check they are compared, and a difference is an error. What
// `fsport matrix` prints is that of the last run, so run the suite first.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const path = join(root, 'README.md');
const block = /<!-- output of: fsport (?<command>[^\n]*) -->\n\n```console\n(?:.*\n)*?```/gu;

/** What a command prints, without what differs from machine to machine. */
function outputOf(command) {
  const results = mkdtempSync(join(tmpdir(), 'fsport-readme-'));
  // A run must not replace the results of the one that the matrix is made from.
  const args = command.startsWith('run ')
    ? [...command.split(' '), '--results', results]
    : command.split(' ');
  const bin = join(root, 'packages/cli/bin/fsport.js');
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], {
    cwd: root,
    encoding: 'utf8',
  });
  rmSync(results, { recursive: true });
  if (status !== 0) throw new Error(`fsport ${command}: status ${status}\n${stderr}`);
  return stdout.replace(/, node v[\d.]+/u, ', node v20').trimEnd();
}

const before = readFileSync(path, 'utf8');
const after = before.replace(
  block,
  (_, command) => `<!-- output of: fsport ${command} -->\n\n\`\`\`console\n${outputOf(command)}\n\`\`\``,
);
if (process.argv[2] !== '--check') writeFileSync(path, after);
else if (after !== before) {
  console.error(
    'README.md shows output that is not real any more. Run "npm run conformance" and "node scripts/readme.mjs".',
  );
  process.exit(1);
}
