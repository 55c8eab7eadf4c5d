// Shows that the tables of docs/porting.md name what there is: each name in the column of fsport is exported, is the
// kernel's name in the same row, spelled as STYLE.md has it, and no operation whose locking changed is left out.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ADDRESS_SPACE_OPERATIONS, GENERIC_FUNCTIONS } from '@fsport/core';
import { expect, test } from '@jest/globals';
import ts from 'typescript';

/** A row: what the kernel calls it, before and after, and what it is called here. */
interface Row {
  readonly kernel: readonly string[];
  readonly after: string;
  readonly here: readonly string[];
}

function quoted(cell: string): readonly string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name as string);
}

const PAGE = readFileSync(new URL('../../../docs/porting.md', import.meta.url), 'utf8');
const ROWS: readonly Row[] = PAGE.split('\n')
  .filter((line) => /^\|(?:[^|]*\|){4}$/.test(line) && !/^\| (?:v5\.14|---)/.test(line))
  .map((line) => {
    const [, before = '', after = '', here = ''] = line.split('|');
    return { kernel: [...quoted(before), ...quoted(after)], after, here: quoted(here) };
  });

/** Names that a package gets from `@fsport/core`, `Type.member` for the members of a type. */
function exported(): ReadonlySet<string> {
  const index = fileURLToPath(new URL('../dist/index.d.ts', import.meta.url));
  const program = ts.createProgram([index], {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2023,
    types: [],
  });
  const checker = program.getTypeChecker();
  const module = checker.getSymbolAtLocation(program.getSourceFile(index) as ts.Node) as ts.Symbol;
  const names = new Set<string>();
  for (const symbol of checker.getExportsOfModule(module)) {
    names.add(symbol.name);
    const named = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    if (!(named.flags & (ts.SymbolFlags.Class | ts.SymbolFlags.Interface))) continue;
    for (const { name } of checker.getDeclaredTypeOfSymbol(named).getProperties())
      names.add(`${symbol.name}.${name}`);
  }
  return names;
}

/** `->page_mkwrite` -> `pageMkwrite`. */
function spelled(kernel: string): string {
  const [, name = ''] = /(\w+)(?:\(\))?$/.exec(kernel) ?? [];
  return name.replace(/(?<=.)_(.)/g, (_, letter: string) => letter.toUpperCase());
}

test('each name of fsport is exported', () => {
  const names = exported();
  const here = ROWS.flatMap((row) => row.here);
  expect(here.filter((name) => !names.has(name))).toEqual([]);
  expect(new Set(here).size).toBe(here.length);
  expect([names.has('AddressSpace.noSuchLock'), names.has('filemapNoSuchLock')]).toEqual([false, false]);
});

test("each name of fsport is the kernel's, changed mechanically", () => {
  const renamed = ROWS.map(({ kernel, here }) => {
    const known = kernel.map(spelled);
    return here.filter((name) => !known.includes(name.replace(/^.*\./, '')));
  });
  // A lock's class, and what v5.14 calls down_write() and the like: the kernel has another name, or none.
  expect(renamed.flat()).toEqual(['SuperBlock.type']);
});

test('every operation and function that demands the lock as of v5.15 has its row, with the mode', () => {
  const demands = { ...ADDRESS_SPACE_OPERATIONS['v5.15'], ...GENERIC_FUNCTIONS['v5.15'] };
  const changed = Object.entries(demands).filter(([, { invalidateLock }]) => invalidateLock !== '-');
  expect(changed.length).toBeGreaterThan(0);
  for (const [name, { invalidateLock }] of changed) {
    const row = ROWS.find(({ kernel }) => kernel.some((one) => [`->${name}`, `${name}()`].includes(one)));
    expect({ name, mode: row?.after }).toEqual({ name, mode: expect.stringContaining(invalidateLock) });
  }
});
