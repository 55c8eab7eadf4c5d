/**
 * Kernel releases that the generic code follows. A difference between them is one visible branch.
 *
 * @departs In v3.15, v3.19 and v4.0 the generic code is that of v5.14: what differs is nothing that a filesystem of
 *   those profiles depends on.
 */

/** Releases the model knows. */
export type KernelRelease = 'v3.15' | 'v3.19' | 'v4.0' | 'v5.14' | 'v5.15';

/** All of {@link KernelRelease}, oldest first. */
export const KERNEL_RELEASES: readonly KernelRelease[] = ['v3.15', 'v3.19', 'v4.0', 'v5.14', 'v5.15'];

const FIRST_WITH_INVALIDATE_LOCK = KERNEL_RELEASES.indexOf('v5.15');

const FIRST_WITH_DEVMAP = KERNEL_RELEASES.indexOf('v5.14');

/**
 * Does storage that the processor addresses have a `struct page`, so that devices can use it? Since v4.5.
 *
 * @see mm/gup.c `gup_pte_range()`, include/linux/memremap.h (v5.15)
 */
export function hasDevmapPages(release: KernelRelease): boolean {
  return KERNEL_RELEASES.indexOf(release) >= FIRST_WITH_DEVMAP;
}

/**
 * Does this release have `mapping->invalidate_lock`?
 *
 * @see commit 730633f0b7f9 "mm: Protect operations adding pages to page cache with invalidate_lock"
 */
export function hasInvalidateLock(release: KernelRelease): boolean {
  return KERNEL_RELEASES.indexOf(release) >= FIRST_WITH_INVALIDATE_LOCK;
}
