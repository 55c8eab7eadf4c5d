/**
 * DAX: files whose bytes are accessed where they are stored, without a page cache.
 *
 * i_pages holds an entry for what is mapped, and its lock is to it what the page lock is to a page. Page-table entries
 * point straight to storage and are no references: whoever frees a block has to unmap it first, keep faults out with a
 * lock of the filesystem, and wait for the devices that use it ({@link daxBreakLayout}).
 *
 * @see fs/dax.c (v5.14, v5.15)
 */
export {
  daxDeleteMappingEntry,
  daxInvalidateMappingEntrySync,
  setDax,
} from './dax/entry.js';
export * from './dax/iomap.js';
export * from './dax/layout.js';
export * from './dax/writeback.js';
