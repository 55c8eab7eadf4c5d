// Shows what the two rules find and what they leave alone, with type information and without. The types are those of
// core itself.

import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import plugin from '@fsport/eslint-plugin';
import { describe, expect, test } from '@jest/globals';
import * as parser from '@typescript-eslint/parser';
import { Linter } from 'eslint';

const HERE = dirname(fileURLToPath(import.meta.url));
/** The code that is looked at stands in for this file, so that it has the types of core. */
const TYPED = join(HERE, '../test/rules.test.ts');

const CORE = `import { choose, condResched, downRead, type Rwsem, SharedVar, type Task } from '@fsport/core';
declare const lock: Rwsem;
const flag = new SharedVar('flag', 0);
function* own(): Task<number> { yield* condResched(); return 1; }
function* inferred() { yield* condResched(); }
function* numbers() { yield 1; }
`;

function lint(rule: keyof typeof plugin.rules, code: string, typed: boolean): readonly string[] {
  // In a single run, which CI=true stands for, the code would be looked up in the file it stands in for.
  const typedBy = {
    project: join(HERE, '../tsconfig.test.json'),
    tsconfigRootDir: join(HERE, '..'),
    disallowAutomaticSingleRunInference: true,
  };
  const found = new Linter({ configType: 'flat', cwd: join(HERE, '..') }).verify(
    code,
    [
      {
        files: ['**/*.ts'],
        languageOptions: {
          parser: parser as Linter.Parser,
          parserOptions: typed ? typedBy : {},
        },
        plugins: { '@fsport': plugin as object },
        rules: { [`@fsport/${rule}`]: 'error' },
      },
    ],
    { filename: TYPED },
  );
  return found.map(({ line, messageId, message }) => `${line} ${messageId ?? message}`);
}

describe('no-floating-task', () => {
  const LINE = CORE.split('\n').length;
  const within = (line: string): string =>
    `${CORE}export function* body(): Task<unknown> { ${line}\n  return 0; }`;

  test.each([
    ['a task of core', 'downRead(lock);'],
    ['a step of a variable', 'flag.write(1);'],
    ['a task of its own', 'own();'],
    ['a task without a declared type', 'inferred();'],
    ['a task that is only tested', 'if (own()) return 1;'],
    ['a task whose truth is asked for', 'return !own();'],
    ['a task in a branch', 'lock && own();'],
    ['a task that void hides', 'void own();'],
    ['a task before a comma', 'return (own(), 1);'],
    ['a task of which one does not know which', '(flag ? own : inferred)();'],
    ['an optional call', 'lock?.toString && own?.();'],
  ])('finds %s', (_, line) => {
    expect(lint('no-floating-task', within(line), true)).toEqual([`${LINE} floating`]);
  });

  test('finds a bare yield', () => {
    expect(lint('no-floating-task', within('yield choose("x", 2) as never;'), true)).toEqual([
      `${LINE} yielded`,
    ]);
  });

  test.each([
    ['what is driven', 'yield* own(); yield* flag.write(1); return yield* downRead(lock);'],
    ['what is kept for later', 'const later = own(); yield* later;'],
    ['what is handed on', 'return [own()].length;'],
    ['an iterator over something else', 'numbers();'],
    ['a plain call', 'String(1);'],
  ])('leaves alone %s', (_, line) => {
    expect(lint('no-floating-task', within(line), true)).toEqual([]);
  });

  test('knows the generators of the module without type information', () => {
    const lines = 'own(); inferred(); numbers(); downRead(lock); flag.write(1); yield* own();';
    expect(lint('no-floating-task', within(lines), false)).toEqual([`${LINE} floating`, `${LINE} floating`]);
    expect(lint('no-floating-task', within('const own = (): number => 1; own();'), false)).toEqual([]);
  });
});

describe('no-hidden-nondeterminism', () => {
  const found = (code: string): readonly string[] => lint('no-hidden-nondeterminism', code, false);

  test.each([
    ['the clock', 'export const now = () => Date.now();', 'global'],
    ['a finer clock', 'export const now = () => performance.now();', 'global'],
    ['random numbers', 'export const draw = () => Math.random();', 'random'],
    ['better random numbers', 'export const draw = () => crypto.randomUUID();', 'global'],
    ['a timer', 'setTimeout(() => undefined, 1);', 'global'],
    ['a promise', 'export const later = () => Promise.resolve(1);', 'global'],
    ['the process', 'export const where = () => process.cwd();', 'global'],
    ['keys in their order', 'export function f(o: object) { for (const k in o) void k; }', 'forIn'],
    ['an asynchronous function', 'export async function f() {}', 'async'],
    ['a variable that stays', 'let mounts = 0; export const f = () => mounts++;', 'kept'],
    ['one that others see, too', 'export let mounts: number = 0;', 'kept'],
  ])('finds %s', (_, code, messageId) => {
    expect(found(code)).toEqual([`1 ${messageId}`]);
  });

  test.each([
    ['other mathematics', 'export const two = () => Math.max(1, 2);'],
    ['a name of its own', 'export function f(process: { x: number }) { return process.x; }'],
    ['a member of that name', 'export const f = (o: { Date: number }) => o.Date;'],
    ['a type of that name', 'export type T = Promise<number>;'],
    ['entries', 'export function f(o: object) { for (const [k] of Object.entries(o)) void k; }'],
    ['a variable of one call', 'export function f() { let n = 0; n++; return n; }'],
    ['a constant', 'export const HOLE = { mapped: false };'],
  ])('leaves alone %s', (_, code) => {
    expect(found(code)).toEqual([]);
  });
});

test('both are in the recommended configuration, the second one for sources only', () => {
  const config = [...plugin.configs.recommended];
  const names = (file: string): readonly string[] => {
    const linter = new Linter({ configType: 'flat', cwd: join(HERE, '..') });
    const code = 'export const now = () => Date.now(); function* own() {} own();';
    return linter
      .verify(
        code,
        [
          ...config,
          { languageOptions: { parser: parser as Linter.Parser, parserOptions: { project: null } } },
        ],
        { filename: join(HERE, '..', file) },
      )
      .map(({ ruleId }) => ruleId ?? '');
  };
  expect(names('src/x.ts')).toEqual(['@fsport/no-hidden-nondeterminism', '@fsport/no-floating-task']);
  expect(names('test/x.ts')).toEqual(['@fsport/no-floating-task']);
});
