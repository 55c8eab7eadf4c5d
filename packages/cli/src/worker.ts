/** What runs in a worker thread: one job at a time. */
import { readFileSync } from 'node:fs';
import {
  CHECKS,
  type Check,
  type CheckReport,
  type Expected,
  parseExpected,
  runCheck,
  unsearched,
} from '@fsport/conformance';
import type { FileSystemType } from '@fsport/core';
import type { SearchOptions } from '@fsport/explore';
import type { Budgets } from './budgets.js';
import { FloatingTasks } from './floating/tasks.js';
import { type CheckpointFile, KeptSearch } from './kept-search.js';
import { thrownBy } from './thrown.js';

/** A job as it travels to a worker. */
export interface WorkerTask {
  /** URL of the module of the filesystem. */
  readonly module: string;
  /** Path of its expected.json, `null` if it has none. */
  readonly expected: string | null;
  /** Folder of its package. */
  readonly folder: string;
  /** Profile. */
  readonly profile: string;
  /** Check id. */
  readonly check: string;
  /** Strategy and budgets. */
  readonly budgets: Budgets;
  /** Where its search is kept while it is under way. */
  readonly checkpoint: CheckpointFile;
  /** Heartbeats of all jobs, shared with the main thread: 0 before the job begins, then executions and one more. */
  readonly beats: Int32Array;
  /** Index of this job in it. */
  readonly beat: number;
}

/** What comes back. */
export interface WorkerResult {
  /** The report; its `seconds` are left out. */
  readonly report: CheckReport;
  /** Wall-clock time. */
  readonly seconds: number;
}

process.setSourceMapsEnabled(true);

const floatingTasks = new FloatingTasks();
/** Tasks that are never driven, by module of the filesystem. */
const floating = new Map<string, readonly string[]>();

function floatingOf({ module, folder }: WorkerTask): readonly string[] {
  const known = floating.get(module) ?? floatingTasks.in(module, folder);
  floating.set(module, known);
  return known;
}

const expectations = new Map<string, Expected>();

function expectedOf(path: string | null): Expected | null {
  if (path === null) return null;
  const known = expectations.get(path) ?? parseExpected(JSON.parse(readFileSync(path, 'utf8')), path);
  expectations.set(path, known);
  return known;
}

function searchOptions({ budgets, beats, beat }: WorkerTask, kept: KeptSearch): SearchOptions {
  const { strategy, seed, maxExecutions, maxSteps, seconds } = budgets;
  const now = (): number => performance.now();
  const left = seconds === null ? null : seconds - kept.secondsBefore;
  return {
    strategy,
    seed,
    maxExecutions,
    maxSteps,
    ...(left === null ? {} : { now, deadline: now() + left * 1000 }),
    checkpoints: kept,
    progressEvery: 1,
    onProgress: ({ executions }) => Atomics.store(beats, beat, executions + 1),
  };
}

/**
 * Run a job.
 *
 * @returns What was found out; an error of the filesystem itself is a finding.
 * @throws Any other error: it is ours.
 */
export default async function work(task: WorkerTask): Promise<WorkerResult> {
  const { default: fs } = (await import(task.module)) as { default: FileSystemType };
  const check = CHECKS.find(({ id }) => id === task.check) as Check;
  const expected = expectedOf(task.expected);
  const kept = new KeptSearch(task.checkpoint);
  const started = performance.now();
  Atomics.store(task.beats, task.beat, 1);
  const report = runOrExplain(fs, check, expected, task, searchOptions(task, kept));
  return { report, seconds: kept.secondsBefore + (performance.now() - started) / 1000 };
}

function runOrExplain(
  fs: FileSystemType,
  check: Check,
  expected: Expected | null,
  task: WorkerTask,
  options: SearchOptions,
): CheckReport {
  const because = floatingOf(task);
  if (because.length > 0) {
    const message = 'the model creates tasks that are never driven: write "yield*" before the call';
    const failure = { property: 'floating-task', message, because };
    return unsearched(fs, task.profile, check, expected, { verdict: 'fail', reason: null, failure });
  }
  try {
    return runCheck(fs, task.profile, check, expected, options);
  } catch (error) {
    const failure = thrownBy(error, task.folder);
    if (failure === null) throw error;
    return unsearched(fs, task.profile, check, expected, { verdict: 'fail', reason: null, failure });
  }
}
