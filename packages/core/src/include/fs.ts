/**
 * Inodes, their page cache, open files, and the operation tables that filesystems fill in.
 *
 * Who protects what: `i_rwsem` excludes writes and size changes; `invalidate_lock` (since v5.15) orders
 * filling the cache against removing pages together with the blocks behind them; `i_mmap_rwsem` protects the
 * list of mappings; `i_size` is stored under `i_rwsem` and read without locks.
 *
 * @see include/linux/fs.h (v5.14, v5.15)
 */

import type { BlockDevice } from '../block/device.js';
import type { ExclusiveLock } from '../locking/mutex.js';
import { Rwsem } from '../locking/rwsem.js';
import { machine } from '../machine.js';
import type { Cell, Cells } from '../provenance.js';
import type { KernelRelease } from '../release.js';
import { SharedArray, SharedCounter, SharedVar } from '../sched/shared-var.js';
import type { Task } from '../sched/task.js';
import { FileSize } from './i-size.js';
import type { MmStruct, Page, VmAreaStruct, VmOperations } from './mm-types.js';
import { PAGE_SIZE } from './page.js';
import type { ReadaheadControl } from './pagemap.js';
import type { Loff, Pgoff, Phys } from './units.js';
import type { WritebackControl } from './writeback.js';

/** Something in the page cache that is not a page: it says that a page was here and was evicted. */
export interface ShadowEntry {
  /** Tells it from a page. */
  readonly shadow: true;
}

/**
 * What stands in the place of a page that is in swap, for a filesystem whose data is its page cache.
 *
 * @departs It is the content itself: there is no swap device, and no cache of pages on their way to it.
 * @see include/linux/swapops.h `swp_to_radix_entry()` (v5.15)
 */
export interface SwapEntry {
  /** The content, one entry for each block of the page. */
  readonly swap: readonly Cells[];
}

/**
 * What stands for a page of a file whose bytes are accessed where they are stored. It is locked as a page is.
 *
 * @departs Its lock is an object of its own, one for each index ({@link AddressSpace.daxEntryLocks}), and so is no bit of
 *   the entry. Its mark (PAGECACHE_TAG_DIRTY) is a part of it.
 * @see fs/dax.c `dax_make_entry()` (v5.15)
 */
export interface DaxEntry {
  /** A block; the page of zeroes (`DAX_ZERO_PAGE`); or nothing yet, and only locked (`DAX_EMPTY`). */
  readonly dax: 'block' | 'zero' | 'empty';
  /** The block, or `-1`. */
  readonly phys: Phys;
  /** `PAGECACHE_TAG_DIRTY`: stores may have gone to it since it was made durable. */
  readonly marked: boolean;
}

/** A slot of the page cache. */
export type Slot = Page | ShadowEntry | SwapEntry | DaxEntry | null;

function showSlot(slot: Slot): string {
  if (slot === null) return 'none';
  if ('dax' in slot)
    return slot.dax === 'block' ? `block ${slot.phys}${slot.marked ? ' dirty' : ''}` : slot.dax;
  if ('swap' in slot) return 'swap';
  return 'shadow' in slot ? 'shadow' : `page ${slot.index}`;
}

/** The page cache of one inode. @see `struct address_space` (v5.15) */
export class AddressSpace {
  /** The inode it belongs to. */
  readonly host: Inode;
  /** Page index -> page. */
  readonly iPages: SharedArray<Slot>;
  /** Number of pages and DAX entries in `iPages`; what else stands for a page is not counted. */
  readonly nrpages: SharedCounter;
  /** Held shared to fill the cache, exclusive to remove pages and change the blocks behind them. v5.15 only. */
  readonly invalidateLock: Rwsem;
  /** Mappings of this file. */
  readonly iMmap: SharedVar<readonly VmAreaStruct[]>;
  /** Protects `iMmap` and the page-table entries that unmap_mapping_range() removes. */
  readonly iMmapRwsem: Rwsem;
  /** First write error nobody has been told of: `0` or a negative errno. */
  readonly wbErr: SharedVar<number>;
  /** Being torn down: no more inserts. `AS_EXITING`. */
  readonly exiting: SharedVar<boolean>;
  /** A truncation is under way. Not in the kernel. */
  readonly truncating: SharedVar<boolean>;
  /** It has begun another sweep over its range, because pages came back. Not in the kernel. */
  readonly truncatingAgain: SharedVar<boolean>;
  /** The locks of the DAX entries, by index; `null` unless the bytes are accessed where they are stored (`S_DAX`). */
  daxEntryLocks: readonly ExclusiveLock[] | null = null;
  /** Operations of the filesystem. */
  aOps: AddressSpaceOperations;

  /**
   * @param host - The inode.
   * @param aOps - Operations of the filesystem.
   */
  constructor(host: Inode, aOps: AddressSpaceOperations) {
    const { iIno } = host;
    this.host = host;
    this.aOps = aOps;
    this.iPages = new SharedArray<Slot>('i_pages', () => null, showSlot);
    this.nrpages = new SharedCounter('mapping.nrpages', 0, iIno);
    this.invalidateLock = new Rwsem('mapping.invalidate_lock', iIno, host.iSb.type);
    this.iMmap = new SharedVar<readonly VmAreaStruct[]>('mapping.i_mmap', [], iIno);
    this.iMmap.show = (vmas) => `${vmas.length} vma`;
    this.iMmapRwsem = new Rwsem('mapping.i_mmap_rwsem', iIno);
    this.wbErr = new SharedVar('mapping.wb_err', 0, iIno);
    this.exiting = new SharedVar('AS_EXITING', false, iIno);
    this.truncating = new SharedVar('truncate_inode_pages_range under way', false, iIno);
    this.truncatingAgain = new SharedVar('truncate_inode_pages_range again', false, iIno);
  }

  /** Number of page indices that can ever be in use: the machine's maximum file size. */
  get capacity(): number {
    return Math.ceil(machine.maxBytes / PAGE_SIZE);
  }
}

/** A mounted filesystem. @see `struct super_block` (v5.15) */
export class SuperBlock<I = unknown> {
  /** Filesystem type name, as in /proc/filesystems. */
  readonly type: string;
  /** The profile it was mounted with, such as `v5.15`. */
  readonly profile: string;
  /** The kernel release that generic code follows. */
  readonly release: KernelRelease;
  /** The device it lives on. */
  readonly sBdev: BlockDevice;
  /** Bytes in a block. */
  readonly sBlocksize: number;
  /** Inodes by number. */
  readonly inodes = new Map<number, Inode>();
  /** Free for the filesystem. */
  readonly sFsInfo: I;
  /** Operations of the filesystem. */
  readonly sOp: SuperOperations;

  /**
   * @param type - Filesystem type name.
   * @param profile - Profile it is mounted with.
   * @param bdev - Device.
   * @param info - Free for the filesystem.
   * @param sOp - Operations of the filesystem.
   */
  constructor(type: string, profile: string, bdev: BlockDevice, info: I, sOp: SuperOperations) {
    this.type = type;
    this.profile = profile;
    this.release = machine.release;
    this.sBdev = bdev;
    this.sBlocksize = machine.blockSize;
    this.sFsInfo = info;
    this.sOp = sOp;
    machine.superBlocks.push(this);
  }
}

/** A regular file. @see `struct inode` (v5.15) */
export class Inode<I = unknown> {
  /** Inode number. */
  readonly iIno: number;
  /** Its filesystem. */
  readonly iSb: SuperBlock;
  /** `inode->i_rwsem`: exclusive for writes and size changes. */
  readonly iRwsem: Rwsem;
  /** `inode->i_size`, bytes. Use iSizeRead(), iSizeWithin() and iSizeWrite(). */
  readonly iSize: FileSize;
  /** Its page cache. */
  readonly iMapping: AddressSpace;
  /** Direct I/Os in flight. */
  readonly iDioCount: SharedVar<number>;
  /** Links; at zero with the last close the inode is evicted. */
  iNlink = 1;
  /** Operations of the filesystem. */
  readonly iOp: InodeOperations;
  /** Operations that files opened on it get. */
  readonly iFop: FileOperations;
  /** Free for the filesystem: its own inode fields. */
  readonly info: I;

  /**
   * @param sb - Its filesystem.
   * @param ino - Inode number.
   * @param ops - Operation tables.
   * @param info - Free for the filesystem.
   */
  constructor(
    sb: SuperBlock,
    ino: number,
    ops: {
      readonly aOps: AddressSpaceOperations;
      readonly iOp: InodeOperations;
      readonly iFop: FileOperations;
    },
    info: I,
  ) {
    this.iSb = sb;
    this.iIno = ino;
    this.iRwsem = new Rwsem('inode.i_rwsem', ino, sb.type);
    this.iSize = new FileSize(ino);
    this.iDioCount = new SharedVar('i_dio_count', 0, ino);
    this.iOp = ops.iOp;
    this.iFop = ops.iFop;
    this.info = info;
    this.iMapping = new AddressSpace(this, ops.aOps);
    sb.inodes.set(ino, this);
  }
}

/** Readahead state of an open file. Racy: nothing protects it. @see `struct file_ra_state` (v5.15) */
export interface FileRaState {
  /** Where the current window starts. */
  readonly start: number;
  /** Pages in the window. */
  readonly size: number;
  /** Start the next window when this many pages are left. */
  readonly asyncSize: number;
  /** Maximum window, pages; 0 switches readahead off. */
  readonly raPages: number;
  /** Faults that missed, less those that hit. */
  readonly mmapMiss: number;
  /** Byte position where the last read ended; -1 for none. */
  readonly prevPos: number;
}

/** An open file. @see `struct file` (v5.15) */
export class File {
  /** The inode. */
  readonly fInode: Inode;
  /** Its page cache. */
  readonly fMapping: AddressSpace;
  /** Readahead state. */
  readonly fRa: SharedVar<FileRaState>;
  /** References: opens, mappings, and faults that dropped mmap_lock. */
  readonly fCount: SharedCounter;
  /** `FMODE_*`. */
  fMode: number;
  /** Operations. */
  readonly fOp: FileOperations;

  /**
   * @param inode - What is opened.
   * @param fMode - `FMODE_*`.
   */
  constructor(inode: Inode, fMode = 0) {
    this.fInode = inode;
    this.fMapping = inode.iMapping;
    this.fMode = fMode;
    this.fOp = inode.iFop;
    this.fCount = new SharedCounter('f_count', 1);
    const ra: FileRaState = {
      start: 0,
      size: 0,
      asyncSize: 0,
      raPages: machine.raPages,
      mmapMiss: 0,
      prevPos: -1,
    };
    this.fRa = new SharedVar('f_ra', ra);
    machine.files.push(this);
  }
}

/** Memory of a program that is a mapping of a file: touching it can fault. */
export interface UserBuffer {
  /** The program's address space. */
  readonly mm: MmStruct;
  /** Byte address of its first byte. */
  readonly vaddr: number;
  /** What a write took from it, in order. */
  readonly taken: Cell[];
}

/**
 * One read or write in progress.
 *
 * @departs Where the program's memory is, is part of the iterator in the kernel.
 * @see `struct kiocb` (v5.15)
 */
export interface Kiocb {
  /** The file. */
  readonly kiFilp: File;
  /** The program's memory, if it is a mapping of a file. Without it, touching it never faults. Not for direct I/O. */
  readonly kiUser?: UserBuffer | undefined;
  /** Current position; advanced by the operation. */
  kiPos: Loff;
  /** `IOCB_*`. */
  kiFlags: number;
}

/** Where a read puts its bytes. A pipe takes pages by reference. @see `struct iov_iter` (v5.15) */
export interface IovIter {
  /** Bytes that still fit. */
  count: number;
  /** What was copied so far. */
  readonly cells: Cells[];
  /** A pipe wants whole, valid pages. */
  readonly isPipe: boolean;
}

/** Changes asked of setattr. @see `struct iattr` (v5.15) */
export interface Iattr {
  /** `ATTR_*`: which fields are meant. */
  readonly iaValid: number;
  /** New size, bytes. */
  readonly iaSize: Loff;
}

/** Page-cache operations of a filesystem. @see `struct address_space_operations` (v5.15), Documentation/filesystems/locking.rst */
export interface AddressSpaceOperations {
  /**
   * Fill a locked page; unlock it now or when the I/O ends. Absent where the page cache is the data: there is nothing to
   * fill it from.
   *
   * @returns `0`, AOP_TRUNCATED_PAGE (unlocked), or an errno.
   */
  readonly readpage?: (file: File | null, page: Page) => Task<number>;
  /** Fill several locked pages; unlock each. */
  readonly readahead?: (rac: ReadaheadControl) => Task<void>;
  /**
   * Fill several pages that nobody knows yet: insert each, locked, then fill and unlock it. What is taken out of `pages`
   * is the filesystem's to put. In the place of `readahead`, for filesystems that insert pages themselves.
   */
  readonly readpages?: (file: File | null, mapping: AddressSpace, pages: Page[]) => Task<void>;
  /** Write a locked page; unlock it. */
  readonly writepage?: (page: Page, wbc: WritebackControl) => Task<number>;
  /** Write dirty pages of a range. */
  readonly writepages?: (mapping: AddressSpace, wbc: WritebackControl) => Task<number>;
  /** Prepare a page for a write: returned locked. */
  readonly writeBegin?: (file: File, mapping: AddressSpace, pos: Loff, len: number) => Task<Page | number>;
  /** Finish a write: unlock and put the page. @returns Bytes accepted. */
  readonly writeEnd?: (
    file: File,
    mapping: AddressSpace,
    pos: Loff,
    len: number,
    copied: number,
    page: Page,
  ) => Task<number>;
  /** Forget what the filesystem attached to a part of a locked page. */
  readonly invalidatepage?: (page: Page, offset: number, length: number) => Task<void>;
  /** May what is attached be dropped? Does so if it can. */
  readonly releasepage?: (page: Page) => Task<boolean>;
  /** A page has left the cache. */
  readonly freepage?: (page: Page) => void;
  /** Is this byte range of a page that is not uptodate valid all the same? */
  readonly isPartiallyUptodate?: (page: Page, from: number, count: number) => Task<boolean>;
  /** Write a dirty page that is in the way of an invalidation. */
  readonly launderPage?: (page: Page) => Task<number>;
  /** Drop a page whose memory is broken. */
  readonly errorRemovePage?: (mapping: AddressSpace, page: Page) => Task<number>;
  /** Mark a page dirty. @returns Whether it was clean. */
  readonly setPageDirty?: (page: Page) => Task<boolean>;
  /** Direct I/O. @returns Bytes, or an errno. */
  readonly directIO?: (iocb: Kiocb, iter: IovIter | Cells) => Task<number>;
}

/** Inode operations of a filesystem. @see `struct inode_operations` (v5.15) */
export interface InodeOperations {
  /** Change attributes; truncate is `ATTR_SIZE`. Called with i_rwsem exclusive. */
  readonly setattr?: (inode: Inode, attr: Iattr) => Task<number>;
}

/** File operations of a filesystem. @see `struct file_operations` (v5.15) */
export interface FileOperations {
  /** Read at `iocb.kiPos`. @returns Bytes, or an errno. */
  readonly readIter: (iocb: Kiocb, iter: IovIter) => Task<number>;
  /** Write at `iocb.kiPos`. @returns Bytes, or an errno. */
  readonly writeIter?: (iocb: Kiocb, from: Cells) => Task<number>;
  /** Change the blocks behind a range. @returns `0`, or an errno. */
  readonly fallocate?: (file: File, mode: number, offset: Loff, len: Loff) => Task<number>;
  /** Share blocks between files; flags are `REMAP_FILE_*`. @returns Bytes shared, or an errno. */
  readonly remapFileRange?: (
    fileIn: File,
    posIn: Loff,
    fileOut: File,
    posOut: Loff,
    len: Loff,
    remapFlags: number,
  ) => Task<number>;
  /** Copy bytes to another file. @returns Bytes copied, or an errno. */
  readonly copyFileRange?: (
    fileIn: File,
    posIn: Loff,
    fileOut: File,
    posOut: Loff,
    len: number,
  ) => Task<number>;
  /** Move blocks to another file, of `len` bytes or, with `0`, to the end. @returns `0`, or an errno. */
  readonly moveFileRange?: (
    fileIn: File,
    posIn: Loff,
    fileOut: File,
    posOut: Loff,
    len: Loff,
  ) => Task<number>;
  /** Requests of the filesystem's own, by their name; `arg` is the other file, if there is one. */
  readonly unlockedIoctl?: (file: File, cmd: string, arg: File | null) => Task<number>;
  /** Make a range durable. */
  readonly fsync?: (file: File, start: Loff, end: Loff, datasync: boolean) => Task<number>;
  /** Prepare a mapping with these `VM_*`. @returns Its operations, or an errno. */
  readonly mmap?: (file: File, vmFlags: number) => VmOperations | number;
  /** Advice. */
  readonly fadvise?: (file: File, offset: Loff, len: Loff, advice: number) => Task<number>;
}

/** Filesystem-wide operations. @see `struct super_operations` (v5.15) */
export interface SuperOperations {
  /** Tear an inode down: drop its cache, free its blocks. */
  readonly evictInode?: (inode: Inode) => Task<void>;
  /** Clean the segment that a block of a file is in. @returns `0`, or an errno. */
  readonly gc?: (inode: Inode, index: Pgoff) => Task<number>;
  /**
   * Rules of the locking table that the kernel's own code of this filesystem is known not to keep: operation -> rule.
   * They are not enforced on it; what comes of that is judged by what users and checkers see.
   */
  readonly exempt?: Readonly<Record<string, string>>;
}

/** Read `i_size`. @see include/linux/fs.h `i_size_read()` (v5.15) */
export function iSizeRead(inode: Inode): Task<number> {
  return inode.iSize.read('i_size_read');
}

/**
 * Read `i_size`, by who compares it with a part of the file and learns nothing else from it.
 *
 * @param from - First byte of the part.
 * @param to - Byte after the last one.
 * @returns The size if it lies in the part, `from` if it is smaller, `to` if it is larger.
 * @context May be preempted.
 * @see include/linux/fs.h `i_size_read()` (v5.15)
 */
export function iSizeWithin(inode: Inode, from: number, to: number): Task<number> {
  return inode.iSize.within(from, to);
}

/** How many bytes of a page lie inside the file, by `i_size` as it is now. @context May be preempted. */
export function* bytesInFile(inode: Inode, index: Pgoff): Task<number> {
  const start = index * PAGE_SIZE;
  return (yield* iSizeWithin(inode, start, start + PAGE_SIZE)) - start;
}

/** Store `i_size`. @context i_rwsem exclusive. @see include/linux/fs.h `i_size_write()` (v5.15) */
export function iSizeWrite(inode: Inode, size: number): Task<void> {
  return inode.iSize.write(size, 'i_size_write');
}

/** The page index of a byte position. */
export function pageIndex(pos: number): Pgoff {
  return Math.floor(pos / PAGE_SIZE) as Pgoff;
}

/**
 * Is the page cache the data? Then there is nothing to fill it from, and what is dropped is lost.
 *
 * @departs The kernel knows it by the filesystem (`shmem_mapping()`), its backing device (`noop_backing_dev_info`) or the
 *   page (`page_is_file_lru()`), depending on who asks.
 */
export function isInMemory(mapping: AddressSpace): boolean {
  return mapping.aOps.readpage === undefined && !daxMapping(mapping);
}

/** Are the bytes accessed where they are stored, and not in a cache? @see include/linux/dax.h `dax_mapping()` (v5.15) */
export function daxMapping(mapping: AddressSpace): boolean {
  return mapping.daxEntryLocks !== null;
}

/** Is it a DAX entry, that stands in a slot? */
export function isDaxEntry(slot: Slot): slot is DaxEntry {
  return slot !== null && 'dax' in slot;
}

/** Is there a page, and nothing that stands for one, in a slot? */
export function isPage(slot: Slot): slot is Page {
  return slot !== null && 'refs' in slot;
}
