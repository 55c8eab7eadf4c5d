/**
 * Pages, mappings of files into memory, and page-table entries.
 *
 * A page's life: allocated (nobody else knows it) -> in the page cache, locked, not uptodate -> filled and
 * unlocked -> removed from the cache (`mapping` becomes null, `index` stays) -> freed with its last
 * reference. Who protects what: `mapping` and removal need the page lock; content is filled under it;
 * flags are atomic bits of their own.
 *
 * @see include/linux/mm_types.h, include/linux/page-flags.h (v5.15)
 */

import type { BlockDevice } from '../block/device.js';
import type { BufferHead } from '../fs/buffer.js';
import type { IomapPage } from '../fs/iomap.js';
import { PageLock } from '../locking/page-lock.js';
import { Rwsem } from '../locking/rwsem.js';
import { machine } from '../machine.js';
import { type Cell, type Cells, showCells, spliceCells, zeroCells } from '../provenance.js';
import { SharedArray, SharedCounter, SharedVar } from '../sched/shared-var.js';
import type { AddressSpace, File } from './fs.js';
import { PAGE_SIZE } from './page.js';
import type { Pgoff, Phys } from './units.js';
import type { VmFaultHandler, VmMapPages } from './vm-fault.js';

/** Where the bytes of one block of a page were read from, for explanations. */
export interface BlockSource {
  /** Disk block. */
  readonly phys: number;
  /** Its generation when it was looked up. */
  readonly gen: number;
}

/** A page of memory. @see `struct page` (v5.15) */
export class Page {
  /** `PG_locked`. */
  readonly lock: PageLock;
  /** `PG_uptodate`: the content is valid. */
  readonly uptodate: SharedVar<boolean>;
  /** `PG_dirty`: must be written back. */
  readonly dirty: SharedVar<boolean>;
  /** `PAGECACHE_TAG_DIRTY` where it outlives `PG_dirty`: cleaned for I/O, and writeback has not begun. */
  readonly towrite: SharedVar<boolean>;
  /** `PG_writeback`: being written back. */
  readonly writeback: SharedVar<boolean>;
  /** `PG_readahead`: reading this page starts the next readahead. */
  readonly readahead: SharedVar<boolean>;
  /** `PG_error`: a read or write failed. */
  readonly error: SharedVar<boolean>;
  /** `PG_hwpoison`: the memory is broken. */
  readonly hwpoison: SharedVar<boolean>;
  /** `page->mapping`: whose cache it is in, `null` once removed. */
  readonly mapping: SharedVar<AddressSpace | null>;
  /** `page->index`; set before insertion, kept after removal. */
  readonly index: Pgoff;
  /** `page->_refcount`. */
  readonly refs: SharedCounter;
  /** `page->_mapcount`: page-table entries that point here. */
  readonly mapcount: SharedCounter;
  /** The content, one variable for each block of the page. */
  readonly content: readonly SharedVar<Cells>[];
  /** `page->private`: buffer heads, one for each block, or `null`. */
  readonly buffers: SharedVar<readonly BufferHead[] | null>;
  /** `page->private` of a filesystem on iomap, where a page has several blocks: which are valid, or `null`. */
  readonly iop: SharedVar<IomapPage | null>;
  /** For explanations: where each block was read from, `null` if it was not read from disk. */
  readonly source: (BlockSource | null)[];
  /** A private copy made by a write to a private mapping. */
  readonly anon: boolean;

  /**
   * @param index - Page index it is meant for.
   * @param bornLocked - Locked from the start, as a page about to be inserted is.
   * @param anon - A private copy.
   */
  constructor(index: Pgoff, bornLocked: boolean, anon = false) {
    const blocks = PAGE_SIZE / machine.blockSize;
    this.index = index;
    this.anon = anon;
    this.lock = new PageLock(index, bornLocked, this);
    this.uptodate = new SharedVar('PG_uptodate', false, index);
    this.dirty = new SharedVar('PG_dirty', false, index);
    this.towrite = new SharedVar('PAGECACHE_TAG_DIRTY', false, index);
    this.writeback = new SharedVar('PG_writeback', false, index);
    this.readahead = new SharedVar('PG_readahead', false, index);
    this.error = new SharedVar('PG_error', false, index);
    this.hwpoison = new SharedVar('PG_hwpoison', false, index);
    this.mapping = new SharedVar<AddressSpace | null>('page.mapping', null, index);
    this.refs = new SharedCounter('page._refcount', 1, index);
    this.mapcount = new SharedCounter('page._mapcount', 0, index);
    this.buffers = new SharedVar<readonly BufferHead[] | null>('page.private', null, index);
    this.iop = new SharedVar<IomapPage | null>('page.private', null, index);
    const content: SharedVar<Cells>[] = [];
    for (let block = 0; block < blocks; block++) {
      const variable = new SharedVar<Cells>('page', zeroCells(machine.blockSize), index * blocks + block);
      variable.show = showCells;
      content.push(variable);
    }
    this.content = content;
    this.source = new Array(blocks).fill(null);
    machine.pages.push(this);
  }

  /** Has a filesystem attached anything? As part of the step in progress. @see `page_has_private()` (v5.15) */
  hasPrivate(): boolean {
    return this.buffers.load() !== null || this.iop.load() !== null;
  }

  /** The same, unseen. For assertions and checkers only. */
  peekPrivate(): boolean {
    return this.buffers.peek() !== null || this.iop.peek() !== null;
  }

  /** Read bytes as part of the step in progress. */
  loadBytes(offset: number, length: number): Cells {
    const { blockSize } = machine;
    const bytes: Cell[] = [];
    for (let at = offset; at < offset + length; ) {
      const block = Math.floor(at / blockSize);
      const from = at - block * blockSize;
      const upto = Math.min(blockSize, from + offset + length - at);
      const cells = (this.content[block] as SharedVar<Cells>).load();
      for (let i = from; i < upto; i++) bytes.push(cells[i] as Cell);
      at += upto - from;
    }
    return bytes;
  }

  /** Overwrite bytes as part of the step in progress. */
  storeBytes(offset: number, cells: Cells): void {
    const { blockSize } = machine;
    for (let done = 0; done < cells.length; ) {
      const block = Math.floor((offset + done) / blockSize);
      const from = offset + done - block * blockSize;
      const count = Math.min(blockSize - from, cells.length - done);
      const variable = this.content[block] as SharedVar<Cells>;
      const whole = count === blockSize;
      const patch = cells.slice(done, done + count);
      variable.store(whole ? patch : spliceCells(variable.load(), from, patch));
      done += count;
    }
  }

  /** The whole content, unseen. For checkers and printers only. */
  peekBytes(): Cells {
    return this.content.flatMap((block) => block.peek());
  }
}

/** What every page-table entry holds. */
interface PteFlags {
  /** Stores go through without a fault. */
  readonly write: boolean;
  /** A store went through. */
  readonly dirty: boolean;
}

/** An entry that points to a page of the cache, or to a private copy. */
export interface PagePte extends PteFlags {
  /** The page mapped. */
  readonly page: Page;
}

/** Memory that is a block of a disk, or, in place of a hole, the page of zeroes. @see `pfn_t` (v5.15) */
export interface Pfn {
  /** The disk. */
  readonly bdev: BlockDevice;
  /** The block, or `-1` for the page of zeroes. */
  readonly phys: Phys;
  /** Whose block it was when it was looked up: for checkers. */
  readonly ino: number;
}

/** An entry that points straight to storage: nothing counts it as a reference. @see `pte_devmap()` (v5.15) */
export interface PfnPte extends PteFlags {
  /** What is mapped. */
  readonly pfn: Pfn;
  /** There is none. */
  readonly page?: undefined;
}

/** What a page-table entry holds. */
export type Pte = PagePte | PfnPte;

/** Does an entry point to a page that is counted? @see mm/memory.c `vm_normal_page()` (v5.15) */
export function hasPage(pte: Pte | null): pte is PagePte {
  return pte?.page !== undefined;
}

/** An address space of a process. @see `struct mm_struct` (v5.15) */
export class MmStruct {
  /** `mm->mmap_lock`: shared for faults, exclusive for mmap and munmap. */
  readonly mmapLock: Rwsem;
  /** The mappings, under `mmapLock`. */
  readonly mmap: SharedVar<readonly VmAreaStruct[]>;
  /** Page-table entries by virtual page number; each is changed in one step under its page-table lock. */
  readonly ptes: SharedArray<Pte | null>;

  /** @param key - Distinguishes processes. */
  constructor(key: string | number = '') {
    this.mmapLock = new Rwsem('mm.mmap_lock', key);
    this.mmap = new SharedVar<readonly VmAreaStruct[]>('mm.mmap', [], key);
    this.mmap.show = (vmas) => `${vmas.length} vma`;
    this.ptes = new SharedArray<Pte | null>('pte', () => null, showPte, key);
    machine.mms.push(this);
  }
}

function showPte(pte: Pte | null): string {
  if (pte === null) return 'none';
  const target = hasPage(pte)
    ? `page ${pte.page.index}`
    : pte.pfn.phys < 0
      ? 'zeroes'
      : `block ${pte.pfn.phys}`;
  return `${target}${pte.write ? ' rw' : ' ro'}${pte.dirty ? ' dirty' : ''}`;
}

/** Operations of a mapping. @see `struct vm_operations_struct` (v5.15) */
export interface VmOperations {
  /** Bring in the page that was touched. */
  readonly fault: VmFaultHandler;
  /** Map what is cached around the address, without sleeping. */
  readonly mapPages?: VmMapPages;
  /** A page is about to become writable. */
  readonly pageMkwrite?: VmFaultHandler;
  /** An entry that points straight to storage is about to become writable. */
  readonly pfnMkwrite?: VmFaultHandler;
}

/** A mapping of a file into an address space. @see `struct vm_area_struct` (v5.15) */
export class VmAreaStruct {
  /** The address space. */
  readonly vmMm: MmStruct;
  /** The file; pinned by the mapping. */
  readonly vmFile: File;
  /** First virtual page number. */
  readonly vmStart: number;
  /** Number of pages. */
  readonly nrPages: number;
  /** Page index in the file of the first page. */
  readonly vmPgoff: Pgoff;
  /** `VM_*`; changed only by madvise under mmap_lock. */
  vmFlags: number;
  /** Operations of the filesystem. */
  readonly vmOps: VmOperations;

  /**
   * @param mm - The address space.
   * @param file - The file.
   * @param start - First virtual page number.
   * @param nrPages - Number of pages.
   * @param vmPgoff - First page index in the file.
   * @param flags - `VM_*`.
   * @param vmOps - Operations of the filesystem.
   */
  constructor(
    mm: MmStruct,
    file: File,
    start: number,
    nrPages: number,
    vmPgoff: Pgoff,
    flags: number,
    vmOps: VmOperations,
  ) {
    this.vmMm = mm;
    this.vmFile = file;
    this.vmStart = start;
    this.nrPages = nrPages;
    this.vmPgoff = vmPgoff;
    this.vmFlags = flags;
    this.vmOps = vmOps;
  }
}
