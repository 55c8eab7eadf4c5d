/** What runs in a worker thread: one step of a job at a time. */
import {
  CHECKS,
  type Check,
  type CheckReport,
  type CheckRun,
  concludeCheck,
  type Expected,
  executionsOf,
  readExpected,
  runLeg,
  traceCheck,
  unsearched,
} from '@fsport/conformance';
import type { FileSystemType } from '@fsport/core';
import { Division, type SearchOptions } from '@fsport/explore';
import { traceJson } from '@fsport/report';
import type { Budgets } from './budgets.js';
import type { Ended } from './engine.js';
import { FloatingTasks } from './floating/tasks.js';
import { type CheckpointFile, KeptSearch } from './kept-search.js';
import { thrownBy } from './thrown.js';
import { FIRST, isLeg, type LegEnded, type Step, type WorkEnd } from './work.js';

/** A step of a job as it travels to a worker. */
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
  /** The step. */
  readonly step: Step;
  /** Strategy and budgets. */
  readonly budgets: Budgets;
  /** Where it is kept while it is under way. */
  readonly checkpoint: CheckpointFile;
  /** Heartbeat of the step, shared with the main thread: 0 before it begins, then executions and one more. */
  readonly beat: Int32Array;
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
  const known = expectations.get(path) ?? readExpected(path);
  expectations.set(path, known);
  return known;
}

function searchOptions({ budgets, beat, step }: WorkerTask, kept: KeptSearch): SearchOptions {
  const { strategy, seed, maxExecutions, maxSteps, seconds } = budgets;
  const now = (): number => performance.now();
  const left = seconds === null ? null : seconds - step.seconds - kept.secondsBefore;
  return {
    strategy,
    seed,
    maxExecutions,
    maxSteps,
    ...(left === null ? {} : { now, deadline: now() + left * 1000 }),
    progressEvery: 1,
    onProgress: ({ executions }) => Atomics.store(beat, 0, executions - step.what.spent + 1),
  };
}

/**
 * Run a step.
 *
 * @returns What was found out; an error of the filesystem itself is a finding.
 * @throws Any other error: it is ours.
 */
export default async function work(task: WorkerTask): Promise<WorkEnd> {
  const { default: fs } = (await import(task.module)) as { default: FileSystemType };
  const check = CHECKS.find(({ id }) => id === task.check) as Check;
  const run: CheckRun = { fs, profile: task.profile, check, expected: expectedOf(task.expected) };
  const kept = new KeptSearch(task.checkpoint);
  const started = performance.now();
  Atomics.store(task.beat, 0, 1);
  const ended = endOrExplain(run, task, kept);
  const seconds = kept.secondsBefore + (performance.now() - started) / 1000;
  if ('end' in ended) return { ...ended, seconds };
  const trace = traceOf(run, ended.report);
  return { ...ended, trace, seconds: task.step.seconds + seconds, broken: null };
}

function traceOf({ fs, profile, expected }: CheckRun, { result, failure }: CheckReport): string | null {
  if (failure === null || failure.token === '') return null;
  return traceJson(traceCheck(fs, profile, failure.token, expected), result);
}

type Untimed = Pick<LegEnded, 'end'> | Pick<Ended, 'report'>;

function endOrExplain(run: CheckRun, task: WorkerTask, kept: KeptSearch): Untimed {
  const { fs, profile, check, expected } = run;
  const because = floatingOf(task);
  if (because.length > 0) {
    const message = 'the model creates tasks that are never driven: write "yield*" before the call';
    const failure = { property: 'floating-task', message, because };
    return { report: unsearched(fs, profile, check, expected, { verdict: 'fail', reason: null, failure }) };
  }
  try {
    return endOf(run, task, kept);
  } catch (error) {
    const failure = thrownBy(error, task.folder);
    if (failure === null) throw error;
    return { report: unsearched(fs, profile, check, expected, { verdict: 'fail', reason: null, failure }) };
  }
}

function endOf(run: CheckRun, task: WorkerTask, kept: KeptSearch): Untimed {
  const { what } = task.step;
  const options = searchOptions(task, kept);
  if (!isLeg(what)) return { report: concludeCheck(run, options, what) };
  const end = runLeg(run, options, what, kept);
  if (what.dpor !== null) return { end };
  // Most checks have one leg.
  const division = new Division(executionsOf(run, task.budgets.maxExecutions));
  division.next();
  division.ended(FIRST, end);
  const { outcome } = division;
  return outcome === null ? { end } : { report: concludeCheck(run, options, outcome) };
}
