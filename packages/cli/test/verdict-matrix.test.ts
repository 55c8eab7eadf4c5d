// Shows that what the packages declare, put together as a run puts its results together, is the verdict matrix that was worked out
// from the kernel sources, cell by cell. No search is run: that each verdict is the declared one is shown by the suites of
// the packages. A cell that differs has an entry in docs/departures.md that argues for it.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CHECKS, type CheckResult, matrixOf, missingClaims, type VerdictMatrix } from '@fsport/conformance';
import { expect, test } from '@jest/globals';
import { discover, type Plugin } from '#src/discovery.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const DEPARTURES = readFileSync(new URL('docs/departures.md', `file://${ROOT}`), 'utf8');
const FACTS = JSON.parse(
  readFileSync(new URL('../test/data/verdict-matrix.json', import.meta.url), 'utf8'),
) as VerdictMatrix;

const plugins = await discover(ROOT);

/** A cell that is not what the facts say, and the function whose `@departs` says why. */
interface Departure {
  readonly cell: string;
  readonly profile: string;
  readonly declared: string;
  readonly argued: string;
}

const DEPARTED: readonly Departure[] = [
  { cell: 'ceph truncate', profile: 'v5.14', declared: 'deadlock', argued: 'cephReadahead' },
  { cell: 'ceph truncate', profile: 'v5.15', declared: 'deadlock', argued: 'cephReadahead' },
  { cell: 'ceph mkwrite', profile: 'v5.14', declared: 'race', argued: 'cephFilemapFault' },
  { cell: 'bdev mkwrite', profile: 'v5.14', declared: 'race', argued: 'defBlkFops' },
];

/** What a run would find if every check ended as declared. */
function declaredResults({ fs, expected }: Plugin): CheckResult[] {
  return fs.follows.flatMap((profile) =>
    CHECKS.map((check) => {
      const declared = expected?.of(check.id, profile) ?? { verdict: 'pass' };
      const verdict = missingClaims(fs, check).length > 0 ? 'notrun' : declared.verdict;
      const property = declared.property ?? null;
      const result = { fs: fs.name, profile, check: check.id, verdict, property };
      return { ...result, exhaustive: verdict === 'pass' } as CheckResult;
    }),
  );
}

const cells = Object.entries(FACTS.filesystems).flatMap(([fs, { profiles, cells: rows }]) =>
  Object.entries(rows).flatMap(([row, verdicts]) =>
    verdicts.flatMap((verdict, i) => (verdict === null ? [] : [{ fs, row, profile: profiles[i], verdict }])),
  ),
);

test('the facts judge every filesystem of the series', () => {
  expect(cells).toHaveLength(298);
});

test.each(cells)('$fs $row in $profile: $verdict', ({ fs, row, profile, verdict }) => {
  const matrix = matrixOf(declaredResults(plugins.get(fs)), CHECKS).filesystems[fs];
  const departed = DEPARTED.find((one) => one.cell === `${fs} ${row}` && one.profile === profile);
  const cell = matrix?.cells[row]?.[matrix.profiles.indexOf(profile ?? '')];
  expect(cell).toBe(departed?.declared ?? verdict);
});

test.each(DEPARTED)('$cell in $profile is argued for', ({ cell, profile, declared, argued }) => {
  const [fs, row] = cell.split(' ');
  const fact = cells.find((one) => one.fs === fs && one.row === row && one.profile === profile);
  expect(fact?.verdict).not.toBe(declared);
  const section = DEPARTURES.split('\n## ').find((text) => text.startsWith(`fs-${fs}\n`));
  const entry = section
    ?.split('\n')
    .find((line) => line.startsWith(`- \`${argued}\`: Verdict matrix, row \`${row}\``));
  expect(entry).toBeDefined();
});

test('every declared failure says what fails, so that it has a place in the matrix', () => {
  const failed = plugins
    .all()
    .flatMap(declaredResults)
    .filter(({ verdict }) => verdict === 'fail');
  expect(failed.length).toBeGreaterThan(0);
  expect(failed.filter(({ property }) => property === null)).toEqual([]);
});

function cellsOf(fs: string, profile: string): readonly unknown[] {
  const matrix = matrixOf(declaredResults(plugins.get(fs)), CHECKS).filesystems[fs];
  const at = matrix?.profiles.indexOf(profile) ?? -1;
  return Object.values(matrix?.cells ?? {}).map((row) => row[at]);
}

test('with the patch that was left out, tmpfs is what it is without', () => {
  expect(cellsOf('shmem', 'v5.15+shmem-invalidate-lock')).toEqual(cellsOf('shmem', 'v5.15'));
});

test.each(['v5.14', 'v5.15'])('DAX is safe in %s, which the facts do not judge', (profile) => {
  expect(['safe', 'n/a']).toEqual(expect.arrayContaining([...cellsOf('dax', profile)]));
});
