/**
 * The folder of results: one folder for each run, named by when it began, with a link `latest` to the last one; and one for
 * each shard. `run.json` is written again every few seconds, always whole, so that a run that dies leaves a report; what
 * there is to say about a check is in files of its own; the journal has all that `--resume` and `fsport merge` need.
 */
import {
  appendFileSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { CheckResult } from '@fsport/conformance';
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
const LOG = 'check.log';
/** Name of the folder of a run: when it began, in UTC, and a number if several began in that second. */
const STAMP = /^\d{8}T\d{6}Z(-\d+)?$/;
/** So many runs are kept. */
const KEPT_RUNS = 20;
/** Time between two writes of run.json while a run is under way, at least. */
const RUN_EVERY_MS = 5_000;
/** The part of the time that they take, at most. */
const RUN_SHARE = 0.003;

/** Writes the results of one run. */
export class Results {
  readonly #root: string;
  readonly #whole: boolean;
  #folder: string;
  readonly #seconds: Map<string, number>;
  #journal: Journal | null = null;
  /** When run.json may be written again. */
  #runDue = 0;
  /** Paths of the files that several checks share, by what is in them. */
  readonly #shared = new Map<string, string>();

  /**
   * @param folder - The folder of results.
   * @param shard - Which part of a run they are of, `null` for a whole one.
   */
  constructor(folder: string, shard: ShardOf | null) {
    this.#root = folder;
    this.#whole = shard === null;
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
   * Make room for a new run; of a shard only the times of the last one are kept. From when its journal is there, it can be
   * resumed.
   *
   * @throws UsageError `BAD_OPTION` if the folder cannot be written.
   */
  begin(plan: Plan): void {
    if (!this.#isOurs()) throw notWritten(`${this.#folder} exists and holds no run`);
    try {
      if (this.#whole) this.#folder = this.#newRun();
      mkdirSync(this.#folder, { recursive: true });
      this.#journal = Journal.begin(join(this.#folder, JOURNAL), plan);
      for (const name of readdirSync(this.#folder)) {
        if (name !== JOURNAL && name !== TIMES) rmSync(join(this.#folder, name), { recursive: true });
      }
      this.writeTimes();
      this.writeRun([]);
      if (this.#whole) this.#link();
    } catch (error) {
      throw notWritten((error as Error).message);
    }
  }

  /** A folder for a new run that does not exist yet. */
  #newRun(): string {
    const latest = join(this.#root, LATEST);
    // Nothing but a link is replaced: a folder of that name is kept like the others.
    const found = lstatSync(latest, { throwIfNoEntry: false });
    if (found?.isDirectory() === true) renameSync(latest, this.#unused(found.mtime));
    return this.#unused(new Date());
  }

  #unused(began: Date): string {
    const stamp = `${began.toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
    let path = join(this.#root, stamp);
    for (let nth = 2; existsSync(path); nth++) path = join(this.#root, `${stamp}-${nth}`);
    return path;
  }

  /** Let `latest` be this run, in one go, and forget the oldest of very many. */
  #link(): void {
    const link = join(this.#root, LATEST);
    rmSync(`${link}.new`, { force: true });
    symlinkSync(basename(this.#folder), `${link}.new`, 'dir');
    renameSync(`${link}.new`, link);
    const runs = readdirSync(this.#root).filter((name) => STAMP.test(name));
    const age = (name: string): number => statSync(join(this.#root, name)).mtimeMs;
    const own = basename(this.#folder);
    const others = runs.filter((name) => name !== own).sort((x, y) => age(y) - age(x));
    for (const name of others.slice(KEPT_RUNS - 1)) rmSync(join(this.#root, name), { recursive: true });
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
    const kept = this.keptOf(finished.job);
    // Asked first, because most have none, and to fail takes longer.
    if (existsSync(kept)) rmSync(kept, { recursive: true });
    if (finished.seconds !== null) this.#seconds.set(finished.job, finished.seconds);
  }

  /** Folder in which the search of a job is kept while it runs. */
  keptOf(job: string): string {
    return join(this.#folder, CHECKPOINTS, encodeURIComponent(job));
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
    const began = performance.now();
    this.#write(RUN, runJson(results));
    const ended = performance.now();
    this.#runDue = ended + Math.max(RUN_EVERY_MS, (ended - began) / RUN_SHARE);
  }

  /**
   * Write what is known so far, for who looks on: not after each of thousands of checks, because all of it is written anew.
   * What a run that dies had found out is in its journal.
   */
  writeRunSometimes(results: () => readonly CheckResult[]): void {
    if (performance.now() >= this.#runDue) this.writeRun(results());
  }

  /** Write the times. */
  writeTimes(): void {
    const lines = [...this.#seconds].map(([job, seconds]) => `${job} ${seconds.toFixed(3)}\n`);
    this.#write(TIMES, lines.sort().join(''));
  }

  /**
   * Write a file about a check.
   *
   * @param result - The check.
   * @param kind - What it is, as the name ends: `full`.
   * @param text - What is in it.
   */
  writeAbout(result: CheckResult, kind: string, text: string): void {
    this.#write(nameAbout(result, kind), text);
  }

  /**
   * Write a file about a check with a text that thousands of checks have. It is one file with many names, because a
   * run that makes thousands of files waits for the filesystem more than for them.
   *
   * @param result - The check.
   * @param kind - What it is, as the name ends: `notrun`.
   * @param text - What is in it.
   */
  writeShared(result: CheckResult, kind: string, text: string): void {
    const name = nameAbout(result, kind);
    const path = join(this.#folder, name);
    const first = this.#shared.get(text);
    if (first !== undefined && linked(first, path)) return;
    this.#write(name, text);
    this.#shared.set(text, path);
  }

  /**
   * Where a file about a check is found while no other run follows: the same for every run.
   *
   * @param result - The check.
   * @param kind - What it is, as the name ends: `full`.
   */
  pathAbout(result: CheckResult, kind: string): string {
    return join(this.#whole ? join(this.#root, LATEST) : this.#folder, nameAbout(result, kind));
  }

  /** Add a run that has ended to the log of all runs. */
  log(text: string): void {
    appendFileSync(join(this.#root, LOG), text);
  }

  /** Write a report of the run. */
  writeReport(name: string, text: string): void {
    this.#write(name, text);
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

/** `v5.15/ext4/race/e1-read-vs-punch.full`. */
function nameAbout({ fs, profile, check }: CheckResult, kind: string): string {
  return `${join(profile, fs, check)}.${kind}`;
}

/** Give a file one more name, unless that is taken, its folder is not there, or the filesystem has no more of them. */
function linked(file: string, name: string): boolean {
  try {
    linkSync(file, name);
    return true;
  } catch {
    return false;
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
 * Make sure that results can be written; nothing is left behind.
 *
 * @param folder - The folder of results.
 * @throws UsageError `BAD_OPTION`.
 */
export function mustBeWritable(folder: string): void {
  const probe = join(folder, '.probe');
  try {
    const made = mkdirSync(probe, { recursive: true }) as string;
    writeFileSync(join(probe, 'file'), '');
    rmSync(made, { recursive: true });
  } catch (error) {
    throw notWritten((error as Error).message);
  }
}

/** Has something run that left its results there? */
export function hasRun(folder: string): boolean {
  return existsSync(join(folder, LATEST, RUN));
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
