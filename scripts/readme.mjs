// Keeps the output that README.md and docs/matrix.md show real. A block of output follows a comment that names its command:
//
//   <!-- output of: fsport run ext4 E1 --no-times -->
//
// Without arguments the blocks are written anew; with --check they are compared, and a difference is an error. What
// `fsport matrix` prints is that of the last run, so run the suite first.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generated } from './generated.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const pages = ['README.md', 'docs/matrix.md'];
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

for (const page of pages) {
  const path = join(root, page);
  const now = readFileSync(path, 'utf8').replace(
    block,
    (_, command) => `<!-- output of: fsport ${command} -->\n\n\`\`\`console\n${outputOf(command)}\n\`\`\``,
  );
  generated(path, now, 'npm run conformance && node scripts/readme.mjs');
}
