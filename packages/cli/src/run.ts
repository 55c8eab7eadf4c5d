/**
 * One run: jobs go to the pool in the order that takes least time, their results come out in the order of the suite.
 */
import type { CheckReport, CheckResult } from '@fsport/conformance';
import type { RunEvents, RunHead } from '@fsport/report';
import { type Budgets, budgetsText } from './budgets.js';
import type { Excluded } from './exclude.js';
import { EXIT, statusOf } from './exit-status.js';
import { InOrder } from './in-order.js';
import { type Job, jobKey, longestFirst } from './jobs.js';
import { type Ended, runJobs, unfinished } from './pool.js';
import type { Results } from './results.js';
import { coreVersion } from './versions.js';

/** How to run. */
export interface RunOptions {
  /** Number of threads. */
  readonly workers: number;
  /** Strategy and budgets. */
  readonly budgets: Budgets;
  /** Unexpected verdicts after which the run ends. */
  readonly bail: number;
  /** Keep the times of checks in their results? */
  readonly times: boolean;
}

/** What a run works with. */
export interface RunContext {
  /** Where reporters listen. */
  readonly events: RunEvents;
  /** Where results are kept. */
  readonly results: Results;
  /** Aborted when the user interrupts the run. */
  readonly interrupt: AbortSignal;
  /** Told about an error of a worker that is ours. */
  readonly onBroken: (error: Error) => void;
}

/** Runs jobs and tells what comes of them. */
export class Run {
  readonly #jobs: readonly Job[];
  readonly #options: RunOptions;
  readonly #context: RunContext;
  /** By index of the job. */
  readonly #reports: CheckReport[] = [];
  readonly #emitted: CheckResult[] = [];
  readonly #bailed = new AbortController();
  #unexpected = 0;
  #broken = false;

  /**
   * @param jobs - What to run, in the order of the suite.
   * @param options - How.
   * @param context - Where it goes.
   */
  constructor(jobs: readonly Job[], options: RunOptions, context: RunContext) {
    this.#jobs = jobs;
    this.#options = options;
    this.#context = context;
  }

  /**
   * Run.
   *
   * @param excluded - What the user left out, for the report.
   * @returns The exit status.
   */
  async run(excluded: readonly Excluded[]): Promise<number> {
    const { events, results, interrupt } = this.#context;
    events.emit('start', this.#head());
    const inOrder = new InOrder<CheckReport>((report) => this.#emit(report));
    await runJobs(
      this.#jobs,
      longestFirst(this.#jobs, results.seconds),
      this.#options,
      {
        ended: (index, how) => inOrder.add(index, this.#keep(index, how)),
        running: (index, executions, seconds) => this.#progress(index, executions, seconds),
      },
      AbortSignal.any([interrupt, this.#bailed.signal]),
    );
    this.#giveUpTheRest();
    results.writeRun(this.#emitted);
    results.writeTimes();
    const interrupted = interrupt.aborted;
    const status = interrupted ? EXIT.interrupted : statusOf(this.#emitted, this.#broken);
    events.emit('end', { results: this.#emitted, excluded, interrupted, status });
    return status;
  }

  #head(): RunHead {
    const seen = new Map(this.#jobs.map((job) => [`${job.plugin.fs.name} ${job.profile}`, job]));
    const filesystems = [...seen.values()].map(({ plugin, profile }) => {
      return { name: plugin.packageName.replace(/^@fsport\//, ''), version: plugin.version, profile };
    });
    const bounds = budgetsText(this.#options.budgets);
    return { filesystems, core: coreVersion(), node: process.version, bounds, total: this.#jobs.length };
  }

  /** A job has ended: keep what it found, so that nothing is lost whatever happens next. */
  #keep(index: number, { report, seconds, broken }: Ended): CheckReport {
    const { results, onBroken } = this.#context;
    if (broken !== null) {
      this.#broken = true;
      onBroken(broken);
    }
    if (seconds !== null) results.took(jobKey(this.#jobs[index] as Job), seconds);
    const shown = this.#options.times ? (seconds ?? 0) : 0;
    const kept: CheckReport = { ...report, result: { ...report.result, seconds: shown } };
    this.#reports[index] = kept;
    results.writeRun(this.#reports.filter((one) => one !== undefined).map(({ result }) => result));
    return kept;
  }

  /** Tell about a check, in the order of the suite. After the last unexpected verdict that is allowed nothing counts. */
  #emit(report: CheckReport): void {
    if (this.#bailed.signal.aborted) return;
    this.#emitted.push(report.result);
    this.#context.events.emit('check', report);
    if (report.result.ok) return;
    this.#unexpected++;
    if (this.#unexpected >= this.#options.bail) this.#bailed.abort();
  }

  #progress(index: number, executions: number, seconds: number): void {
    const { plugin, profile, check } = this.#jobs[index] as Job;
    const where = { fs: plugin.fs.name, profile, check: check.id };
    this.#context.events.emit('progress', { ...where, executions, seconds });
  }

  /** Checks of which nothing has been told yet, because the run was ended. */
  #giveUpTheRest(): void {
    const bailed = this.#bailed.signal.aborted;
    for (const [index, job] of [...this.#jobs.entries()].slice(this.#emitted.length)) {
      const done = bailed ? undefined : this.#reports[index];
      const report = done ?? unfinished(job, bailed ? 'stopped by --bail' : 'interrupted');
      this.#emitted.push(report.result);
      this.#context.events.emit('check', report);
    }
  }
}
