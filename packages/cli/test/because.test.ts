// Shows that every failure that is declared says why it happened, in the words of its filesystem and with the steps to look at:
// who held which lock, what became of the page, of the block, and of the entry of the block map or the page table.
// What is expected of a failure is what the facts say about its race, and the step that is named is the one that did it.

import { fileURLToPath } from 'node:url';
import {
  CHECKS,
  type Check,
  type Failure,
  missingClaims,
  replayCheck,
  runCheck,
  selectChecks,
} from '@fsport/conformance';
import { describe, expect, test } from '@jest/globals';
import { discover, type Plugin } from '#src/discovery.js';

const plugins = await discover(fileURLToPath(new URL('../../../', import.meta.url)));

/** Places in a failure's lines: `ext4_map_blocks() in step 16`. */
const PLACE = /([\w>.-]+)\(\) in step (\d+)/g;

/** Lines that tell what was done to something, by whom. */
const HISTORY =
  /^(?:disk block \d+|block map \S+|page \d+ in the page cache|pte\S+|i_size|buffer \d+): (.+)$/;

/** What is wrong with the lines of a failure. */
function faultsOf({ because, steps }: Failure): readonly string[] {
  if (because.length === 0) return ['it says nothing'];
  return because.flatMap((line) => {
    const places = [...line.matchAll(PLACE)].map(
      ([, verb, step]) => [verb, steps[Number(step) - 1]] as const,
    );
    const misplaced = places.filter(([verb, step]) => step?.text.startsWith(`${verb}(`) !== true);
    const doings = HISTORY.exec(line)?.[1]?.split(/(?<=in step \d+), /) ?? [];
    const strangers = doings.filter((doing) => {
      const [[, , step] = []] = [...doing.matchAll(PLACE)];
      const title = steps[Number(step) - 1]?.title ?? '';
      const who = doing
        .replace(/^(?:read|stored|looked for) by /, '')
        .replace(/ (?:after )?\S+\(\) in step \d+$/, '');
      return !title.includes(who);
    });
    return [...misplaced, ...strangers].length === 0 ? [] : [line];
  });
}

function declared({ fs, expected }: Plugin): readonly (readonly [string, Check])[] {
  return fs.follows.flatMap((profile) =>
    CHECKS.filter((check) => missingClaims(fs, check).length === 0)
      .filter((check) => expected?.of(check.id, profile)?.verdict === 'fail')
      .map((check) => [profile, check] as const),
  );
}

describe('each declared failure says why it happened, and every step that it names is the one it speaks of', () => {
  const failing = plugins.all().filter((plugin) => declared(plugin).length > 0);

  test.each(failing.map((plugin) => [plugin.fs.name, plugin] as const))('%s', (_name, plugin) => {
    const wrong = declared(plugin).flatMap(([profile, check]) => {
      // The shrunk schedule is only a nicer one of those that fail.
      const { failure } = runCheck(plugin.fs, profile, check, plugin.expected, { shrink: false });
      const faults = failure === null ? ['it does not fail'] : faultsOf(failure);
      return faults.map((fault) => `${profile} ${check.id}: ${fault}`);
    });
    expect(wrong).toEqual([]);
  });

  test('which are not few', () => {
    expect(failing.flatMap(declared).length).toBeGreaterThan(500);
  });
});

/** Filesystem and profile, check, property, and what its lines say, in any order. */
type Case = readonly [string, string, string, readonly RegExp[]];

const STEP = String.raw`in step \d+`;

/** A line that tells what was done to something, in this order and perhaps with more between. */
function history(what: string, ...doings: readonly string[]): RegExp {
  const escaped = [what, ...doings].map((text) => text.replaceAll(/[()[\].]/g, String.raw`\$&`));
  return new RegExp(`^${escaped[0]}: (?:.*, )?${escaped.slice(1).join(` ${STEP}, (?:.*, )?`)} ${STEP}`, 'm');
}

const CASES: readonly Case[] = [
  [
    'ext4 v5.14',
    'race/e1-read-vs-punch',
    'stale-data',
    [
      history(
        'disk block 1',
        'pread(2) submit_bio()',
        'fallocate(PUNCH_HOLE) ext4_free_blocks()',
        'read completion bio_endio()',
      ),
      history(
        'block map i_data[12][1]',
        'read by pread(2) ext4_map_blocks()',
        'stored by fallocate(PUNCH_HOLE) ext4_ext_rm_leaf()',
      ),
      history(
        'page 1 in the page cache',
        'looked for by fallocate(PUNCH_HOLE) mapping_empty()',
        'pread(2) add_to_page_cache_lru()',
      ),
    ],
  ],
  [
    'ext4 v5.14',
    'race/e2-persisted-exposure',
    'persisted-exposure',
    [
      /^page 1 got them from disk block 1$/m,
      history('disk block 1', 'fallocate(PUNCH_HOLE) ext4_free_blocks()', 'read completion bio_endio()'),
      /^the calls: fallocate\(PUNCH_HOLE\) 8\+8 = 0 in .*, pread\(2\) 8\+8 = 8 in .*, pwrite\(2\) 10\+2 = 2 in steps \d+ to \d+$/m,
    ],
  ],
  [
    'ext4 v5.14',
    'race/e2-corruption',
    'corruption',
    [
      history('buffer 1', 'stored by pread(2) after up_read()'),
      history('disk block 1', 'fallocate(PUNCH_HOLE) ext4_free_blocks()'),
      history(
        'block map i_data[12][1]',
        'read by pread(2) ext4_map_blocks()',
        'stored by fallocate(PUNCH_HOLE) ext4_ext_rm_leaf()',
      ),
    ],
  ],
  [
    'ext4 v5.14',
    'race/e7-zero-range-vs-read',
    'lost-zeroing',
    [
      history(
        'block map i_data[12][1]',
        'read by pread(2) ext4_map_blocks()',
        'stored by fallocate(ZERO_RANGE) convert_initialized_extent()',
      ),
    ],
  ],
  [
    'bdev v5.14',
    'B1',
    'stale-data',
    [history('disk block 1', 'read completion bio_endio()', 'fallocate(ZERO_RANGE) blkdev_issue_zeroout()')],
  ],
  [
    'ceph v5.14',
    'race/e4-fault-readahead-vs-punch',
    'stale-data',
    [history('disk block 1', 'CEPH_OSD_OP_READ server_read()', 'CEPH_OSD_OP_DELETE server_zero()')],
  ],
  [
    'cifs v5.14',
    'race/e7-zero-range-vs-read',
    'lost-zeroing',
    [
      history('disk block 1', 'SMB2_READ server_read()', 'FSCTL_SET_ZERO_DATA server_zero()'),
      history(
        'page 1 in the page cache',
        'looked for by fallocate(ZERO_RANGE) mapping_empty()',
        'pread(2) add_to_page_cache_lru()',
      ),
    ],
  ],
  [
    'cifs v5.14',
    'pair/writeback-vs-collapse-range.page',
    'lost-write',
    [/^no call has stored i_size$/m, /^the calls: .*fallocate\(COLLAPSE\) 8\+8 = 0 in steps \d+ to \d+/m],
  ],
  [
    'cifs v5.15',
    'race/k5-store-vs-truncate',
    'stale-pte',
    [
      history('pte[m][1]', 'read by ftruncate(2) zap_pte_range()', 'stored by store to mmap do_set_pte()'),
      history(
        'page 1 in the page cache',
        'store to mmap add_to_page_cache_lru()',
        'ftruncate(2) delete_from_page_cache_batch()',
      ),
      /^i_size was last stored by ftruncate\(2\) i_size_write\(\) in step \d+$/m,
    ],
  ],
  [
    'dax v3.19',
    'race/t2-dax-load-vs-truncate',
    'stale-pte',
    [
      history(
        'block map i_data[12][1]',
        'read by load from mmap ext2_get_branch()',
        'stored by ftruncate(2) ext2_free_data()',
      ),
      history('pte[f][1]', 'stored by load from mmap insert_pfn()'),
    ],
  ],
  [
    'dax v3.19',
    'race/t2-dax-store-vs-truncate',
    'corruption',
    [history('disk block 1', 'ftruncate(2) ext2_free_blocks()', 'store to mmap store()')],
  ],
  [
    'f2fs v5.14',
    'race/e8-collapse-vs-read',
    'stale-data',
    [
      /^the calls leave "B" or "C" there$/m,
      history(
        'block map i_addr[12][1]',
        'stored by fallocate(COLLAPSE) __read_out_blkaddrs()',
        'read by pread(2) f2fs_map_blocks()',
        'stored by fallocate(COLLAPSE) f2fs_replace_block()',
      ),
    ],
  ],
  [
    'fuse v5.15',
    'race/u1-store-and-flush-vs-punch-at-server',
    'lost-zeroing',
    [history('disk block 1', 'FUSE_FALLOCATE server_zero()', 'FUSE_WRITE server_write()')],
  ],
  [
    'fuse v5.15',
    'race/fuse-setattr-of-size-and-mode',
    'lock-discipline',
    [
      /^nfsd SETATTR\(size, mode\) \(t\) holds mapping\.invalidate_lock\[12\] \(X\) since down_write\(\) in step \d+$/m,
      /lockdep_sys_exit\(\) .*\(kernel\/locking\/lockdep\.c\)$/m,
    ],
  ],
  [
    'gfs2 v5.15',
    'race/e3-fadvise-vs-punch',
    'stale-data',
    [history('disk block 1', 'fadvise(WILLNEED) submit_bio()', 'fallocate(PUNCH_HOLE) __gfs2_free_blocks()')],
  ],
  [
    'gfs2 v5.15',
    'race/g1-write-from-mapping-vs-load-and-munmap',
    'deadlock',
    [
      /^load from mmap \(f\) waits in down_read\(gfs2_inode\.i_gl\[12\]\), held by pwrite\(2\) from mmap \(w\) \(X\) since down_write\(\) in step \d+$/m,
      /^munmap\(2\) \(u\) waits in down_write\(mm\.mmap_lock\[w\]\), held by load from mmap \(f\) \(S\) since down_read\(\) in step \d+$/m,
      // Who holds it shared keeps no reader out: the writer in between does.
      /^pwrite\(2\) from mmap \(w\) waits in down_read\(mm\.mmap_lock\[w\]\), behind munmap\(2\) \(u\) in its queue, held by load from mmap \(f\) \(S\)/m,
      /^cycle: load from mmap \(f\) -> pwrite\(2\) from mmap \(w\) -> munmap\(2\) \(u\) -> load from mmap \(f\)$/m,
    ],
  ],
  [
    'ocfs2 v5.15',
    'race/o1-writeback-vs-punch',
    'corruption',
    [history('disk block 1', 'fallocate(PUNCH_HOLE) ocfs2_remove_btree_range()', 'flusher submit_bio()')],
  ],
  [
    'shmem v3.15',
    'liveness/loads-vs-punch',
    'livelock',
    [
      /^it starts over after steps \d+ and \d+; the other task had at most one call under way when it began$/m,
      history(
        'page 1 in the page cache',
        'fallocate(PUNCH_HOLE) delete_from_page_cache()',
        'load from mmap shmem_add_to_page_cache()',
        'fallocate(PUNCH_HOLE) delete_from_page_cache()',
        'load from mmap shmem_add_to_page_cache()',
      ),
    ],
  ],
  [
    'xfs v5.15',
    'triple/write-flush-reclaim',
    'lost-write',
    [
      // The piece is looked up before the page is locked; then it is written back and reclaimed.
      history(
        'block map i_df[12][0]',
        'read by pwrite(2) xfs_iext_lookup_extent()',
        'stored by fsync(2) xfs_bmap_btalloc()',
      ),
      history('page 0 in the page cache', 'kswapd __remove_mapping()', 'pwrite(2) add_to_page_cache_lru()'),
    ],
  ],
  [
    'zonefs v5.15',
    'zone/z1-fadvise-vs-reset-and-append',
    'stale-data',
    [
      /^the bytes are zeroes$/m,
      history('i_size', 'stored by ftruncate(2) i_size_write()', 'stored by pwrite(O_DIRECT) i_size_write()'),
      history(
        'page 1 in the page cache',
        'looked for by ftruncate(2) mapping_empty()',
        'fadvise(WILLNEED) add_to_page_cache_lru()',
      ),
      history('disk block 1', 'write completion bio_endio()'),
    ],
  ],
  [
    'zonefs v5.14',
    'zone/z3-fadvise-vs-reset',
    'deadlock',
    [
      /^fadvise\(WILLNEED\) \(a\) waits in mutex_lock\(zonefs_inode_info\.i_truncate_mutex\[12\]\), held by ftruncate\(2\) \(t\) \(X\) since mutex_lock\(\) in step \d+$/m,
      /^ftruncate\(2\) \(t\) waits in lock_page\(PG_locked\[1\]\), held by fadvise\(WILLNEED\) \(a\) \(X\) since add_to_page_cache_lru\(\) in step \d+$/m,
    ],
  ],
  [
    'zonefs v5.15',
    'zone/z4-fault-at-the-new-end-vs-reset',
    'contract',
    [
      /^load from mmap \(f\) holds mapping\.invalidate_lock\[12\] \(S\) since down_read\(\) in step \d+$/m,
      /^load from mmap \(f\) looked at i_size\[12\] in i_size_read\(\) in step \d+, before ftruncate\(2\) \(t\) i_size_write\(\) in step \d+$/m,
    ],
  ],
];

describe('the lines of', () => {
  test.each(CASES)('%s %s', (where, name, property, lines) => {
    const [fs = '', profile = ''] = where.split(' ');
    const plugin = plugins.get(fs);
    const [check] = selectChecks(CHECKS, name) as readonly [Check];
    const { failure } = runCheck(plugin.fs, profile, check, plugin.expected);
    expect(failure?.property).toBe(property);
    for (const line of lines) expect(failure?.because.join('\n')).toMatch(line);
    expect(faultsOf(failure as Failure)).toEqual([]);
    const again = replayCheck(plugin.fs, profile, failure?.token as string, plugin.expected);
    expect(again.failure?.because).toEqual(failure?.because);
  });

  test('every property that a filesystem is declared to break are among these', () => {
    const properties = plugins
      .all()
      .flatMap((plugin) =>
        declared(plugin).map(([profile, { id }]) => plugin.expected?.of(id, profile)?.property),
      );
    expect(new Set(CASES.map(([, , property]) => property))).toEqual(new Set(properties));
  });
});
