/** Error numbers. Functions return them negated, as the kernel does. @see include/uapi/asm-generic/errno.h */

/** Not permitted. */
export const EPERM = 1;
/** No such thing. */
export const ENOENT = 2;
/** Interrupted. */
export const EINTR = 4;
/** Input/output error. */
export const EIO = 5;
/** Address space refuses. */
export const ENXIO = 6;
/** Would have to wait. */
export const EAGAIN = 11;
/** Out of memory. */
export const ENOMEM = 12;
/** Permission denied. */
export const EACCES = 13;
/** Bad address. */
export const EFAULT = 14;
/** In use. */
export const EBUSY = 16;
/** Already there. */
export const EEXIST = 17;
/** Two filesystems. */
export const EXDEV = 18;
/** Not the same; `EBADE` in the kernel, FILE_DEDUPE_RANGE_DIFFERS to the caller of the ioctl. */
export const EBADE = 52;
/** No such ioctl. */
export const ENOTTY = 25;
/** Not that kind of file. */
export const ENODEV = 19;
/** Bad argument. */
export const EINVAL = 22;
/** File too large. */
export const EFBIG = 27;
/** No space. */
export const ENOSPC = 28;
/** Not supported. */
export const EOPNOTSUPP = 95;
/** The memory page is broken. */
export const EHWPOISON = 133;
/** Needs a block device; also "direct I/O must fall back to buffered" (internal). @see include/linux/errno.h */
export const ENOTBLK = 15;
/** Queued; will call back (internal). */
export const EIOCBQUEUED = 529;

/** The page was truncated; look it up again. Positive, as in the kernel. @see include/linux/fs.h */
export const AOP_TRUNCATED_PAGE = 0x80001;
/** writepage: keep it active (internal). @see include/linux/fs.h */
export const AOP_WRITEPAGE_ACTIVATE = 0x80000;

const NAMES: Readonly<Record<number, string>> = {
  [EPERM]: 'EPERM',
  [ENOENT]: 'ENOENT',
  [EINTR]: 'EINTR',
  [EIO]: 'EIO',
  [ENXIO]: 'ENXIO',
  [EAGAIN]: 'EAGAIN',
  [ENOMEM]: 'ENOMEM',
  [EACCES]: 'EACCES',
  [EFAULT]: 'EFAULT',
  [EBUSY]: 'EBUSY',
  [EEXIST]: 'EEXIST',
  [EXDEV]: 'EXDEV',
  [EBADE]: 'EBADE',
  [ENOTTY]: 'ENOTTY',
  [ENODEV]: 'ENODEV',
  [EINVAL]: 'EINVAL',
  [EFBIG]: 'EFBIG',
  [ENOSPC]: 'ENOSPC',
  [EOPNOTSUPP]: 'EOPNOTSUPP',
  [EHWPOISON]: 'EHWPOISON',
  [ENOTBLK]: 'ENOTBLK',
  [EIOCBQUEUED]: 'EIOCBQUEUED',
};

/**
 * A result as people read it: `-EIO`, never `-5`.
 *
 * @param result - What a kernel function returned.
 */
export function errnoName(result: number): string {
  if (result === AOP_TRUNCATED_PAGE) return 'AOP_TRUNCATED_PAGE';
  const name = NAMES[-result];
  return name === undefined ? String(result) : `-${name}`;
}
