/**
 * Kernel releases that the generic code follows. A difference between them is one visible branch.
 *
 * @departs In v3.15 the generic code is that of v5.14: what differs between the two is nothing that a filesystem of
 *   that profile depends on.
 */

/** Releases the model knows. */
export type KernelRelease = 'v3.15' | 'v5.14' | 'v5.15';

/** All of {@link KernelRelease}, oldest first. */
export const KERNEL_RELEASES: readonly KernelRelease[] = ['v3.15', 'v5.14', 'v5.15'];

const FIRST_WITH_INVALIDATE_LOCK = KERNEL_RELEASES.indexOf('v5.15');

/**
 * Does this release have `mapping->invalidate_lock`?
 *
 * @see commit 730633f0b7f9 "mm: Protect operations adding pages to page cache with invalidate_lock"
 */
export function hasInvalidateLock(release: KernelRelease): boolean {
  return KERNEL_RELEASES.indexOf(release) >= FIRST_WITH_INVALIDATE_LOCK;
}
