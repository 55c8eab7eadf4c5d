/**
 * What fuse keeps for each inode and each connection, its lock against faults, and requests to the server.
 *
 * Order of the locks, outer to inner: i_rwsem; mmap_lock; {@link fuseInvalidateSem} (DAX files alone); the lock of a DAX
 * entry, or a page; dax->sem. Who takes memory back waits for entries under dax->sem: {@link fuseInvalidateSem}, which a
 * fault holds shared, keeps the two apart. `fcd->lock` and `fi->lock` are spinlocks: a section under one of them is a
 * step. Requests are waited for under any of them but those.
 *
 * @departs DAX belongs to a mount in these releases. Here each file has it unless mkfs is told otherwise, so that one mount
 *   has both kinds: they share the server and nothing else.
 * @see fs/fuse/fuse_i.h (v5.14, v5.15)
 */
import {
  type Cells,
  downRead,
  downWrite,
  type Inode,
  type Pgoff,
  type Phys,
  Rwsem,
  SharedArray,
  type SharedCounter,
  SharedVar,
  type SuperBlock,
  sendReceive,
  type Task,
  takesInvalidateLock,
  upRead,
  upWrite,
} from '@fsport/core';
import type { FuseServerFile } from './server.js';

/** Filesystem type. */
export const TYPE = 'fuse';

/**
 * A range of the window of memory through which the files of the server are accessed.
 *
 * @departs It is one page, where the kernel's is 2 MB, and it can always be written to.
 * @see fs/fuse/dax.c `struct fuse_dax_mapping` (v5.15)
 */
export interface DaxMapping {
  /** Where it is. */
  readonly phys: Phys;
  /** Who uses it: one for who has it, one for each access in progress. */
  readonly refcnt: SharedCounter;
}

/** A range with what is accessed through it. */
export interface BusyRange {
  /** The range. */
  readonly dmap: DaxMapping;
  /** The file. */
  readonly inode: Inode;
  /** The page of it. */
  readonly index: Pgoff;
}

/** All ranges, but those that somebody is busy giving to a file or taking from it. Never changed in place. */
export interface Ranges {
  /** `free_ranges`. */
  readonly free: readonly DaxMapping[];
  /** `busy_ranges`: who had his range for longest comes first. */
  readonly busy: readonly BusyRange[];
  /** Is the worker that takes ranges back about? */
  readonly working: boolean;
}

/** The window. @see fs/fuse/dax.c `struct fuse_conn_dax` (v5.15) */
export type FuseConnDax = SharedVar<Ranges>;

/** What a DAX file has of the window. @see fs/fuse/dax.c `struct fuse_inode_dax` (v5.15) */
export class FuseInodeDax {
  /** `sem`: shared to look a range up, exclusive to change which there are. */
  readonly sem: Rwsem;
  /** `tree`: page -> range. Protected by `sem`. */
  readonly tree: SharedArray<DaxMapping | null>;

  /** @param ino - Inode number. */
  constructor(ino: number) {
    this.sem = new Rwsem('fuse_inode_dax.sem', ino, TYPE);
    const show = (dmap: DaxMapping | null): string => (dmap === null ? 'none' : `range ${dmap.phys}`);
    this.tree = new SharedArray<DaxMapping | null>('fuse_inode_dax.tree', () => null, show, ino);
  }
}

/** A page on its way to the server. @see `struct fuse_writepage_args` (v5.15) */
export interface WritepageArgs {
  /** The page. */
  readonly index: Pgoff;
  /** A copy of it. */
  readonly cells: Cells;
}

/** What is on its way to the server, and what must wait. Protected by `fi->lock`; never changed in place. */
export interface Writes {
  /** `FUSE_NOWRITE`: nothing is sent. */
  readonly nowrite: boolean;
  /** Sent, and not answered. */
  readonly sent: readonly WritepageArgs[];
  /** `queued_writes`. */
  readonly queued: readonly WritepageArgs[];
}

/** fuse's part of an inode. @see `struct fuse_inode` (v5.15) */
export class FuseInode {
  /** The file at the server. */
  readonly server: FuseServerFile;
  /** `i_mmap_sem`: in v5.14, what `mapping->invalidate_lock` is in v5.15. DAX files alone take it. */
  readonly iMmapSem: Rwsem;
  /** `dax`, or `null` for a file that has a page cache. */
  readonly dax: FuseInodeDax | null;
  /** `writectr`, `writepages`, `queued_writes`. */
  readonly writes: SharedVar<Writes>;

  /**
   * @param server - The file at the server.
   * @param dax - Is it accessed where it is?
   */
  constructor(server: FuseServerFile, dax: boolean) {
    this.server = server;
    this.iMmapSem = new Rwsem('fuse_inode.i_mmap_sem', server.ino, TYPE);
    this.dax = dax ? new FuseInodeDax(server.ino) : null;
    this.writes = new SharedVar<Writes>(
      'fuse_inode.writectr',
      { nowrite: false, sent: [], queued: [] },
      server.ino,
    );
  }
}

/** fuse's part of an inode. */
export function getFuseInode(inode: Inode): FuseInode {
  return inode.info as FuseInode;
}

/** The window of a mount. */
export function fuseConnDax(sb: SuperBlock): FuseConnDax {
  return sb.sFsInfo as FuseConnDax;
}

/** Is it accessed where it is? @see `FUSE_IS_DAX()` (v5.15) */
export function FUSE_IS_DAX(inode: Inode): boolean {
  return getFuseInode(inode).dax !== null;
}

/** fuse's part of a DAX file. */
export function fuseInodeDax(inode: Inode): FuseInodeDax {
  return getFuseInode(inode).dax as FuseInodeDax;
}

/** The lock that keeps faults of a DAX file away from who changes what is behind it: this is what the series changed. */
function fuseInvalidateSem(inode: Inode): Rwsem {
  return takesInvalidateLock(inode.iMapping) ? inode.iMapping.invalidateLock : getFuseInode(inode).iMmapSem;
}

/** Keep faults out. @context Sleeps. */
export function fuseInvalidateLock(inode: Inode): Task<void> {
  return downWrite(fuseInvalidateSem(inode));
}

/** Let faults in. */
export function fuseInvalidateUnlock(inode: Inode): Task<void> {
  return upWrite(fuseInvalidateSem(inode));
}

/** Keep who changes what is behind the file out. @context Sleeps. */
export function fuseInvalidateLockShared(inode: Inode): Task<void> {
  return downRead(fuseInvalidateSem(inode));
}

/** Let them in. */
export function fuseInvalidateUnlockShared(inode: Inode): Task<void> {
  return upRead(fuseInvalidateSem(inode));
}

/**
 * Send a request and wait for what the server says.
 *
 * @param opcode - `FUSE_*`.
 * @param serve - What the server does.
 * @context Sleeps.
 * @see fs/fuse/dev.c `fuse_simple_request()` (v5.15)
 */
export function fuseSimpleRequest<T>(opcode: string, serve: () => Task<T>): Task<T> {
  return sendReceive(opcode, serve);
}
