/**
 * Memory of processes: the fault driver, removal of page-table entries, and loads and stores.
 *
 * A load or store walks the page table ({@link userLoad}, {@link userStore}); if it cannot go on, it takes mmap_lock
 * shared and calls {@link handleMmFault}, again and again until it can. Invalidations call
 * {@link unmapMappingRange} and its relatives.
 *
 * @see mm/memory.c (v5.14, v5.15)
 */
export * from './memory/fault.js';
export * from './memory/pte.js';
export * from './memory/unmap.js';
export * from './memory/user-access.js';
