// Shows that fsport.config.ts means what the flags of the same names mean, that a flag wins, and that what is wrong in it
// is said with its file and its key.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CheckResult } from '@fsport/conformance';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Command } from 'commander';
import { runCommand } from '#src/commands/run.js';
import { applyConfig } from '#src/config.js';
import { Project } from './command.js';

const E3 = ['race/e3-fadvise-vs-punch', 'race/e3-readahead-vs-punch', 'race/e3-madvise-vs-punch'];

let project: Project;
beforeEach(() => {
  project = new Project();
});
afterEach(() => project.remove());

const typescript = (text: string): string => `import { type Config, defineConfig } from '@fsport/cli';
const config: Config = ${text};
export default defineConfig(config);
`;

function listed(...args: string[]): readonly string[] {
  const { status, stdout, stderr } = project.call('run', '--list', ...args);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.trimEnd().split('\n');
}

function resultsIn(folder: string): readonly CheckResult[] {
  return JSON.parse(readFileSync(join(project.folder, folder, 'latest/run.json'), 'utf8')).results;
}

describe('a configuration', () => {
  test.each([
    [
      'fsport.config.ts',
      typescript("{ group: ['quick'] satisfies string[], excludeGroup: ['truncate', 'faults'] }"),
    ],
    ['fsport.config.mts', typescript("{ group: ['quick'], excludeGroup: ['truncate', 'faults'] }")],
    ['fsport.config.mjs', "export default { group: ['quick'], excludeGroup: ['truncate', 'faults'] };"],
    ['fsport.config.js', "module.exports = { group: ['quick'], excludeGroup: ['truncate', 'faults'] };"],
  ])('%s means what the flags mean', (name, text) => {
    const flags = listed('-g', 'quick', '-x', 'truncate,faults');
    expect(flags).not.toEqual(listed());
    project.write(name, text);
    expect(listed()).toEqual(flags);
  });

  test('sets every option that a run has, from a folder above, with paths from where it stands', () => {
    project.write('known.txt', 'E3 # known, since May\n');
    project.write(
      'fsport.config.ts',
      typescript(`{
        group: ['named'], excludeGroup: ['truncate'], exclude: ['E7 # slow, and known', 'E1 # why'], excludeFile: ['known.txt'],
        profile: ['v5.15'], reporter: ['text', 'json'], workers: 1, engine: 'threads', strategy: 'random', seed: 7,
        maxExecutions: 11, maxSteps: 900, time: '5m', bail: true, times: false, results: 'out' }`),
    );
    project.write('below/.keep', '');
    const { stdout, stderr } = project.callIn('below', 'run', 'ext4', 'E2', 'E3', 'E7');
    expect(stderr).toBe('');
    expect(stdout).toMatch(
      /^BOUNDS +-- random, seed 7: at most 11 executions and 300 s per check, 900 steps per execution$/m,
    );
    expect(stdout).toMatch(/slow, and known/);
    expect(stdout).toMatch(/known, since May/);
    expect(stdout).toMatch(/"format": ?1/);
    expect(existsSync(join(project.folder, 'below/results'))).toBe(false);
    expect(new Set(resultsIn('out').map(({ profile, seconds }) => `${profile} ${seconds}`))).toEqual(
      new Set(['v5.15 0']),
    );
    expect(project.call('matrix').status).toBe(0);
  });

  test('gives way to flags', () => {
    project.write('fsport.config.ts', typescript("{ profile: ['v5.14'], results: 'out', maxExecutions: 1 }"));
    project.call(
      'run',
      'ext4',
      'E3',
      '--profile',
      'v5.15',
      '--results',
      'mine',
      '--max-executions',
      '100000',
    );
    expect(resultsIn('mine').map(({ profile, verdict }) => [profile, verdict])).toEqual(
      E3.map(() => ['v5.15', 'pass']),
    );
    expect(existsSync(join(project.folder, 'out'))).toBe(false);
  });
});

describe('a configuration is refused, with the file and the key', () => {
  const run = (): Command => runCommand(() => undefined);

  test.each<readonly [string, object, RegExp]>([
    ['an unknown key', { groups: [] }, /"groups" is no option.*group, excludeGroup/],
    ['an option of one call', { resume: true }, /"resume" is no option/],
    ['a number out of range', { workers: 0 }, /"workers": It must be a whole number, 1 to 1024/],
    ['a number that is none', { maxSteps: 'many' }, /"maxSteps": It must be a whole number/],
    ['something that is no value', { seed: {} }, /"seed": \{\} is neither a text nor a number/],
    ['undefined', { seed: undefined }, /"seed": undefined is neither a text nor a number/],
    ['a name where a list belongs', { group: 'quick' }, /"group": It must be a list/],
    ['an empty list', { group: [] }, /"group": It must be a list/],
    ['a list where a name belongs', { strategy: ['dpor'] }, /"strategy": \["dpor"\] is neither/],
    ['an unknown choice', { strategy: 'dporr' }, /"strategy": Allowed choices are auto, dfs, dpor/],
    ['a time without a unit', { time: 5 }, /"time": It must be a time such as 30s/],
    ['a switch that is none', { times: 'no' }, /"times": It must be true or false/],
    ['an address that is none', { redis: 'here' }, /"redis": It must be an address/],
  ])('%s', (_, values, message) => {
    const config = { path: 'fsport.config.ts', values: values as Record<string, unknown> };
    const apply = (): void => applyConfig(config, run(), run());
    expect(apply).toThrow(expect.objectContaining({ code: 'BAD_CONFIG' }));
    expect(apply).toThrow(/^fsport\.config\.ts: "/);
    expect(apply).toThrow(message);
  });

  test.each([
    ['nothing', 'export default undefined;', /default export.*defineConfig/],
    ['a list', 'export default [];', /default export.*defineConfig/],
    ['an error', 'throw new Error("no luck");', /loading it throws: no luck/],
    ['no TypeScript', 'export default { {', /loading it throws/],
  ])('%s, and nothing is lost', (_, text, message) => {
    project.write('results/latest/run.json', '{}');
    project.write('fsport.config.ts', text);
    const { status, stdout, stderr } = project.call('run', 'ext4', 'E7');
    expect({ status, stdout, lines: stderr.split('\n').length }).toEqual({ status: 3, stdout: '', lines: 2 });
    expect(stderr).toMatch(/fsport\.config\.ts: /);
    expect(stderr).toMatch(message);
    expect(readFileSync(join(project.folder, 'results/latest/run.json'), 'utf8')).toBe('{}');
  });

  test('two of them', () => {
    project.write('fsport.config.ts', 'export default {};');
    project.write('fsport.config.mjs', 'export default {};');
    const { status, stderr } = project.call('list');
    const message = expect.stringMatching(/fsport\.config\.mjs is there, too/);
    expect({ status, stderr }).toEqual({ status: 3, stderr: message });
  });
});
