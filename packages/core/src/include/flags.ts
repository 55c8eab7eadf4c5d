/** Flag constants, with the kernel's names and our own values where only the names matter. */

/** kiocb: direct I/O. @see include/linux/fs.h */
export const IOCB_DIRECT = 1 << 0;
/** kiocb: do not wait for I/O or locks. */
export const IOCB_NOWAIT = 1 << 1;
/** kiocb: do not start any I/O. */
export const IOCB_NOIO = 1 << 2;
/** kiocb: io_uring async buffered read; a page-lock wait queues a callback instead of sleeping. */
export const IOCB_WAITQ = 1 << 3;
/** kiocb: append. */
export const IOCB_APPEND = 1 << 4;
/** kiocb: synchronous data. */
export const IOCB_DSYNC = 1 << 5;

/** pagecache_get_page: return it locked. @see include/linux/pagemap.h */
export const FGP_LOCK = 1 << 0;
/** pagecache_get_page: create it if it is missing. */
export const FGP_CREAT = 1 << 1;
/** pagecache_get_page: for write. */
export const FGP_WRITE = 1 << 2;
/** pagecache_get_page: do not wait for the page lock. */
export const FGP_NOWAIT = 1 << 3;
/** pagecache_get_page: the fault handler does the locking itself. */
export const FGP_FOR_MMAP = 1 << 4;

/** Fault: a write access. @see include/linux/mm_types.h */
export const FAULT_FLAG_WRITE = 1 << 0;
/** Fault: called for page_mkwrite. */
export const FAULT_FLAG_MKWRITE = 1 << 1;
/** Fault: may drop mmap_lock and return VM_FAULT_RETRY. */
export const FAULT_FLAG_ALLOW_RETRY = 1 << 2;
/** Fault: must not drop mmap_lock or wait. */
export const FAULT_FLAG_RETRY_NOWAIT = 1 << 3;
/** Fault: a fatal signal may end the wait. */
export const FAULT_FLAG_KILLABLE = 1 << 4;
/** Fault: second try after a RETRY. */
export const FAULT_FLAG_TRIED = 1 << 5;

/** Fault result: out of memory. */
export const VM_FAULT_OOM = 1 << 0;
/** Fault result: beyond the file or unreadable. */
export const VM_FAULT_SIGBUS = 1 << 1;
/** Fault result: it needed I/O. */
export const VM_FAULT_MAJOR = 1 << 2;
/** Fault result: handled, or please fault again; there is no page. */
export const VM_FAULT_NOPAGE = 1 << 3;
/** Fault result: the page is returned locked. */
export const VM_FAULT_LOCKED = 1 << 4;
/** Fault result: mmap_lock was dropped (unless RETRY_NOWAIT); try again. */
export const VM_FAULT_RETRY = 1 << 5;
/** Fault result: a private copy was made. */
export const VM_FAULT_DONE_COW = 1 << 6;
/** Fault result: killed or not mapped at all. */
export const VM_FAULT_SIGSEGV = 1 << 7;
/** Fault result: the memory of the page is broken. */
export const VM_FAULT_HWPOISON = 1 << 8;
/** Any fault result that ends the access. */
export const VM_FAULT_ERROR = VM_FAULT_OOM | VM_FAULT_SIGBUS | VM_FAULT_SIGSEGV | VM_FAULT_HWPOISON;

/** vma: shared mapping. @see include/linux/mm.h */
export const VM_SHARED = 1 << 0;
/** vma: may be written. */
export const VM_WRITE = 1 << 1;
/** vma: MADV_RANDOM. */
export const VM_RAND_READ = 1 << 2;
/** vma: MADV_SEQUENTIAL. */
export const VM_SEQ_READ = 1 << 3;
/** vma: mlocked. */
export const VM_LOCKED = 1 << 4;

/** fallocate: do not change i_size. @see include/uapi/linux/falloc.h */
export const FALLOC_FL_KEEP_SIZE = 0x01;
/** fallocate: punch a hole. */
export const FALLOC_FL_PUNCH_HOLE = 0x02;
/** fallocate: remove a range and close the gap. */
export const FALLOC_FL_COLLAPSE_RANGE = 0x08;
/** fallocate: zero a range. */
export const FALLOC_FL_ZERO_RANGE = 0x10;
/** fallocate: make room for a range. */
export const FALLOC_FL_INSERT_RANGE = 0x20;
/** fallocate: unshare shared blocks. */
export const FALLOC_FL_UNSHARE_RANGE = 0x40;

/** file: opened for random access (FADV_RANDOM). @see `FMODE_RANDOM` */
export const FMODE_RANDOM = 1 << 0;
/** file: supports IOCB_NOWAIT. @see `FMODE_NOWAIT` */
export const FMODE_NOWAIT = 1 << 1;
/** file: supports IOCB_WAITQ buffered reads. @see `FMODE_BUF_RASYNC` */
export const FMODE_BUF_RASYNC = 1 << 2;

/** posix_fadvise: random access. @see include/uapi/linux/fadvise.h */
export const POSIX_FADV_RANDOM = 1;
/** posix_fadvise: sequential access. */
export const POSIX_FADV_SEQUENTIAL = 2;
/** posix_fadvise: will be needed. */
export const POSIX_FADV_WILLNEED = 3;
/** posix_fadvise: will not be needed. */
export const POSIX_FADV_DONTNEED = 4;
/** posix_fadvise: will be used once. */
export const POSIX_FADV_NOREUSE = 5;
/** posix_fadvise: no special treatment. */
export const POSIX_FADV_NORMAL = 0;

/** madvise: no special treatment. @see include/uapi/asm-generic/mman-common.h */
export const MADV_NORMAL = 0;
/** madvise: random access. @see include/uapi/asm-generic/mman-common.h */
export const MADV_RANDOM = 1;
/** madvise: sequential access. */
export const MADV_SEQUENTIAL = 2;
/** madvise: will be needed. */
export const MADV_WILLNEED = 3;
/** madvise: zap the page-table entries. */
export const MADV_DONTNEED = 4;
/** madvise: punch a hole in the file. */
export const MADV_REMOVE = 9;
/** madvise: fault everything in for reading. */
export const MADV_POPULATE_READ = 22;
/** madvise: fault everything in for writing. */
export const MADV_POPULATE_WRITE = 23;

/** remap_file_range: only if both ranges hold the same. @see include/linux/fs.h */
export const REMAP_FILE_DEDUP = 1 << 0;
/** remap_file_range: fewer bytes will do. @see include/linux/fs.h */
export const REMAP_FILE_CAN_SHORTEN = 1 << 1;

/** iattr: the mode is to change. @see include/linux/fs.h */
export const ATTR_MODE = 1 << 0;
/** iattr: the size is to change. @see include/linux/fs.h */
export const ATTR_SIZE = 1 << 3;
