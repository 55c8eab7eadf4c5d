// Shows what becomes of filesystem packages that are not what they should be: a package that cannot be used is a
// usage error that names it, a model that misbehaves fails its check and no other.

import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { type Called, ext4But, PATIENCE_MS, Project } from './command.js';

/** Quick, and passes on ext4 since v5.15. */
const CHECK = 'race/e3-fadvise-vs-punch';
/** Has no fallocate that blocks, so it passes whatever `ext4But` does to one. */
const WITHOUT_FALLOCATE = 'race/e6-truncate-vs-read';

function versionOfCore(): string {
  const manifest = new URL('../../core/package.json', import.meta.url);
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { readonly version: string }).version;
}

const projects: Project[] = [];
function project(plugins: Readonly<Record<string, string>>): Project {
  const made = new Project(plugins);
  projects.push(made);
  return made;
}
afterAll(() => {
  for (const made of projects) made.remove();
});

describe('a package that cannot be used', () => {
  const refused = (plugins: Readonly<Record<string, string>>): string => {
    const { status, stdout, stderr } = project(plugins).call('list');
    expect({ status, stdout, lines: stderr.split('\n').length }).toEqual({ status: 3, stdout: '', lines: 2 });
    return stderr;
  };

  test('has no default export', () => {
    expect(refused({ 'fs-none': 'export const fs = ext4;' })).toMatch(/fs-none.*no default export/);
  });

  test('exports something else', () => {
    const other = refused({ 'fs-other': 'export default { ...ext4, mkfs: undefined, aOps: 1 };' });
    expect(other).toMatch(/fs-other.*has no mkfs, aOps\./);
  });

  test.each([
    ["'d4f5258eae7b'", 'its ports are no list of commits'],
    ["[{ of: 'mm', kernel: 'd4f5258eae7b', since: 'v5.15', title: 'x' }]", '"of":"mm"'],
    ["[{ of: '730633f0b7f9', kernel: 'd4f5258eae7b', since: '5.15', title: 'x' }]", '"since":"5.15"'],
    ['[null]', 'its ports have null'],
  ])('is ported by %s', (ports, said) => {
    expect(refused({ 'fs-new': `export default { ...ext4, ports: ${ports} };` })).toContain(said);
  });

  test('follows a release that the model does not know', () => {
    expect(refused({ 'fs-new': "export default { ...ext4, follows: ['v9.9'] };" })).toMatch(/fs-new.*v9\.9/);
  });

  test('has a name that is a path', () => {
    expect(refused({ 'fs-path': "export default { ...ext4, name: '../up' };" })).toMatch(/fs-path.*\.\.\/up/);
  });

  test('throws when it is imported', () => {
    expect(refused({ 'fs-loud': "throw new Error('no luck');" })).toMatch(/fs-loud.*no luck/);
  });

  test(
    'computes for ever when it is imported',
    () => {
      const message = /fs-spins: importing it has not come to an end in 10 s.*index\.js/;
      expect(refused({ 'fs-spins': 'try { for (;;); } finally { for (;;); }' })).toMatch(message);
    },
    PATIENCE_MS,
  );

  test(
    'waits for ever when it is imported, while others can be used',
    () => {
      const waits = 'setInterval(() => undefined, 1000);\nawait new Promise(() => undefined);';
      const made = project({ 'fs-waits': waits, 'fs-works': "export default { ...ext4, name: 'works' };" });
      const { status, stdout, stderr } = made.call('doctor');
      expect({ status, stderr }).toEqual({ status: 1, stderr: '' });
      expect(stdout).toMatch(/^WRONG +filesystem +.*fs-waits: importing it has not come to an end in 10 s/m);
      expect(stdout).toMatch(/^ok +filesystem +works: fs-works/m);
    },
    PATIENCE_MS,
  );

  test('has the name of another one', () => {
    expect(refused({ 'fs-again': 'export default { ...ext4 };' })).toMatch(
      /fs-again.*@fsport\/fs-ext4.*"ext4"/,
    );
  });

  test('needs another major version of core', () => {
    const made = project({ 'fs-next': "export default { ...ext4, name: 'next' };" });
    const manifest = {
      name: 'fs-next',
      type: 'module',
      keywords: ['fsport-filesystem'],
      exports: './index.js',
    };
    const plant = (key: string, range: string): Called => {
      made.write(
        'plugins/fs-next/package.json',
        JSON.stringify({ ...manifest, [key]: { '@fsport/core': range } }),
      );
      return made.call('list', 'next', 'E7');
    };
    for (const key of ['dependencies', 'peerDependencies']) {
      const { status, stdout, stderr } = plant(key, '^7.0.0');
      expect({ status, stdout, lines: stderr.split('\n').length }).toEqual({
        status: 3,
        stdout: '',
        lines: 2,
      });
      expect(stderr).toMatch(/fs-next: it needs @fsport\/core \^7\.0\.0, and this is \d/);
    }
    for (const range of ['*', '>=0.1.0', 'workspace:*']) expect(plant('dependencies', range).status).toBe(0);
  });

  test('brings a core of its own', () => {
    const made = project({ 'fs-own': "export default { ...ext4, name: 'own' };" });
    const core = 'plugins/fs-own/node_modules/@fsport/core';
    made.write(`${core}/index.js`, '');
    const plant = (version: string): string => {
      const manifest = {
        name: '@fsport/core',
        version,
        exports: { '.': './index.js', './package.json': './package.json' },
      };
      made.write(`${core}/package.json`, JSON.stringify(manifest));
      const { status, stderr } = made.call('list', 'own');
      expect({ status, lines: stderr.split('\n').length }).toEqual({ status: 3, lines: 2 });
      return stderr;
    };
    expect(plant('7.0.0')).toMatch(/fs-own: it uses @fsport\/core 7\.0\.0, and this is \d.*npm dedupe/);
    expect(plant(versionOfCore())).toMatch(/fs-own: it uses a copy of @fsport\/core of its own/);
  });

  test('has an expected.json that cannot be read', () => {
    const made = project({ 'fs-a': "export default { ...ext4, name: 'a' };" });
    made.write('plugins/fs-a/expected.json', '{"x": 1');
    expect(made.call('list')).toMatchObject({
      status: 3,
      stderr: expect.stringMatching(/fs-a.expected\.json/),
    });
    made.write('plugins/fs-a/expected.json', '{"x": {"v5.15": {"verdict": "good"}}}');
    expect(made.call('list')).toMatchObject({
      status: 3,
      stderr: expect.stringMatching(/fs-a.expected\.json/),
    });
  });
});

describe('a package of the project', () => {
  test('is found in its dependencies, and by its own folder', () => {
    const made = project({ 'fs-mine': "export default { ...ext4, name: 'mine' };" });
    expect(made.call('list', 'fs-mine', 'E7').stdout).toBe('race/e7-zero-range-vs-read\n');
    made.write('package.json', '{ "name": "empty" }');
    expect(made.call('list', 'mine', 'E7').status).toBe(3);
  });

  test('is found in the workspace, whatever package the command is called from', () => {
    const made = project({ 'fs-mine': "export default { ...ext4, name: 'mine' };" });
    made.write('package.json', '{ "private": true }');
    made.write('pnpm-workspace.yaml', 'packages: ["plugins/*", "other"]');
    made.write('other/package.json', '{ "name": "other" }');
    expect(made.callIn('other', 'list', 'mine', 'E7')).toMatchObject({ status: 0, stderr: '' });
    made.write('other/package.json', '{ "name": ');
    const broken = made.callIn('other', 'list', 'E7');
    expect(broken).toMatchObject({
      status: 3,
      stderr: expect.stringMatching(/cannot be listed.*package\.json/),
    });
  });

  test('is not needed: without a package.json there are the filesystems of the command', () => {
    const made = project({});
    rmSync(join(made.folder, 'package.json'));
    expect(made.call('list', 'ext4', 'E7')).toMatchObject({ status: 0, stderr: '' });
  });

  test('declares its verdicts', () => {
    const made = project({ 'fs-mine': "export default { ...ext4, name: 'mine' };" });
    const declared = { 'race/e3-*': { 'v5.15': { verdict: 'fail', property: 'stale-data' } } };
    made.write('plugins/fs-mine/expected.json', JSON.stringify(declared));
    const { status, stdout } = made.call('run', 'mine', CHECK, '-s', 'v5.15');
    expect({ status, xpass: / XPASS /.test(stdout) }).toEqual({ status: 1, xpass: true });
  });
});

describe('a model that misbehaves', () => {
  const run = (name: string, source: string): Called => {
    return project({ [`fs-${name}`]: source }).call('run', name, CHECK, WITHOUT_FALLOCATE, '-s', 'v5.15');
  };
  /** The check that runs into it fails for that reason, the other passes. */
  const failed = (called: Called, property: string): void => {
    expect(called.stderr).toBe('');
    expect(called.stdout).toMatch(new RegExp(`^${CHECK} .* FAIL +${property}`, 'm'));
    expect(called.stdout).toMatch(new RegExp(`^${WITHOUT_FALLOCATE} .* pass `, 'm'));
    expect(called.status).toBe(1);
  };

  test('throws in a task, which is reported with the line', () => {
    const called = run('throws', ext4But('throws', "throw new RangeError('bad extent');"));
    failed(called, 'threw');
    expect(called.stdout).toMatch(/RangeError: bad extent/);
    expect(called.stdout).toMatch(/thrown in \S*fallocate at fs-throws\/index\.js:5:/);
  });

  test('throws when it is mounted, which is reported with the line', () => {
    const called = run(
      'mount',
      "export default { ...ext4, name: 'mount',\n  mount() { throw new TypeError('no disk'); } };",
    );
    expect(called.status).toBe(1);
    expect(called.stdout.match(/ FAIL +threw/g)).toHaveLength(2);
    expect(called.stdout).toMatch(/TypeError: no disk/);
    expect(called.stdout).toMatch(/thrown in \S*mount at fs-mount\/index\.js:4:/);
  });

  test('forgets yield*, which is reported with the line', () => {
    const called = run('forgets', ext4But('forgets', 'core.downRead(inode.iRwsem);'));
    failed(called, 'floating-task');
    expect(called.stdout.replace(/\s+/g, ' ')).toMatch(
      /down_read\(\S+ was created in \S+ at fs-forgets\/index\.js:5:/,
    );
  });

  // Nothing of them runs, so that no execution can tell: they are found in the source, and no check is run.
  test.each([
    ['a task of the kernel', 'core.inodeLock(inode);', 'inodeLock'],
    [
      'a task in a branch that is never taken',
      'if (args[0] > 99) core.downWrite(inode.iRwsem);',
      'downWrite',
    ],
    ['a task whose result it wants', 'if (core.inodeDioWait(inode)) return 0;', 'inodeDioWait'],
    ['a task of its own', 'yield* flush(); flush();', 'flush'],
  ])('forgets yield* in front of %s, which is reported with the line', (_, line, name) => {
    const own = 'function* flush() { yield* core.condResched(); }';
    const called = run('floats', `${ext4But('floats', line)}${own}`);
    expect({ status: called.status, stderr: called.stderr }).toEqual({ status: 1, stderr: '' });
    expect(called.stdout.match(/ FAIL +floating-task/g)).toHaveLength(2);
    expect(called.stdout.replace(/\s+/g, ' ')).toContain(`${name}() at fs-floats/index.js:5 is never driven`);
  });

  test('may keep a task for later, and iterate over what is none', () => {
    const line = 'const later = core.inodeDioWait(inode); yield* later; numbers();';
    const own = 'function* numbers() { yield 1; }';
    const called = run('keeps', `${ext4But('keeps', line)}${own}`);
    expect({ status: called.status, stderr: called.stderr }).toEqual({ status: 0, stderr: '' });
  });

  test('never ends', () => {
    const called = run('lives', ext4But('lives', 'for (;;) yield* core.condResched();'));
    failed(called, 'livelock');
    expect(called.stdout.split('\n').length).toBeLessThan(300);
  });

  test(
    'never yields, which does not take the run down',
    () => {
      const called = run('spins', ext4But('spins', 'for (;;);'));
      failed(called, 'never-yields');
      expect(called.stdout).toMatch(/loop without "yield\*"/);
    },
    PATIENCE_MS,
  );
});
