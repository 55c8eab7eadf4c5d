/** Groups that checks can be in; the names are documented here and nowhere else. */

/** Name -> meaning. */
export const GROUPS: Readonly<Record<string, string>> = {
  auto: 'the default: the whole suite of one filesystem in under five minutes',
  quick: 'under a second each',
  named: 'the interleavings that have a name, one by one',
  punch: 'hole punching, zeroing, collapsing and inserting ranges',
  truncate: 'truncation, both ways',
  readahead: 'readahead by reads, faults and advice',
  fault: 'page faults',
  network: 'what lies between a client and its server',
  writeback: 'buffered and direct writes, writeback, fsync',
  lockdep: 'lock order, deadlock, recursion',
  faults: 'with failing I/O or allocations',
};
