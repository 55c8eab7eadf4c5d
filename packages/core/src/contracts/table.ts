/**
 * The locking table of Documentation/filesystems/locking.rst as data, one per release.
 *
 * "Shared" means at least shared. The checks that go with it are in `check.ts`.
 *
 * @see Documentation/filesystems/locking.rst (v5.14, v5.15)
 */
import type { KernelRelease } from '../release.js';

/** What a row demands; a dash demands nothing. */
export interface ContractRow {
  /** The page lock when the operation is called, and what becomes of it. */
  readonly pageLocked: '-' | 'no' | 'yes' | 'yes, unlocks' | 'locks' | 'can return locked';
  /** `inode->i_rwsem`. */
  readonly iRwsem: '-' | 'exclusive';
  /** `mapping->invalidate_lock`. */
  readonly invalidateLock: '-' | 'shared' | 'exclusive';
  /** `mm->mmap_lock`. */
  readonly mmapLock: '-' | 'shared';
}

/** Rows by the kernel's name of the operation. */
export type ContractTable = Readonly<Record<string, ContractRow>>;

function row(
  pageLocked: ContractRow['pageLocked'],
  iRwsem: ContractRow['iRwsem'] = '-',
  invalidateLock: ContractRow['invalidateLock'] = '-',
  mmapLock: ContractRow['mmapLock'] = '-',
): ContractRow {
  return { pageLocked, iRwsem, invalidateLock, mmapLock };
}

const V5_15 = {
  writepage: row('yes, unlocks'),
  readpage: row('yes, unlocks', '-', 'shared'),
  writepages: row('no'),
  set_page_dirty: row('-'),
  readahead: row('yes, unlocks', '-', 'shared'),
  readpages: row('no', '-', 'shared'),
  write_begin: row('locks', 'exclusive'),
  write_end: row('yes, unlocks', 'exclusive'),
  invalidatepage: row('yes', '-', 'exclusive'),
  releasepage: row('yes'),
  freepage: row('yes'),
  direct_IO: row('no'),
  launder_page: row('yes'),
  is_partially_uptodate: row('yes'),
  error_remove_page: row('yes'),
} as const satisfies ContractTable;

function withoutInvalidateLock<K extends string>(
  table: Readonly<Record<K, ContractRow>>,
): Readonly<Record<K, ContractRow>> {
  const rows = Object.entries<ContractRow>(table);
  return Object.fromEntries(
    rows.map(([op, demands]) => [op, { ...demands, invalidateLock: '-' }]),
  ) as Readonly<Record<K, ContractRow>>;
}

const V5_14 = withoutInvalidateLock(V5_15);

/** The table of `struct address_space_operations`, by release. Before v5.15 it has no column for invalidate_lock. */
export const ADDRESS_SPACE_OPERATIONS = {
  'v3.15': V5_14,
  'v3.19': V5_14,
  'v4.0': V5_14,
  'v5.14': V5_14,
  'v5.15': V5_15,
} as const satisfies Record<KernelRelease, ContractTable>;

/** Name of an operation on pages of the cache. */
export type AddressSpaceOperation = keyof (typeof ADDRESS_SPACE_OPERATIONS)['v5.15'];

/** The table of `struct vm_operations_struct`, the same in both releases. */
export const VM_OPERATIONS = {
  fault: row('can return locked', '-', '-', 'shared'),
  map_pages: row('-', '-', '-', 'shared'),
  page_mkwrite: row('can return locked', '-', '-', 'shared'),
  pfn_mkwrite: row('-', '-', '-', 'shared'),
} as const satisfies ContractTable;

const V5_15_GENERIC = {
  truncate_inode_pages_range: row('-', '-', 'exclusive'),
  read_cache_page: row('-', '-', 'shared'),
} as const satisfies ContractTable;

const V5_14_GENERIC = withoutInvalidateLock(V5_15_GENERIC);

/** Generic functions whose callers must hold a lock, by release. @see mm/truncate.c, mm/filemap.c (v5.15) */
export const GENERIC_FUNCTIONS = {
  'v3.15': V5_14_GENERIC,
  'v3.19': V5_14_GENERIC,
  'v4.0': V5_14_GENERIC,
  'v5.14': V5_14_GENERIC,
  'v5.15': V5_15_GENERIC,
} as const satisfies Record<KernelRelease, ContractTable>;

/** Name of a generic function whose callers must hold a lock. */
export type GenericFunction = keyof (typeof GENERIC_FUNCTIONS)['v5.15'];
