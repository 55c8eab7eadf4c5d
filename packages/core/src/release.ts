/** Kernel releases that the generic code follows. A difference between them is one visible branch. */

/** Releases the model knows. */
export type KernelRelease = 'v5.14' | 'v5.15';

/** All of {@link KernelRelease}, oldest first. */
export const KERNEL_RELEASES: readonly KernelRelease[] = ['v5.14', 'v5.15'];

/**
 * Does this release have `mapping->invalidate_lock`?
 *
 * @see commit 730633f0b7f9 "mm: Protect operations adding pages to page cache with invalidate_lock"
 */
export function hasInvalidateLock(release: KernelRelease): boolean {
  return release !== 'v5.14';
}
