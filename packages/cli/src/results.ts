/**
 * The folder of results. `latest/run.json` is written again after each check, always whole, so that a run that dies
 * leaves a report; each failure has its text and its token in a file of its own.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { CheckReport, CheckResult } from '@fsport/conformance';
import { UsageError } from '@fsport/core';
import { runJson } from '@fsport/report';

const TIMES = 'check.time';

/** Writes the results of one run. */
export class Results {
  readonly #folder: string;
  readonly #seconds: Map<string, number>;

  /** @param folder - The folder of results. */
  constructor(folder: string) {
    this.#folder = join(folder, 'latest');
    this.#seconds = this.#readTimes();
  }

  /** What each job took the last time it ran, by name. */
  get seconds(): ReadonlyMap<string, number> {
    return this.#seconds;
  }

  /**
   * Make room for a new run; only the times of the last one are kept.
   *
   * @throws UsageError `BAD_OPTION` if the folder cannot be written.
   */
  begin(): void {
    if (existsSync(this.#folder) && !existsSync(join(this.#folder, 'run.json'))) {
      throw notWritten(`${this.#folder} exists and holds no run`);
    }
    try {
      rmSync(this.#folder, { recursive: true, force: true });
      mkdirSync(this.#folder, { recursive: true });
      this.writeTimes();
      this.writeRun([]);
    } catch (error) {
      throw notWritten((error as Error).message);
    }
  }

  /** Remember what a job took. */
  took(job: string, seconds: number): void {
    this.#seconds.set(job, seconds);
  }

  /** Write what is known so far. */
  writeRun(results: readonly CheckResult[]): void {
    this.#write('run.json', runJson(results));
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

  #readTimes(): Map<string, number> {
    let text = '';
    try {
      text = readFileSync(join(this.#folder, TIMES), 'utf8');
    } catch {
      // The first run knows no times.
    }
    const lines = text.split('\n').map((line) => /^(.+) ([\d.]+)$/.exec(line));
    return new Map(
      lines.flatMap((found) => (found === null ? [] : [[found[1] as string, Number(found[2])]])),
    );
  }
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
  const path = join(folder, 'latest', 'run.json');
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
