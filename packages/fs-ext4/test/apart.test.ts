// Shows that what joins a step hides no race: where a task goes on after a step without another one (tests flags of the
// page that it found, fills in what it inserted), every call is made a step of its own, and the suite finds the same.
// It is the whole model that is split, not a list of places, so a merge that somebody adds is split, too. What is merged
// inside one section is in split.test.ts.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import ext4 from '@fsport/fs-ext4';
import { describe, expect, test } from '@jest/globals';
import { apart } from './apart/hooks.js';

const REGISTER = new URL('./apart/register.js', import.meta.url);
const CHECKS = fileURLToPath(new URL('./apart/checks.js', import.meta.url));

interface Found {
  readonly executions: number;
  readonly unexpected: readonly unknown[];
}

/** Run checks in a process of its own, with what is loaded before. */
function found(profile: string, checks: string, ...before: readonly string[]): Found {
  const args = [...before, CHECKS, profile, checks];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect(stderr).toBe('');
  return JSON.parse(stdout) as Found;
}

describe('with each call of a task as a step', () => {
  const AREAS = ['pair/**', 'error/**', 'race/e[2-8]*'];
  const cases = ext4.follows.flatMap((profile) => AREAS.map((area) => [profile, area] as const));
  test.each(cases)(
    '%s %s is as declared',
    (profile, area) => {
      expect(found(profile, area, `--import=${REGISTER.href}`)).toMatchObject({ unexpected: [] });
    },
    300_000,
  );

  test('there are more interleavings', () => {
    const check = 'pair/pread-vs-reclaim.page';
    const split = found('v5.15', check, `--import=${REGISTER.href}`);
    expect(split.executions).toBeGreaterThan(found('v5.15', check).executions);
  }, 60_000);
});

describe('a step comes', () => {
  test.each<[string, string, string]>([
    [
      'before each call of a task',
      'function* f(n) { n.store(n.load() + 1); }',
      'function* f(n) { (yield* apart$(), n.store((yield* apart$(), n.load()) + 1)); }',
    ],
    [
      'before the whole of a chain',
      'function* f(n) { g(n)?.a.load(); }',
      'function* f(n) { (yield* apart$(), g(n)?.a.load()); }',
    ],
    [
      'not before what is driven, but before what it is worked out from',
      'function* f(n) { yield* n.at(0).read(); }',
      'function* f(n) { yield* (yield* apart$(), n.at(0)).read(); }',
    ],
    [
      'nowhere in a section, a plain function or an iterator',
      'function* f(n) { yield* n.section(() => n.load()); } function g(n) { n.load(); } function* h(n) { yield n.load(); }',
      'function* f(n) { yield* n.section(() => n.load()); } function g(n) { n.load(); } function* h(n) { yield n.load(); }',
    ],
  ])('%s', (_, source, split) => {
    expect(apart(source).split('\nimport')[0]).toBe(split);
  });
});
