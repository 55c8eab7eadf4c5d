/** Every filler against every invalidator on every geometry that fits: generated, so that none is forgotten. */
import type { Check, CheckerName } from '../types.js';
import { FILLERS, type Filler } from './fillers.js';
import { PAIR_GEOMETRIES, type PairGeometry } from './geometry.js';
import { INVALIDATORS, type Invalidator } from './invalidators.js';

/** Everything that can be judged. */
export const ALL_CHECKERS: readonly CheckerName[] = [
  'stale-data',
  'corruption',
  'stale-pte',
  'lost-zeroing',
  'lost-write',
  'lock-discipline',
  'lock-order',
  'refcount',
  'fsck',
];

/** The commit of the v5.15 series that every pair may need; what a filesystem has of its own in it is in its `ports`. */
export const SERIES: Check['fixedBy'] = [
  {
    kernel: '730633f0b7f9',
    since: 'v5.15',
    title: 'mm: Protect operations adding pages to page cache with invalidate_lock',
  },
];

function pair(filler: Filler, invalidator: Invalidator, g: PairGeometry): Check {
  return {
    id: `pair/${filler.name}-vs-${invalidator.name}.${g.geometry.name}`,
    summary: `${filler.name} racing ${invalidator.name} of ${g.about} leaves cache, map and disk in agreement.`,
    groups: ['auto', ...new Set([...filler.groups, ...invalidator.groups])],
    requires: {
      ...filler.requires,
      ...invalidator.requires,
      ...(g.geometry.name === 'block' ? { subPageBlocks: true } : {}),
    },
    rows: invalidator.rows(filler.rows),
    ...(invalidator.insteadOfPunch === true ? { rowsWithoutPunch: filler.rows } : {}),
    pair: { filler: filler.name, invalidator: invalidator.name },
    geometry: g.geometry,
    raPages: filler.raPages,
    files: [g.file],
    setUp: filler.setUp?.(g) ?? [],
    tasks: [
      { letter: 'p', ops: [invalidator.op(g)] },
      { letter: filler.letter, ops: filler.ops(g) },
    ],
    checkers: ALL_CHECKERS,
    faults: {},
    fair: false,
    fixedBy: SERIES,
    see: 'Documentation/filesystems/locking.rst, ->fallocate and invalidate_lock (v5.15)',
  };
}

/** All pairs. */
export function pairs(): Check[] {
  return FILLERS.flatMap((filler) =>
    INVALIDATORS.flatMap((invalidator) =>
      PAIR_GEOMETRIES.filter(invalidator.fits).map((g) => pair(filler, invalidator, g)),
    ),
  );
}
