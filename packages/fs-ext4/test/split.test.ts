// Shows that no merged step hides a race: each is split, and the checks that meet it find the same. What is merged by
// joining a step from outside of its section is in apart.test.ts.

import { readFileSync } from 'node:fs';
import { checksOf, parseExpected, runCheck, selectChecks } from '@fsport/conformance';
import ext4 from '@fsport/fs-ext4';
import { describe, expect, test } from '@jest/globals';
import {
  blocksInAnyOrder,
  fetchThenArrive,
  getWithoutLook,
  lookUpThenInsert,
  pieces,
  type Split,
  speculativeGet,
  strangerWritesLater,
  walkThenAccess,
  walkWithoutFlush,
  withSplit,
} from './splits.js';

/** What is merged, how it is split, and the checks that meet it. */
type Row = readonly [merge: string, split: Split, checks: string];

const READS = 'pair/{pread,fadvise-willneed,fault-readahead}-vs-*';
const MAPPED = 'pair/{read-fault,mkwrite,populate-write}-vs-*';
const WRITES = 'pair/{buffered-write,writeback}-vs-*';

const ROWS: readonly Row[] = [
  [
    'a look-up takes a reference and looks again',
    speculativeGet,
    '{pair/{pread,read-fault}-vs-*,race/e[2-8]*}',
  ],
  ['readahead looks for a page before it inserts one', lookUpThenInsert, READS],
  ['an access walks the page table before it', walkThenAccess, `{${MAPPED},triple/store-grow-store}`],
  ['a stranger writes to a freed block later', strangerWritesLater, `{${READS},${MAPPED},race/e[2-8]*}`],
  ['a block is fetched before it arrives', fetchThenArrive, `{${READS},${WRITES},race/e[2-8]*}`],
  [
    'the blocks of a request are several requests',
    blocksInAnyOrder,
    'pair/{pread,read-fault,mkwrite,writeback}-vs-*.block',
  ],
  [
    'a block is taken from the bitmap before it has an owner',
    pieces('ext4_mb_new_blocks(block_bitmap)'),
    WRITES,
  ],
  [
    'a page becomes valid before it is unlocked',
    pieces('page_endio(PG_uptodate)', 'mpage_end_io(PG_uptodate)', 'end_buffer_async_read(PG_uptodate)'),
    `{${READS},pair/read-fault-vs-*,race/e[2-8]*}`,
  ],
  ['a read copies block after block', pieces('copy_page_to_iter(page)'), 'pair/pread-vs-*.block'],
  [
    'a write copies block after block',
    pieces('copy_page_from_iter_atomic(page)'),
    'pair/buffered-write-vs-*.block',
  ],
  [
    'zeroing goes block after block',
    pieces('zero_user_segment(page)'),
    'pair/*-vs-punch-hole.{partial,block}',
  ],
  [
    'a write makes buffers and page valid and dirty one after the other',
    pieces('block_write_end(PG_dirty)'),
    WRITES,
  ],
  [
    'walks over tags are no snapshot',
    pieces('find_get_pages_range_tag(i_pages)', 'mapping_tagged(i_pages)'),
    WRITES,
  ],
  [
    'walks of readahead are no snapshot',
    pieces('page_cache_next_miss(i_pages)', 'page_cache_prev_miss(i_pages)'),
    '{race,triple,pair}/*readahead*',
  ],
  [
    'readahead looks at PG_writeback before it clears the marker',
    pieces('page_cache_async_ra(PG_readahead)'),
    READS,
  ],
];

const path = new URL('../expected.json', import.meta.url);
const expected = parseExpected(JSON.parse(readFileSync(path, 'utf8')), 'expected.json');
const cases = ext4.follows.flatMap((profile) =>
  ROWS.map(([merge, split, checks]) => ({ profile, merge, split, checks })),
);

/** Run checks on the split model. @returns How many steps were split, and what was not as declared. */
function run(profile: string, split: Split, checks: string): { met: number; unexpected: string[] } {
  let met = 0;
  const fs = withSplit(ext4, split, () => met++);
  const unexpected = selectChecks(checksOf(ext4), checks).flatMap((check) => {
    const { ok, verdict, property } = runCheck(fs, profile, check, expected, { shrink: false }).result;
    return ok ? [] : [`${check.id} ${verdict} ${property}`];
  });
  return { met, unexpected };
}

test.each(cases)(
  '$profile: $merge',
  ({ profile, split, checks }) => {
    const { met, unexpected } = run(profile, split, checks);
    expect(unexpected).toEqual([]);
    expect(met).toBeGreaterThan(0);
  },
  300_000,
);

// The kernel does not do these: so a merge that hid a race would be found.
describe('a split that leaves out what the kernel does in between shows', () => {
  test('that a store is lost if the flush does not wait for it', () => {
    const { unexpected } = run('v5.15', walkWithoutFlush, 'pair/mkwrite-vs-reclaim.page');
    expect(unexpected).toEqual([
      expect.stringMatching(/^pair\/mkwrite-vs-reclaim.page fail (?:lost-write|stale-data)$/),
    ]);
  });

  test('that a page is used after it was freed if a look-up does not look again', () => {
    const { unexpected } = run('v5.15', getWithoutLook, 'pair/pread-vs-reclaim.page');
    expect(unexpected).toEqual(['pair/pread-vs-reclaim.page fail refcount']);
  });
});
