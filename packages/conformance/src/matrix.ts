/** Tables over the results of a run. Computed from results, never from expectations. */
import type { Check, CheckResult } from './types.js';

/**
 * Scenarios of the verdict matrix: row -> what it is about. What pages race with is a hole punch, or truncation where no
 * hole can be punched.
 */
export const MATRIX_ROWS: Readonly<Record<string, string>> = {
  pread: 'pread(2) against the invalidator',
  'nowait-read': 'preadv2 RWF_NOWAIT (NOWAIT and NOIO)',
  'uring-nowait-read': 'NOWAIT without NOIO (io_uring): may start readahead',
  willneed: 'fadvise / readahead(2) / madvise WILLNEED',
  'read-fault': 'read fault through a mapping',
  'fault-readahead': 'readahead started by a fault',
  mkwrite: 'write fault / page_mkwrite',
  'buffered-write': 'buffered write',
  writeback: 'flusher',
  truncate: 'truncate against any fill',
  'shift-or-zero': 'collapse, insert, zero range against any fill',
  remap: 'clone, dedupe, copy against mkwrite',
  'read-into-mmap': 'read or write whose buffer is a mapping of the same or another file',
};

/**
 * `race`, `deadlock`, `starvation`, `safe`, `n/a`, `unknown`; several bad ones joined by `+`. A failure that is none of
 * them, such as a broken contract, goes by its own name: it says nothing about the race.
 */
export type CellVerdict = string;

/** The verdict matrix: filesystem x scenario x profile. */
export interface VerdictMatrix {
  /** Version of this shape. */
  readonly format: 1;
  /** Row -> what it is about. */
  readonly rows: Readonly<Record<string, string>>;
  /** Cells by filesystem and row, one entry for each profile. */
  readonly filesystems: Readonly<
    Record<
      string,
      {
        readonly profiles: readonly string[];
        readonly cells: Readonly<Record<string, readonly (CellVerdict | null)[]>>;
      }
    >
  >;
}

const KINDS: Readonly<Record<string, string>> = {
  'stale-data': 'race',
  'persisted-exposure': 'race',
  corruption: 'race',
  'stale-pte': 'race',
  'lost-zeroing': 'race',
  'lost-write': 'race',
  fsck: 'race',
  deadlock: 'deadlock',
  'lock-order': 'deadlock',
  livelock: 'starvation',
};

/** The worst verdict of some results: bad ones first, `safe` only if all of them finished. */
function cellOf(results: readonly CheckResult[]): CellVerdict | null {
  if (results.length === 0) return null;
  const failed = results.filter((result) => result.verdict === 'fail');
  const kinds = new Set(failed.map(({ property }) => KINDS[property ?? ''] ?? property ?? 'unknown'));
  if (kinds.size > 0) return [...kinds].sort().reverse().join('+');
  if (results.some((result) => result.verdict === 'unknown')) return 'unknown';
  if (results.every((result) => result.verdict === 'notrun')) return 'n/a';
  return results.every((result) => result.exhaustive || result.verdict === 'notrun') ? 'safe' : 'unknown';
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}

/**
 * The verdict matrix of a run.
 *
 * @param results - Results, in the order of the run.
 * @param checks - The suite, for the rows that checks belong to.
 */
export function matrixOf(results: readonly CheckResult[], checks: readonly Check[]): VerdictMatrix {
  const byId = new Map(checks.map((check) => [check.id, check]));
  const filesystems: Record<string, VerdictMatrix['filesystems'][string]> = {};
  for (const fs of distinct(results.map((result) => result.fs))) {
    const own = results.filter((result) => result.fs === fs);
    const profiles = distinct(own.map((result) => result.profile));
    const punches = own.some((r) => r.verdict !== 'notrun' && byId.get(r.check)?.requires.punchHole === true);
    const rowsOf = ({ check }: CheckResult): readonly string[] => {
      const { rows = [], rowsWithoutPunch = [] } = byId.get(check) ?? {};
      return punches ? rows : [...rows, ...rowsWithoutPunch];
    };
    const cells = Object.keys(MATRIX_ROWS).map((row) => [
      row,
      profiles.map((profile) => cellOf(own.filter((r) => r.profile === profile && rowsOf(r).includes(row)))),
    ]);
    filesystems[fs] = { profiles, cells: Object.fromEntries(cells) };
  }
  return { format: 1, rows: MATRIX_ROWS, filesystems };
}

/** Fillers against invalidators, for one filesystem. */
export interface PairTable {
  /** Rows. */
  readonly fillers: readonly string[];
  /** Columns. */
  readonly invalidators: readonly string[];
  /** Profiles, side by side in each cell. */
  readonly profiles: readonly string[];
  /** The worst verdict of a pair over its geometries, `null` if none was run. */
  cell(filler: string, invalidator: string, profile: string): CellVerdict | null;
}

/**
 * The table of the generated pairs of one filesystem.
 *
 * @param results - Its results.
 * @param checks - The suite.
 */
export function pairTable(results: readonly CheckResult[], checks: readonly Check[]): PairTable {
  const pairs = new Map(checks.map((check) => [check.id, check.pair]));
  const present = results.filter((result) => (pairs.get(result.check) ?? null) !== null);
  const pairOf = (result: CheckResult): { filler: string; invalidator: string } =>
    pairs.get(result.check) as never;
  return {
    fillers: distinct(present.map((result) => pairOf(result).filler)),
    invalidators: distinct(present.map((result) => pairOf(result).invalidator)),
    profiles: distinct(present.map((result) => result.profile)),
    cell: (filler, invalidator, profile) =>
      cellOf(
        present.filter((result) => {
          const pair = pairOf(result);
          return pair.filler === filler && pair.invalidator === invalidator && result.profile === profile;
        }),
      ),
  };
}
