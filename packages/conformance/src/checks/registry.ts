/** All checks of the suite. */
import { type FileSystemType, type Supports, UsageError } from '@fsport/core';
import picomatch from 'picomatch';
import type { Check } from '../types.js';
import { BDEV } from './bdev.js';
import { BUFFERS } from './buffers.js';
import { DAX } from './dax.js';
import { ERRORS } from './errors.js';
import { EXT2 } from './ext2.js';
import { F2FS } from './f2fs.js';
import { FUSE } from './fuse.js';
import { GFS2 } from './gfs2.js';
import { NAMED } from './named.js';
import { NETWORK } from './network.js';
import { OCFS2 } from './ocfs2.js';
import { pairs } from './pairs.js';
import { REFLINK } from './reflink.js';
import { SHMEM } from './shmem.js';
import { TRIPLES } from './triples.js';
import { ZONEFS } from './zonefs.js';

/** Every check, in the order in which they run and are printed. */
export const CHECKS: readonly Check[] = [
  ...NAMED,
  ...REFLINK,
  ...NETWORK,
  ...EXT2,
  ...DAX,
  ...F2FS,
  ...FUSE,
  ...GFS2,
  ...BDEV,
  ...TRIPLES,
  ...BUFFERS,
  ...ERRORS,
  ...SHMEM,
  ...ZONEFS,
  ...OCFS2,
  ...pairs(),
];

/**
 * The checks of a filesystem: all of them, also those that it does not claim enough for; they are not run, and
 * say why.
 */
export function checksOf(_fs: FileSystemType): readonly Check[] {
  return CHECKS;
}

/**
 * Claims that a check needs and a filesystem does not make, or makes and must not.
 *
 * @returns Names of claims; empty if it can run.
 */
export function missingClaims(fs: FileSystemType, check: Check): readonly (keyof Supports)[] {
  const named = Object.keys(check.requires) as (keyof Supports)[];
  return named.filter((claim) => check.requires[claim] !== (fs.supports[claim] ?? false));
}

/** A named check by its short name: `E1` for `race/e1-...`. */
function byAlias(name: string): Check[] {
  const wanted = name.toLowerCase();
  return CHECKS.filter(
    (check) => check.groups.includes('named') && check.id.split('/')[1]?.split('-')[0] === wanted,
  );
}

/**
 * Checks by id, glob or short name.
 *
 * @param pattern - `pair/pread-vs-*`, `E1`, or an id.
 * @throws UsageError `UNKNOWN_CHECK` if nothing fits.
 */
export function selectChecks(checks: readonly Check[], pattern: string): readonly Check[] {
  const matches = pattern === '' ? (): boolean => false : picomatch(pattern);
  const found = checks.filter((check) => check.id === pattern || matches(check.id));
  if (found.length > 0) return found;
  const named = byAlias(pattern).filter((check) => checks.includes(check));
  if (named.length > 0) return named;
  throw new UsageError(
    'UNKNOWN_CHECK',
    { check: pattern },
    `There is no check "${pattern}". "fsport list" prints all of them; globs such as "pair/pread-*" work.`,
  );
}
