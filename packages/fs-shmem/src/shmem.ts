/**
 * What tmpfs keeps for each inode and each mount, and how a hole punch keeps faults away: this is what its profiles
 * differ in.
 *
 * Order of the locks, outer to inner: i_rwsem; mmap_lock; `mapping->invalidate_lock` (only with the patch that was
 * proposed); page lock; i_mmap_rwsem; i_lock. `i_private` is changed under i_rwsem exclusive and i_lock, and read under
 * i_lock, after a look without it.
 *
 * @see mm/shmem.c, include/linux/shmem_fs.h (v3.15, v5.15)
 */
import { type Inode, SharedVar, Spinlock, type SuperBlock } from '@fsport/core';
import type { FallocWaitQueue } from './falloc-waitq.js';

/** Filesystem type. */
export const TYPE = 'shmem';

/** A fallocate(2) in progress, on the stack of its task. @see `struct shmem_falloc` (v5.15) */
export interface ShmemFalloc {
  /** Faults into the hole wait here for the punch to end; `null` for a plain fallocate. */
  readonly waitq: FallocWaitQueue | null;
  /** First page of the range. */
  readonly start: number;
  /** Page after the last that is punched, or that was allocated so far: stored under its page lock. */
  readonly next: SharedVar<number>;
  /** How often reclaim was refused a page of the range; under i_lock. */
  readonly nrUnswapped: SharedVar<number>;
}

/** tmpfs' part of an inode. @see `struct shmem_inode_info` (v5.15) */
export class ShmemInodeInfo {
  /** `inode->i_private`: the fallocate(2) in progress, or `null`. */
  readonly iPrivate: SharedVar<ShmemFalloc | null>;
  /** `inode->i_lock`. */
  readonly iLock: Spinlock;
  /** `info->seals`, under i_rwsem. */
  readonly seals: SharedVar<number>;

  /** @param ino - Inode number. */
  constructor(ino: number) {
    this.iPrivate = new SharedVar<ShmemFalloc | null>('i_private', null, ino);
    this.iPrivate.show = (falloc) =>
      falloc === null ? 'null' : falloc.waitq === null ? 'fallocate' : 'punch';
    this.iLock = new Spinlock('inode.i_lock', ino);
    this.seals = new SharedVar('shmem_inode_info.seals', 0, ino);
  }
}

/** What the profiles differ in. */
export interface ShmemProfile {
  /** What a fault does about a hole punch in progress. */
  readonly faultGuard: 'none' | 'waitq' | 'invalidate_lock';
  /** A hole punch sweeps its range until a whole sweep finds nothing, as a truncation does. */
  readonly punchRestarts: boolean;
  /** Files can be sealed. @see commit 40e041a2c858 "shm: add sealing API" (v3.17) */
  readonly sealing: boolean;
}

/** The profiles, by name. */
export const PROFILES: Readonly<Record<string, ShmemProfile>> = {
  'v3.15': { faultGuard: 'none', punchRestarts: true, sealing: false },
  'v5.15': { faultGuard: 'waitq', punchRestarts: false, sealing: true },
  'v5.15+shmem-invalidate-lock': { faultGuard: 'invalidate_lock', punchRestarts: false, sealing: true },
};

/** tmpfs' part of an inode. @see include/linux/shmem_fs.h `SHMEM_I()` (v5.15) */
export function SHMEM_I(inode: Inode): ShmemInodeInfo {
  return inode.info as ShmemInodeInfo;
}

/** The profile that a filesystem was mounted with. */
export function profileOf(inode: Inode): ShmemProfile {
  return (inode.iSb as SuperBlock<ShmemProfile>).sFsInfo;
}
