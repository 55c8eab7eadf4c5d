/**
 * The kernel model: page cache, readahead, truncate, locks, block device, and the tasks that run on them.
 *
 * @packageDocumentation
 */
export * from './block/device.js';
export * from './contracts.js';
export * from './di.js';
export * from './errors.js';
export * from './fs/attr.js';
export * from './fs/buffer.js';
export * from './fs/buffer-read.js';
export * from './fs/buffer-write.js';
export * from './fs/buffer-writeback.js';
export * from './fs/direct-io.js';
export * from './fs/inode.js';
export * from './fs/mpage.js';
export * from './fs/open.js';
export * from './fs/read-write.js';
export * from './fs/remap-range.js';
export * from './fs/sync.js';
export * from './include/errno.js';
export * from './include/flags.js';
export * from './include/fs.js';
export * from './include/highmem.js';
export * from './include/mm-types.js';
export * from './include/page.js';
export * from './include/pagemap.js';
export * from './include/sched/signal.js';
export * from './include/uaccess.js';
export * from './include/units.js';
export * from './include/vm-fault.js';
export * from './include/writeback.js';
export * from './locking/index.js';
export * from './locking/page-lock.js';
export * from './machine.js';
export * from './mm/fadvise.js';
export * from './mm/filemap/fault.js';
export * from './mm/filemap/find-entries.js';
export * from './mm/filemap/invalidate-lock.js';
export * from './mm/filemap/page-cache.js';
export * from './mm/filemap/read.js';
export * from './mm/filemap/write.js';
export * from './mm/internal.js';
export * from './mm/madvise.js';
export * from './mm/memory.js';
export * from './mm/memory-failure.js';
export * from './mm/mmap.js';
export * from './mm/page-writeback.js';
export * from './mm/readahead.js';
export * from './mm/rmap.js';
export * from './mm/truncate.js';
export * from './mm/vmscan.js';
export * from './plugin.js';
export * from './provenance.js';
export * from './release.js';
export * from './sched/index.js';
export * from './trace.js';
