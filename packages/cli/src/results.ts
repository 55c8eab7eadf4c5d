/**
 * The folder of results, `latest` or one for each shard. `run.json` is written again after each check, always whole, so
 * that a run that dies leaves a report; each failure has its text and its token in a file of its own; the journal has
 * all that `--resume` and `fsport merge` need.
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { CheckReport, CheckResult } from '@fsport/conformance';
import { UsageError } from '@fsport/core';
import { runJson } from '@fsport/report';
import { type Finished, Journal, type Journaled, readJournal } from './journal.js';
import { differenceOf, type Plan } from './plan.js';
import { type ShardOf, shardFolder } from './shard.js';

const LATEST = 'latest';
const TIMES = 'check.time';
/** Name of the journal in a folder of results. */
export const JOURNAL = 'journal.jsonl';
const RUN = 'run.json';
const CHECKPOINTS = 'checkpoints';

/** Writes the results of one run. */
export class Results {
  readonly #folder: string;
  readonly #seconds: Map<string, number>;
  #journal: Journal | null = null;

  /**
   * @param folder - The folder of results.
   * @param shard - Which part of a run they are of, `null` for a whole one.
   */
  constructor(folder: string, shard: ShardOf | null) {
    this.#folder = join(folder, shard === null ? LATEST : shardFolder(shard));
    // Shards weigh by what the last whole run took, so that all of them see the same.
    this.#seconds = readTimes(join(folder, LATEST, TIMES));
  }

  /** What each job took the last time it ran, by name. */
  get seconds(): ReadonlyMap<string, number> {
    return this.#seconds;
  }

  /** What the last run has left, `null` if nothing. */
  last(): Journaled | null {
    return readJournal(join(this.#folder, JOURNAL));
  }

  /**
   * Make room for a new run; only the times of the last one are kept. From when its journal is there, it can be resumed.
   *
   * @throws UsageError `BAD_OPTION` if the folder cannot be written.
   */
  begin(plan: Plan): void {
    if (!this.#isOurs()) throw notWritten(`${this.#folder} exists and holds no run`);
    try {
      mkdirSync(this.#folder, { recursive: true });
      this.#journal = Journal.begin(join(this.#folder, JOURNAL), plan);
      for (const name of readdirSync(this.#folder)) {
        if (name !== JOURNAL && name !== TIMES) rmSync(join(this.#folder, name), { recursive: true });
      }
      this.writeTimes();
      this.writeRun([]);
    } catch (error) {
      throw notWritten((error as Error).message);
    }
  }

  /**
   * Go on with a run.
   *
   * @param last - What it left.
   * @param plan - What is to be run now.
   * @throws UsageError `NOT_RESUMABLE` if that is something else.
   */
  goOn(last: Journaled, plan: Plan): void {
    const difference = differenceOf(last.plan, plan);
    if (difference !== null) throw notResumable(difference);
    try {
      this.#journal = Journal.goOn(join(this.#folder, JOURNAL));
    } catch (error) {
      throw notWritten((error as Error).message);
    }
    for (const { job, seconds } of last.finished) if (seconds !== null) this.#seconds.set(job, seconds);
  }

  /** A job has come to its end: from now on it is never run again. */
  keep(finished: Finished): void {
    this.#journal?.add(finished);
    rmSync(this.checkpointOf(finished.job), { force: true });
    if (finished.seconds !== null) this.#seconds.set(finished.job, finished.seconds);
  }

  /** Path of the file in which the search of a job is kept while it runs. */
  checkpointOf(job: string): string {
    return join(this.#folder, CHECKPOINTS, `${encodeURIComponent(job)}.json`);
  }

  /** Nothing follows. */
  end(): void {
    if (this.#journal === null) return;
    this.#journal.close();
    this.writeTimes();
    try {
      rmdirSync(join(this.#folder, CHECKPOINTS));
    } catch {
      // There is none, or an interrupted search is in it.
    }
  }

  /** Write what is known so far. */
  writeRun(results: readonly CheckResult[]): void {
    this.#write(RUN, runJson(results));
  }

  /** Write the times. */
  writeTimes(): void {
    const lines = [...this.#seconds].map(([job, seconds]) => `${job} ${seconds.toFixed(3)}\n`);
    this.#write(TIMES, lines.sort().join(''));
  }

  /**
   * Write a failure.
   *
   * @param report - The check that failed.
   * @param text - The failure in full.
   */
  writeFailure({ result, failure }: CheckReport, text: string): void {
    const path = join(result.fs, result.profile, result.check);
    this.#write(`${path}.full`, `${text}\n`);
    if (failure !== null && failure.token !== '') this.#write(`${path}.token`, `${failure.token}\n`);
  }

  #write(name: string, text: string): void {
    const path = join(this.#folder, name);
    mkdirSync(dirname(path), { recursive: true });
    // A reader never sees half a file.
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  }

  /** Is the folder empty, not there, or one that a run has written? */
  #isOurs(): boolean {
    if (!existsSync(this.#folder)) return true;
    if ([RUN, JOURNAL, `${JOURNAL}.new`, TIMES].some((name) => existsSync(join(this.#folder, name))))
      return true;
    return statSync(this.#folder).isDirectory() && readdirSync(this.#folder).length === 0;
  }
}

function readTimes(path: string): Map<string, number> {
  let text = '';
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    // The first run knows no times.
  }
  const lines = text.split('\n').map((line) => /^(.+) ([\d.]+)$/.exec(line));
  return new Map(lines.flatMap((found) => (found === null ? [] : [[found[1] as string, Number(found[2])]])));
}

function notResumable(why: string): UsageError {
  const advice = 'Repeat what was interrupted, or run without --resume to begin anew.';
  return new UsageError('NOT_RESUMABLE', {}, `The run cannot go on: ${why}. ${advice}`);
}

function notWritten(why: string): UsageError {
  const advice = 'Name another folder with --results.';
  return new UsageError(
    'BAD_OPTION',
    { option: 'results' },
    `The results cannot be written: ${why}. ${advice}`,
  );
}

/**
 * Read the results of the last run.
 *
 * @param folder - The folder of results.
 * @throws UsageError `NO_RUN`.
 */
export function readRun(folder: string): readonly CheckResult[] {
  const path = join(folder, LATEST, RUN);
  let run: { readonly format?: unknown; readonly results?: unknown } | null;
  try {
    run = JSON.parse(readFileSync(path, 'utf8')) as typeof run;
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'There is no' : 'Nobody can read';
    throw noRun(path, `${why} ${path}`);
  }
  if (run?.format === 1 && Array.isArray(run.results)) return run.results as CheckResult[];
  throw noRun(path, `${path} has a format that this version does not read`);
}

function noRun(path: string, what: string): UsageError {
  return new UsageError('NO_RUN', { path }, `${what}. "fsport run" writes it; --results names its folder.`);
}
