// Shows that what is said about the end of a failure is true for its filesystem: over all failures that are declared, and with
// the commits by which each filesystem got its part of the v5.15 series.
// The commits are those of the merge aa99f3c2b9c7 ("Merge tag 'hole_punch_for_v5.15-rc1'"), and for devices f278eb3d8178.

import { fileURLToPath } from 'node:url';
import {
  CHECKS,
  type CheckRun,
  type Expected,
  hintsOf,
  missingClaims,
  runCheck,
  selectChecks,
  traceCheck,
} from '@fsport/conformance';
import { releaseOf } from '@fsport/core';
import { PLAIN_TEXT, raceText, TRACE_FORMATS } from '@fsport/report';
import { expect, test } from '@jest/globals';
import { discover } from '#src/discovery.js';

const plugins = await discover(fileURLToPath(new URL('../../../', import.meta.url)));
const SERIES = '730633f0b7f9';

/** Every failure that is declared. */
const FAILURES: readonly (CheckRun & { readonly expected: Expected })[] = plugins
  .all()
  .flatMap(({ fs, expected }) =>
    expected === null
      ? []
      : fs.follows.flatMap((profile) =>
          CHECKS.filter((check) => missingClaims(fs, check).length === 0)
            .filter((check) => expected.of(check.id, profile)?.verdict === 'fail')
            .map((check) => ({ fs, profile, check, expected })),
        ),
  );

/** The commits that hints name. */
function commits(run: CheckRun): readonly string[] {
  return hintsOf(run).flatMap(
    (line) => /^(?:fixed by|may be missing) ([0-9a-f]{12}) \(".+"\)$/.exec(line)?.[1] ?? [],
  );
}

test.each<[string, string, string]>([
  ['bdev', 'f278eb3d8178', 'block: hold ->invalidate_lock in blkdev_fallocate'],
  ['ceph', '057ba5b24532', 'ceph: Fix race between hole punch and page fault'],
  ['cifs', 'b092b3efc7cb', 'cifs: Fix race between hole punch and page fault'],
  ['dax', '70f3bad8c315', 'ext2: Convert to using invalidate_lock'],
  ['ext2', '70f3bad8c315', 'ext2: Convert to using invalidate_lock'],
  ['ext4', 'd4f5258eae7b', 'ext4: Convert to use mapping->invalidate_lock'],
  ['f2fs', 'edc6d01bad73', 'f2fs: Convert to using invalidate_lock'],
  ['fuse', '8bcbbe9c7c8e', 'fuse: Convert to using invalidate_lock'],
  ['xfs', '2433480a7e1d', 'xfs: Convert to use invalidate_lock'],
  ['zonefs', '448f94909eb7', 'zonefs: Convert to using invalidate_lock'],
])('%s got its part of the series by %s', (name, kernel, title) => {
  expect(plugins.get(name).fs.ports).toEqual([{ of: SERIES, kernel, since: 'v5.15', title }]);
});

test('no other filesystem of the repository has a part in the series', () => {
  const without = plugins.all().filter(({ fs }) => fs.ports === undefined);
  expect(without.map(({ fs }) => fs.name).sort()).toEqual(['gfs2', 'minimal', 'ocfs2', 'shmem']);
});

test('no hint names a commit that a profile has which is declared to fail too', () => {
  expect(FAILURES.length).toBeGreaterThan(500);
  const since = new Map(
    [...CHECKS.flatMap(({ fixedBy }) => fixedBy), ...plugins.all().flatMap(({ fs }) => fs.ports ?? [])].map(
      (fix) => [fix.kernel, fix.since],
    ),
  );
  const number = (release: string): number =>
    Number(
      /^v(\d+)\.(\d+)$/
        .exec(release)
        ?.slice(1)
        .map((part) => part.padStart(3, '0'))
        .join(''),
    );
  const wrong = FAILURES.flatMap((run) => {
    const { fs, profile, check, expected } = run;
    const failing = fs.follows.filter((one) => expected.of(check.id, one)?.verdict === 'fail');
    return commits(run)
      .filter((kernel) =>
        failing.some((one) => number(releaseOf(one)) >= number(since.get(kernel) as string)),
      )
      .map((kernel) => `${fs.name} ${profile} ${check.id}: ${kernel}`);
  });
  expect(wrong).toEqual([]);
});

test('a failure that v5.15 has too says so, and one that v5.15 does not have names the remedy', () => {
  for (const run of FAILURES.filter(({ profile }) => profile === 'v5.14')) {
    const later = run.expected.of(run.check.id, 'v5.15');
    const where = `${run.fs.name} ${run.check.id}`;
    if (later?.verdict === 'fail')
      expect([where, hintsOf(run)[0]]).toEqual([where, `v5.15 is declared to fail too: ${later.property}`]);
    else expect([where, commits(run).length > 0]).toEqual([where, true]);
  }
});

test('a race that the series does not concern is not said to be fixed by it', () => {
  const of = (name: string): readonly (readonly string[])[] =>
    FAILURES.filter(({ fs }) => fs.name === name).map(commits);
  for (const name of ['gfs2', 'ocfs2', 'shmem', 'dax']) expect(of(name).flat()).not.toContain(SERIES);
  // What was closed in v4.0, long before the series.
  expect(of('dax').flat()).toContain('283307c7607d');
});

test('text and changelog name the commit of mm and that of ext4', () => {
  const { fs, expected } = plugins.get('ext4');
  const [check] = selectChecks(CHECKS, 'E1') as readonly [CheckRun['check']];
  const { failure } = runCheck(fs, 'v5.14', check, expected);
  const where = { fs: 'ext4', profile: 'v5.14' };
  const trace = traceCheck(fs, 'v5.14', failure?.token as string, expected);
  const said = [
    'ixed by 730633f0b7f9 ("mm: Protect operations adding pages to page cache with invalidate_lock")',
    'ixed by d4f5258eae7b ("ext4: Convert to use mapping->invalidate_lock")',
  ];
  for (const text of [
    raceText(failure as never, where, check, PLAIN_TEXT),
    (TRACE_FORMATS['changelog'] as (typeof TRACE_FORMATS)[string])(trace, where),
  ])
    for (const line of said) expect(text.replaceAll(/\s+/g, ' ')).toContain(line);
});
