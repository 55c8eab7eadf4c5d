// Shows that the example in the help of each command works as it is typed, and what some commands do.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CheckResult } from '@fsport/conformance';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Command } from 'commander';
import { EXAMPLES } from '#src/examples.js';
import { createProgram } from '#src/program.js';
import { BIN, type Called, PATIENCE_MS, Project } from './command.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const E7 = 'race/e7-zero-range-vs-read';

const projects: Project[] = [];
function project(plugins: Readonly<Record<string, string>> = {}): Project {
  const made = new Project(plugins);
  projects.push(made);
  return made;
}
afterAll(() => {
  for (const made of projects) made.remove();
});

function resultsIn(where: Project): readonly CheckResult[] {
  return JSON.parse(readFileSync(join(where.folder, 'results/latest/run.json'), 'utf8')).results;
}

function git(where: Project, ...args: string[]): string {
  const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.org', '-c', 'init.defaultBranch=main'];
  const { status, stdout, stderr } = spawnSync('git', [...identity, ...args], {
    cwd: where.folder,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  return stdout.trim();
}

/** Interrupt a command once it has printed something, and wait for its end. */
async function interrupted(child: ChildProcess, when: RegExp): Promise<readonly [number, string]> {
  let printed = '';
  const told = (text: string): void => {
    printed += text;
    if (!child.killed && when.test(printed)) child.kill('SIGINT');
  };
  child.stdout?.setEncoding('utf8').on('data', told);
  child.stderr?.setEncoding('utf8').on('data', told);
  const [status] = await once(child, 'close');
  return [status as number, printed];
}

function fsport(where: Project, ...args: string[]): ChildProcess {
  return spawn(process.execPath, [BIN, ...args], { cwd: where.folder });
}

describe('the example of each command', () => {
  /** A project in which they can be typed: `npx` finds the command, checks and strategies find their registries. */
  const made = project();
  const type = (line: string): Called => {
    const env = { ...process.env, PATH: `${join(made.folder, 'node_modules/.bin')}:${process.env['PATH']}` };
    const { status, stdout, stderr } = spawnSync('sh', ['-c', line], {
      cwd: made.folder,
      env,
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  };
  beforeAll(() => {
    mkdirSync(join(made.folder, 'node_modules/.bin'), { recursive: true });
    symlinkSync(BIN, join(made.folder, 'node_modules/.bin/fsport'));
    made.call('run', 'ext4', 'E7', '--shard', '1/1');
    made.call('run', 'ext4', 'E7');
    const registries = ['conformance/src/checks/registry.ts', 'explore/src/strategies'];
    for (const path of [
      '../package.json',
      '../tsconfig.base.json',
      'fs-minimal/package.json',
      ...registries,
    ]) {
      cpSync(join(ROOT, 'packages', path), join(made.folder, 'packages', path), { recursive: true });
    }
  });

  const paths = (command: Command, path: string): readonly string[] => [
    path,
    ...command.commands.flatMap((below) => paths(below, `${path} ${below.name()}`)),
  ];
  const all = createProgram(() => undefined).commands.flatMap((command) => paths(command, command.name()));

  test('is there for all of them', () => {
    expect(all.filter((path) => EXAMPLES[path] === undefined)).toEqual([]);
    expect(Object.keys(EXAMPLES).filter((path) => !all.includes(path))).toEqual([]);
  });

  /** They go on until they are interrupted, or have a test of their own. */
  const elsewhere = ['watch', 'worker', 'selftest'];

  test.each(Object.entries(EXAMPLES).filter(([path]) => !elsewhere.includes(path)))(
    '%s',
    (path, example) => {
      // What the scaffold of filesystems makes twice is the same.
      const line = path === 'new fs' ? `${example} --overwrite` : example;
      const { status, stderr } = type(line.replace(/^git bisect run npx /, ''));
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    },
    PATIENCE_MS,
  );

  test(
    'watch, which goes on until it is interrupted',
    async () => {
      const args = (EXAMPLES['watch'] as string).split(' ').slice(1);
      const [status] = await interrupted(fsport(made, ...args), / pass /);
      expect(status).toBe(130);
    },
    PATIENCE_MS,
  );

  test('worker, which has nothing to work for without a server', () => {
    const { status, stderr } = type(`${EXAMPLES['worker']} --redis redis://127.0.0.1:1`);
    expect({ status, stderr }).toEqual({ status: 3, stderr: expect.stringMatching(/^fsport: .*Redis/) });
  });
});

test('docs/cli.md is what the option table says', () => {
  const { status, stderr } = spawnSync(process.execPath, [join(ROOT, 'scripts/cli-docs.mjs'), '--check'], {
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

// Each command and option has a bad use in flags.test.ts.
test('what a command lacks is said with status 3, and nothing is printed or written', () => {
  const made = project();
  const wrong: readonly (readonly [string[], RegExp])[] = [
    [['merge'], /missing required argument 'folders'/],
    [['replay', 'ext4'], /missing required argument 'token'/],
    [['run', '--last-failed'], /no results\/latest\/run\.json/i],
    [['run', '--changed'], /git/],
  ];
  const found = wrong.flatMap(([args, message]) => {
    const { status, stdout, stderr } = made.call(...args);
    const fine =
      status === 3 && stdout === '' && stderr.trimEnd().split('\n').length <= 3 && message.test(stderr);
    return fine ? [] : [{ args, status, stdout, stderr }];
  });
  expect(found).toEqual([]);
  expect(existsSync(join(made.folder, 'results'))).toBe(false);
}, 120_000);

describe('run --last-failed', () => {
  test(
    'runs what was not as declared, and nothing else, until there is nothing left',
    () => {
      const made = project({ 'fs-b': "export default { ...ext4, name: 'b' };" });
      made.call('run', 'b', 'E3', 'E7', '-s', 'v5.14,v5.15');
      const failed = resultsIn(made).filter(({ ok }) => !ok);
      expect(failed.length).toBeGreaterThan(1);
      expect(failed.every(({ profile }) => profile === 'v5.14')).toBe(true);
      expect(made.call('run', '--last-failed').status).toBe(1);
      const names = ({ fs, profile, check }: CheckResult): string => `${fs} ${profile} ${check}`;
      expect(resultsIn(made).map(names).sort()).toEqual(failed.map(names).sort());
      expect(made.call('run', 'b', 'E7', '--last-failed', '--list').stdout).toBe(`${E7}\n`);
      const before = resultsIn(made);
      expect(made.call('run', 'b', 'E6', '--last-failed')).toMatchObject({
        status: 3,
        stdout: '',
        stderr: expect.stringMatching(/None of them is selected/),
      });
      expect(resultsIn(made)).toEqual(before);
      made.call('run', 'ext4', 'E7');
      expect(made.call('run', '--last-failed')).toMatchObject({
        status: 3,
        stderr: expect.stringMatching(/as declared: there is nothing to run again/),
      });
    },
    PATIENCE_MS,
  );
});

describe('run --changed', () => {
  test('runs filesystems whose package differs from a commit', () => {
    const made = project({
      'fs-a': "export default { ...ext4, name: 'a' };",
      'fs-b': "export default { ...ext4, name: 'b' };",
    });
    made.write('package.json', '{ "private": true }');
    made.write('pnpm-workspace.yaml', 'packages: ["plugins/*", "lib"]');
    made.write('lib/package.json', '{ "name": "lib" }');
    made.write('.gitignore', 'node_modules/\n');
    made.write('README.md', 'x');
    const manifest = JSON.parse(readFileSync(join(made.folder, 'plugins/fs-b/package.json'), 'utf8'));
    made.write('plugins/fs-b/package.json', JSON.stringify({ ...manifest, dependencies: { lib: '*' } }));
    symlinkSync(join(made.folder, 'lib'), join(made.folder, 'node_modules/lib'), 'junction');
    git(made, 'init', '-q');
    git(made, 'add', '.');
    git(made, 'commit', '-qm', 'first');
    const ran = (...args: string[]): readonly string[] => {
      const { status, stderr } = made.call('run', 'E7', '-s', 'v5.15', ...args);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      return resultsIn(made).map(({ fs }) => fs);
    };
    const nothing = (): void => {
      const { status, stdout, stderr } = made.call('run', 'E7', '--changed');
      expect({ status, stdout, stderr }).toEqual({
        status: 0,
        stdout: '',
        stderr: expect.stringMatching(/nothing to run/),
      });
    };
    nothing();
    made.write('README.md', 'prose decides nothing');
    nothing();
    made.write('plugins/fs-a/notes.js', '');
    expect(ran('--changed')).toEqual(['a']);
    git(made, 'add', '.');
    git(made, 'commit', '-qm', 'second');
    nothing();
    expect(ran('--changed', 'HEAD~1')).toEqual(['a']);
    made.write('lib/index.js', 'what fs-b depends on');
    expect(ran('--changed')).toEqual(['b']);
    made.write('tsconfig.json', '{}');
    expect(ran('--changed')).toEqual(['a', 'b', 'dax', 'ext4']);
    expect(made.call('run', 'E7', '--changed', 'nowhere')).toMatchObject({
      status: 3,
      stderr: expect.stringMatching(/no commit "nowhere"/),
    });
  }, 120_000);
});

describe('bisect-run', () => {
  test.each<readonly [string, string, string[], number]>([
    ['good', "export default { ...ext4, name: 'b' };", ['b', 'E7', '-s', 'v5.15'], 0],
    ['bad', "export default { ...ext4, name: 'b' };", ['b', 'E7', '-s', 'v5.14'], 1],
    [
      'unknown',
      "export default { ...ext4, name: 'b' };",
      ['b', 'E7', '-s', 'v5.15', '--max-executions', '1'],
      125,
    ],
    ['no filesystem', "throw new Error('not yet');", ['b', 'E7'], 125],
    ['no such check', "export default { ...ext4, name: 'b' };", ['b', 'E99'], 125],
    ['a wrong call', "export default { ...ext4, name: 'b' };", ['b', 'E7', '--profil', 'v5.15'], 128],
    ['half a call', "export default { ...ext4, name: 'b' };", ['b'], 128],
  ])('%s', (_, body, args, status) => {
    const made = project({ 'fs-b': body });
    expect(made.call('bisect-run', ...args).status).toBe(status);
    expect(existsSync(join(made.folder, 'results'))).toBe(false);
  });
});

describe('doctor', () => {
  test('says what is found, and tries each filesystem', () => {
    const made = project();
    made.write('fsport.config.mjs', 'export default {};');
    const { status, stdout, stderr } = made.call('doctor');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^ok +node +v\d/m);
    expect(stdout).toMatch(/^ok +config +\S+fsport\.config\.mjs$/m);
    expect(stdout).toMatch(
      /^ok +filesystem +ext4: @fsport\/fs-ext4 .* as v5\.14, v5\.15; deterministic, [\d,]+ executions\/s$/m,
    );
    expect(stdout).toMatch(/^ok +results +results can be written$/m);
    expect(existsSync(join(made.folder, 'results'))).toBe(false);
  });

  test('says what is wrong, all of it, and how to mend it', () => {
    const made = project({
      'fs-none': 'export const fs = ext4;',
      'fs-again': 'export default { ...ext4 };',
      'fs-dice': `export default { ...ext4, name: 'dice', follows: ['v5.15'], iget(sb, ino) {
        const inode = ext4.iget(sb, ino), { readIter } = inode.iFop;
        inode.iFop = { ...inode.iFop, *readIter(...args) {
          if (Math.random() < 0.5) yield* inode.iSize.read();
          return yield* readIter(...args); } };
        return inode; } };`,
    });
    writeFileSync(join(made.folder, 'file'), '');
    const { status, stdout } = made.call('doctor', '--results', 'file', '--redis', 'redis://127.0.0.1:1');
    expect(status).toBe(1);
    expect(stdout).toMatch(/^WRONG +filesystem +.*fs-none: it has no default export\. Write/m);
    expect(stdout).toMatch(/^WRONG +filesystem +.*fs-again.*"ext4"\. Rename/m);
    expect(stdout).toMatch(/^WRONG +filesystem +dice: .*not deterministic: "fsport run dice/m);
    expect(stdout).toMatch(/^WRONG +results +.*--results\.$/m);
    expect(stdout).toMatch(/^WRONG +redis +.*127\.0\.0\.1:1/m);
  });
});

describe('watch', () => {
  test('runs a filesystem when it changes, its last failure first, and ends with status 130', async () => {
    const made = project({
      'fs-b': "export default { ...ext4, name: 'b', follows: ['v5.14'], supports: { zeroRange: true } };",
    });
    made.call('run', 'b', 'E7');
    const [{ token }] = resultsIn(made) as [CheckResult];
    made.write('plugins/fs-b/expected.json', '{}');
    const module = join(made.folder, 'plugins/fs-b/index.js');
    const child = fsport(made, 'watch', 'b', '--group', 'quick');
    let printed = '';
    const waits = (): number => printed.split('Waiting for a change').length - 1;
    let changed = false;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
      if (waits() === 1 && !changed) {
        changed = true;
        const fixed = readFileSync(module, 'utf8').replace("['v5.14']", "['v5.15']");
        writeFileSync(module, fixed);
      }
      if (waits() === 2 && !child.killed) child.kill('SIGINT');
    });
    const [status] = await once(child, 'close');
    expect(status).toBe(130);
    const [first, second] = printed.split('Waiting for a change') as [string, string];
    expect(first).toMatch(/^\nThe last failure of b:\n/);
    expect(first).toContain(`fsport replay b '${token}'`);
    expect(first).toMatch(/as v5\.14[\s\S]*Exit status 1/);
    expect(second).toMatch(/The last failure of b:/);
    expect(second).toMatch(/as v5\.15[\s\S]*Exit status 0/);
  }, 120_000);

  test(
    'interrupted in the middle of a run leaves its report',
    async () => {
      const made = project({
        'fs-b': "export default { ...ext4, name: 'b', follows: ['v5.15'] };",
      });
      const [status, printed] = await interrupted(fsport(made, 'watch', 'b', '-g', 'auto'), / pass /);
      expect(status).toBe(130);
      expect(printed).toMatch(/Exit status 130/);
      expect(new Set(resultsIn(made).map(({ verdict }) => verdict))).toContain('unknown');
    },
    PATIENCE_MS,
  );
});

test(
  'selftest says of each case what came of it',
  () => {
    const { status, stdout, stderr } = project().call(
      ...(EXAMPLES['selftest'] as string).split(' ').slice(1),
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^ok +suite +a task that waits for itself: fail deadlock/m);
    expect(stdout).toMatch(/^ok +engine +with the fault noSleep: another number of executions$/m);
    const [, good, total] = /\n(\d+) of (\d+) as they must be\n$/.exec(stdout) as RegExpExecArray;
    expect(good).toBe(total);
    expect(Number(total)).toBeGreaterThan(30);
  },
  PATIENCE_MS,
);
