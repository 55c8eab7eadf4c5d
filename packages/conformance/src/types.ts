/**
 * What a check is, and what a run says about it. Three parts make a check: who runs (the workload), what
 * must hold (the checkers), what may go wrong (the faults). Bounds are part of the check, never of a token.
 */
import type { Faults, FileSpec, KernelFix, Supports } from '@fsport/core';
import type { Op } from './ops.js';

/** One task of a workload: system calls one after the other. */
export interface TaskSpec {
  /** Its letter in tokens: `r` reader, `p` puncher, ... Unique in the check. */
  readonly letter: string;
  /** What it does. */
  readonly ops: readonly Op[];
  /** Letter of the task whose thread it is: they share memory and open files. Its own process if undefined. */
  readonly threadOf?: string;
}

/** Sizes of the machine a check runs on, bytes unless said otherwise. */
export interface Geometry {
  /** Name: `page`, `partial`, `block`, `eof`. */
  readonly name: string;
  /** Bytes in a page. */
  readonly pageSize: number;
  /** Bytes in a block. */
  readonly blockSize: number;
}

/** What must hold. Names of the checkers in `checkers/`. */
export type CheckerName =
  | 'stale-data'
  | 'persisted-exposure'
  | 'corruption'
  | 'stale-pte'
  | 'lost-zeroing'
  | 'lost-write'
  | 'livelock'
  | 'lock-discipline'
  | 'lock-order'
  | 'refcount'
  | 'fsck';

/** One check. */
export interface Check {
  /** `<area>/<workload>`, for example `pair/pread-vs-punch-hole.page`. */
  readonly id: string;
  /** One sentence: the claim that a pass proves within the bounds. */
  readonly summary: string;
  /** Groups it belongs to. */
  readonly groups: readonly string[];
  /** Claims without which it is not run; with `false`, a claim with which it makes no sense. */
  readonly requires: Supports;
  /** Rows of the verdict matrix it counts for. */
  readonly rows: readonly string[];
  /** Rows it counts for besides where no hole can be punched, and truncation is the invalidator of every row. */
  readonly rowsWithoutPunch?: readonly string[];
  /** Filler and invalidator, for the matrix of a run; `null` for checks that are not pairs. */
  readonly pair: { readonly filler: string; readonly invalidator: string } | null;
  /** Sizes. */
  readonly geometry: Geometry;
  /** Readahead window, pages; 0 is off. */
  readonly raPages: number;
  /** Files on the disk at the start, page cache empty unless `cached` says otherwise. */
  readonly files: readonly FileSpec[];
  /** Set-up operations run one after the other before the tasks start, after the files were made. */
  readonly setUp: readonly Op[];
  /** What stays when a failure is made simpler, by its name in a token: without it, it would be that of another check. */
  readonly keep?: readonly string[];
  /** Who runs. */
  readonly tasks: readonly TaskSpec[];
  /** What must hold. */
  readonly checkers: readonly CheckerName[];
  /** Another check is about the deadlock of these tasks: an execution that ends in one is left to it. */
  readonly deadlockElsewhere?: boolean;
  /** What may go wrong. */
  readonly faults: Faults;
  /** Waiting writers hold new readers back, as an event of their own. */
  readonly fair: boolean;
  /** Commits that fixed what this check finds, shown on failure where they did: see `hintsOf()`. */
  readonly fixedBy: readonly KernelFix[];
  /** Where the interleaving is described. */
  readonly see: string;
}

/** The four verdicts. */
export type Verdict = 'pass' | 'fail' | 'unknown' | 'notrun';

/** One step of a replayed execution, ready to print. */
export interface ShownStep {
  /** Name of the task, as in the token. */
  readonly task: string;
  /** Heading of its column. */
  readonly title: string;
  /** `down_read(mapping.invalidate_lock[12])`. */
  readonly text: string;
  /** Result, empty if there is nothing to say. */
  readonly result: string;
  /** Was another task run next although this one could have gone on? */
  readonly preempted: boolean;
}

/** A failure, ready to print. */
export interface Failure {
  /** The bad thing: `stale-data`. */
  readonly property: string;
  /** Rule of the facts, such as `S-1`; empty for engine findings. */
  readonly rule: string;
  /** One sentence. */
  readonly message: string;
  /** Sentences that say why, with where bytes came from. */
  readonly because: readonly string[];
  /** The schedule, step by step. */
  readonly steps: readonly ShownStep[];
  /** Index of the step at which it showed, `null` if only the end shows it. */
  readonly at: number | null;
  /** Replay token. */
  readonly token: string;
  /** Preemptions of the schedule. */
  readonly preemptions: number;
  /** Execution in which it was found, and by which strategy. */
  readonly found: string;
  /** Bounds after shrinking. */
  readonly bounds: string;
  /** What the kernel did about it, in lines ready to print: see `hintsOf()`. */
  readonly hints: readonly string[];
}

/** What a run says about one check under one profile: one entry of results/latest/run.json. */
export interface CheckResult {
  /** Filesystem type, short: `ext4`. */
  readonly fs: string;
  /** Profile, such as `v5.14`. */
  readonly profile: string;
  /** Check id. */
  readonly check: string;
  /** What was found out. */
  readonly verdict: Verdict;
  /** What expected.json declares, `null` if nothing. */
  readonly expected: Verdict | null;
  /** Does the verdict, and the property of a failure, agree with what is declared? Undeclared: only a pass does. */
  readonly ok: boolean;
  /** The bad thing, `null` unless it failed. */
  readonly property: string | null;
  /** What was covered: sizes, tasks, operations. */
  readonly bounds: string;
  /** Was every interleaving within the bounds explored? */
  readonly exhaustive: boolean;
  /** Executions run to their end. */
  readonly executions: number;
  /** Executions given up as repetitions. */
  readonly blockedExecutions: number;
  /** Preemptions of the failing schedule, `null` unless it failed. */
  readonly preemptions: number | null;
  /** Replay token, `null` unless it failed. */
  readonly token: string | null;
  /** Why it was not run or is unknown, `null` otherwise. */
  readonly reason: string | null;
  /** Wall-clock time. */
  readonly seconds: number;
}

/** A result with everything needed to explain it. */
export interface CheckReport {
  /** The entry for run.json. */
  readonly result: CheckResult;
  /** The failure, `null` unless it failed. */
  readonly failure: Failure | null;
}
