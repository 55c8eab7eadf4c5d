/** The page size of the machine: tiny while exploring, 4096 when compared with a real kernel. */

/** Bytes in a page. Set when a machine boots; a power of two. */
// eslint-disable-next-line @fsport/no-hidden-nondeterminism -- set by each boot
export let PAGE_SIZE = 8;
/** log2 of {@link PAGE_SIZE}. */
// eslint-disable-next-line @fsport/no-hidden-nondeterminism -- set by each boot
export let PAGE_SHIFT = 3;

/**
 * Choose the page size of the machine that boots.
 *
 * @param bytes - A power of two.
 */
export function setPageSize(bytes: number): void {
  PAGE_SIZE = bytes;
  PAGE_SHIFT = Math.log2(bytes);
}
