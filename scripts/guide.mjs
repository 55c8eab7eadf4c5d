// Runs every code block of docs/guide, so that the guide cannot say what is not so. An empty folder gets this checkout's
// packages as if they had been installed there; the chapters run in it one after the other, their blocks from top to bottom:
//
//   ```sh                                      commands; a `cd` holds for the blocks that follow
//   ```diff                                    a patch, applied with `git apply`
//   <!-- file: src/x.ts -->                    before a block: the block is that file
//   <!-- runs as: COMMANDS -->                 before commands that need what is not published yet
//   ```console                                 `$ COMMAND`, and what it prints; `# status 1` after it if it fails
//
// Without arguments the printed output is written anew; with --check it is compared, and a difference is an error.

import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, 'docs/guide');
const check = process.argv[2] === '--check';
const block =
  /(?:<!-- (?<what>file|runs as): (?<value>[^\n]*) -->\n\n)?```(?<language>\w*)\n(?<body>(?:(?!```).*\n)*)```/gu;

/** An empty folder with the packages of this checkout, and the tools that a new package gets, in its node_modules. */
function makeProject() {
  const project = realpathSync(mkdtempSync(join(tmpdir(), 'fsport-guide-')));
  const modules = join(project, 'node_modules');
  for (const scope of ['.bin', '@fsport', '@jest', '@types'])
    mkdirSync(join(modules, scope), { recursive: true });
  for (const name of readdirSync(join(root, 'packages'))) {
    const source = join(root, 'packages', name);
    if (!existsSync(join(source, 'package.json'))) continue;
    symlinkSync(source, join(modules, '@fsport', name));
    const { bin = {} } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'));
    for (const [command, path] of Object.entries(bin))
      symlinkSync(join(source, path), join(modules, '.bin', command));
  }
  for (const name of ['typescript', 'jest', 'eslint', 'typedoc', '@jest/globals', '@types/node'])
    symlinkSync(join(root, 'node_modules', name), join(modules, name));
  for (const command of ['tsc', 'jest', 'eslint', 'typedoc'])
    symlinkSync(join(root, 'node_modules/.bin', command), join(modules, '.bin', command));
  const filesystems = readdirSync(join(modules, '@fsport')).filter((name) => name.startsWith('fs-'));
  const devDependencies = Object.fromEntries(filesystems.map((name) => [`@fsport/${name}`, '*']));
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, devDependencies }));
  return project;
}

/** One chapter: its text with the output that its commands print now. */
function runChapter(project, name, text) {
  let cwd = project;
  const shell = (commands, input, expected = 0) => {
    const { status, stdout, stderr } = spawnSync('bash', ['-ec', `${commands}\npwd > ${project}/.cwd`], {
      cwd,
      input,
      encoding: 'utf8',
      env: { ...process.env, COLUMNS: '100', NO_COLOR: '1' },
    });
    if (status !== expected)
      throw new Error(`${name}: status ${status}, not ${expected}: ${commands}\n${stdout}${stderr}`);
    if (status === 0) cwd = readFileSync(join(project, '.cwd'), 'utf8').trim();
    return stdout.replaceAll(project, '~').replace(/, node v[\d.]+/gu, ', node v20');
  };
  const run = (whole, ...rest) => {
    const { what, value, language, body } = rest.at(-1);
    if (language === 'console') {
      const [line] = body.split('\n');
      const [, command, status] = /^\$ (?<command>.*?)(?: {2}# status (?<status>\d))?$/u.exec(line) ?? [];
      if (command === undefined) throw new Error(`${name}: no command prints this block:\n${whole}`);
      const output = shell(command, '', Number(status ?? 0)).trimEnd();
      if (output === '') throw new Error(`${name}: this prints nothing: ${command}`);
      return `\`\`\`console\n${line}\n${output}\n\`\`\``;
    }
    if (what === 'file') {
      mkdirSync(dirname(join(cwd, value)), { recursive: true });
      writeFileSync(join(cwd, value), body);
    } else if (language === 'sh') shell(what === 'runs as' ? value : body, '');
    else if (language === 'diff') shell('git apply -', body);
    else throw new Error(`${name}: nothing runs this block:\n${whole}`);
    return whole;
  };
  return text.replace(block, run);
}

const project = makeProject();
let stale = 0;
for (const name of readdirSync(folder).sort()) {
  const path = join(folder, name);
  const before = readFileSync(path, 'utf8');
  const after = runChapter(project, name, before);
  if (after === before) continue;
  stale++;
  if (check)
    console.error(`docs/guide/${name} shows output that is not real any more: node scripts/guide.mjs`);
  else writeFileSync(path, after);
}
rmSync(project, { recursive: true });
process.exit(check && stale > 0 ? 1 : 0);
