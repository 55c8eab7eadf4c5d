/** Which commits of the kernel a failure may be missing. */
import { releaseOf } from '@fsport/core';
import type { Check, KernelFix } from './types.js';

function parts(release: string): readonly number[] {
  return release.slice(1).split('.').map(Number);
}

/** Is one release older than another? */
function older(one: string, other: string): boolean {
  const [a, b] = [parts(one), parts(other)];
  const at = a.findIndex((part, i) => part !== b[i]);
  return at >= 0 && (a[at] as number) < (b[at] as number);
}

/**
 * The commits that fixed what a check finds, and that a profile does not have: what it has cannot be the remedy.
 *
 * @param check - The check.
 * @param profile - The profile under which it failed.
 */
export function hintsOf(check: Check, profile: string): readonly KernelFix[] {
  return check.fixedBy.filter(({ since }) => older(releaseOf(profile), since));
}
