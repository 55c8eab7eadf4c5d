/** What the kernel did about a failure: shown with it, as fstests shows `_fixed_by_kernel_commit`. */
import { type KernelFix, releaseOf } from '@fsport/core';
import type { CheckRun } from './run.js';
import type { Verdict } from './types.js';

function parts(release: string): readonly number[] {
  return release.slice(1).split('.').map(Number);
}

/** Is one release older than another? */
function older(one: string, other: string): boolean {
  const [a, b] = [parts(one), parts(other)];
  const at = a.findIndex((part, i) => part !== b[i]);
  return at >= 0 && (a[at] as number) < (b[at] as number);
}

/** The commits that fixed what a check finds, each with what brought it to the filesystem. */
function fixesOf({ fs, check }: CheckRun): readonly KernelFix[] {
  return check.fixedBy.flatMap((fix) => [fix, ...(fs.ports ?? []).filter((port) => port.of === fix.kernel)]);
}

/**
 * What is known about the end of a failure, in lines ready to print: the commits that end it, if they do so in this
 * filesystem, or that it does not end.
 *
 * What is declared about later profiles decides. A commit that a profile has which fails all the same is no remedy, nor is
 * one that is younger than the first profile that passes.
 *
 * @param run - The check that failed, the profile under which it did, and what is declared.
 */
export function hintsOf(run: CheckRun): readonly string[] {
  const { fs, profile, check, expected } = run;
  const verdictOf = (one: string): Verdict | null =>
    expected === null ? null : (expected.of(check.id, one)?.verdict ?? 'pass');
  const later = fs.follows.filter((one) => older(releaseOf(profile), releaseOf(one)));
  const still = later.findLast((one) => verdictOf(one) === 'fail');
  const newest = releaseOf(still ?? profile);
  const ended = later.find((one) => older(newest, releaseOf(one)) && verdictOf(one) === 'pass');
  const property = still === undefined ? undefined : expected?.of(check.id, still)?.property;
  const sure = ended !== undefined && expected?.of(check.id, ended) !== null;
  const remedies = fixesOf(run).filter(
    ({ since }) => older(newest, since) && (ended === undefined || !older(releaseOf(ended), since)),
  );
  return [
    ...(still === undefined
      ? []
      : [`${still} is declared to fail too${property === undefined ? '' : `: ${property}`}`]),
    ...remedies.map(({ kernel, title }) => `${sure ? 'fixed by' : 'may be missing'} ${kernel} ("${title}")`),
  ];
}
