// Shows that the suite is complete and consistent, and how checks are selected.

import { CHECKS, checksOf, GROUPS, MATRIX_ROWS, missingClaims, selectChecks } from '@fsport/conformance';
import { describe, expect, test } from '@jest/globals';
import { FILLERS } from '#src/checks/fillers.js';
import { PAIR_GEOMETRIES } from '#src/checks/geometry.js';
import { INVALIDATORS } from '#src/checks/invalidators.js';
import { checkOf, fixture } from '#src/selftest/fixture.js';

function ids(pattern: string): string[] {
  return selectChecks(CHECKS, pattern).map(({ id }) => id);
}

describe('the suite', () => {
  test('names every check once, as area/workload', () => {
    const names = CHECKS.map(({ id }) => id);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-z]+\/[a-z0-9-]+(\.[a-z]+)?$/);
  });

  test('has every filler against every invalidator on every geometry that fits', () => {
    const names = new Set(CHECKS.map(({ id }) => id));
    const wanted = FILLERS.flatMap((filler) =>
      INVALIDATORS.flatMap((invalidator) =>
        PAIR_GEOMETRIES.filter((g) => invalidator.fits(g)).map(
          (g) => `pair/${filler.name}-vs-${invalidator.name}.${g.geometry.name}`,
        ),
      ),
    );
    expect(wanted.filter((name) => !names.has(name))).toEqual([]);
    for (const invalidator of INVALIDATORS) expect(PAIR_GEOMETRIES.some(invalidator.fits)).toBe(true);
  });

  test('has E1 to E8 by name', () => {
    for (let n = 1; n <= 8; n++) expect(ids(`E${n}`).length).toBeGreaterThan(0);
  });

  test('has X1 to X4 by name', () => {
    for (let n = 1; n <= 4; n++) expect(ids(`X${n}`).length).toBeGreaterThan(0);
  });

  test('covers every row of the verdict matrix, and invents none', () => {
    const rows = new Set(CHECKS.flatMap((check) => check.rows));
    expect([...rows].sort()).toEqual(Object.keys(MATRIX_ROWS).sort());
  });

  test.each(CHECKS.map((check) => [check.id, check] as const))('%s is well formed', (_, check) => {
    expect(check.groups.filter((group) => GROUPS[group] === undefined)).toEqual([]);
    expect(check.groups).toContain('auto');
    const letters = check.tasks.map(({ letter }) => letter);
    expect(new Set(letters).size).toBe(letters.length);
    for (const { letter, ops } of check.tasks) {
      expect(letter).toMatch(/^[a-z]$/);
      expect(ops).not.toEqual([]);
    }
    expect(check.checkers).not.toEqual([]);
    expect(check.geometry.pageSize % check.geometry.blockSize).toBe(0);
    expect(check.summary).toMatch(/\.$/);
  });
});

describe('a selection', () => {
  test('by id', () => {
    expect(ids('race/e1-read-vs-punch')).toEqual(['race/e1-read-vs-punch']);
  });

  test('by glob', () => {
    const found = ids('pair/pread-vs-punch-hole.*');
    expect(found).toEqual(PAIR_GEOMETRIES.map(({ geometry }) => `pair/pread-vs-punch-hole.${geometry.name}`));
  });

  test('by short name, in either case: all checks of that name', () => {
    expect(ids('E1')).toEqual(['race/e1-read-vs-punch']);
    expect(ids('e3')).toEqual(ids('race/e3-*'));
  });

  test('of what was given only', () => {
    const some = selectChecks(CHECKS, 'pair/**');
    expect(() => selectChecks(some, 'E1')).toThrow(expect.objectContaining({ code: 'UNKNOWN_CHECK' }));
  });

  test.each(['E9', 'race/e1', 'pair/pread', 'nothing/*', ''])('of nothing, "%s", is refused', (pattern) => {
    const refused = { name: 'UsageError', code: 'UNKNOWN_CHECK', data: { check: pattern } };
    expect(() => selectChecks(CHECKS, pattern)).toThrow(expect.objectContaining(refused));
  });
});

describe('claims', () => {
  const check = checkOf([], { requires: { write: true, mmap: true } });

  test('that are missing are named', () => {
    expect(missingClaims(fixture(), check)).toEqual(['write', 'mmap']);
    expect(missingClaims(fixture({ supports: { write: true } }), check)).toEqual(['mmap']);
    expect(missingClaims(fixture({ supports: { write: true, mmap: true } }), check)).toEqual([]);
  });

  test('that must not be made are named as well', () => {
    const onDisk = checkOf([], { requires: { inMemory: false } });
    expect(missingClaims(fixture(), onDisk)).toEqual([]);
    expect(missingClaims(fixture({ supports: { inMemory: true } }), onDisk)).toEqual(['inMemory']);
  });

  test('that are missing take no check out of the list: it says why it was not run', () => {
    expect(checksOf(fixture())).toBe(CHECKS);
  });
});
