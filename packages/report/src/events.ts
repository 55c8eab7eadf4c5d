/**
 * What a run tells its reporters. The command emits, every reporter listens; `check` comes in the order of the
 * suite, whatever the number of workers.
 */
import type { CheckReport, CheckResult } from '@fsport/conformance';
import type { EventEmitter } from 'eventemitter3';

/** One check on one filesystem as one profile. */
export interface PlannedCheck {
  /** Short name of the filesystem. */
  readonly fs: string;
  /** Its profile. */
  readonly profile: string;
  /** Check id. */
  readonly check: string;
}

/** What is about to run. */
export interface RunHead {
  /** Filesystem packages, each with one of the profiles it runs as. */
  readonly filesystems: readonly {
    readonly name: string;
    readonly version: string;
    readonly profile: string;
  }[];
  /** Version of `@fsport/core`. */
  readonly core: string;
  /** `process.version`. */
  readonly node: string;
  /** Strategy and budgets, in words. */
  readonly bounds: string;
  /** What is to run, in the order of the suite. */
  readonly checks: readonly PlannedCheck[];
}

/** How far a check is. */
export interface CheckProgress extends PlannedCheck {
  /** Executions so far. */
  readonly executions: number;
  /** Seconds so far. */
  readonly seconds: number;
}

/** How it ended. */
export interface RunTail {
  /** Every result, in the order of the suite. */
  readonly results: readonly CheckResult[];
  /** Checks left out by the user, with the reason. */
  readonly excluded: readonly { readonly check: string; readonly reason: string }[];
  /** Was it interrupted? */
  readonly interrupted: boolean;
  /** Exit status of the command: 0, 1, 2, 4 or 130. */
  readonly status: number;
}

/** The events of a run. */
export interface RunEventTypes {
  /** Once, first. */
  start: [RunHead];
  /** Now and then while a check runs. */
  progress: [CheckProgress];
  /** Once for each check and profile. */
  check: [CheckReport];
  /** Once, last. */
  end: [RunTail];
}

/** The bus of one run. */
export type RunEvents = EventEmitter<RunEventTypes>;
