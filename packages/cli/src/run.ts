/**
 * One run: jobs go to the engine in the order that takes least time, their results come out in the order of the suite.
 * What had finished before, in a run that was interrupted or in shards, is told like everything else and not run again.
 */
import { type CheckResult, refusal } from '@fsport/conformance';
import type { RunEvents, RunHead } from '@fsport/report';
import { keepTrace } from './about-checks.js';
import { type Budgets, budgetsText } from './budgets.js';
import type { Ended, Engine } from './engine.js';
import type { Excluded } from './exclude.js';
import { EXIT, statusOf } from './exit-status.js';
import { InOrder } from './in-order.js';
import { type Job, jobKey, longestFirst } from './jobs.js';
import type { Finished } from './journal.js';
import type { Results } from './results.js';
import { unfinished } from './thread.js';
import { coreVersion } from './versions.js';

/** How to run. */
export interface RunOptions {
  /** Strategy and budgets. */
  readonly budgets: Budgets;
  /** Unexpected verdicts after which the run ends, `null` for no limit. */
  readonly bail: number | null;
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

/** What a run begins with. */
export interface RunStart {
  /** What the user left out, for the report. */
  readonly excluded: readonly Excluded[];
  /** What had finished before. */
  readonly finished: readonly Finished[];
  /** Why a job that has no result has none. */
  readonly missing: (job: Job) => string;
}

/** What is told about a job. */
type Told = Pick<Ended, 'report' | 'trace'>;

/** Runs jobs and tells what comes of them. */
export class Run {
  readonly #jobs: readonly Job[];
  readonly #options: RunOptions;
  readonly #context: RunContext;
  /** By index of the job. */
  readonly #told: Told[] = [];
  readonly #emitted: CheckResult[] = [];
  readonly #inOrder = new InOrder<Told>((told) => this.#emit(told));
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
   * @param start - What it begins with.
   * @param engine - Runs the jobs, `null` if nothing more is to be run.
   * @returns The exit status.
   */
  async run({ excluded, finished, missing }: RunStart, engine: Engine | null): Promise<number> {
    const { events, results, interrupt } = this.#context;
    events.emit('start', this.#head());
    const before = new Map(finished.map((one) => [one.job, one]));
    for (const [index, job] of this.#jobs.entries()) {
      const known = before.get(jobKey(job));
      if (known !== undefined) this.#tell(index, known);
    }
    if (engine !== null) this.#refuse();
    const stop = AbortSignal.any([interrupt, this.#bailed.signal]);
    const order = longestFirst(this.#jobs, results.seconds).filter(
      (index) => this.#told[index] === undefined,
    );
    if (engine !== null && order.length > 0 && !stop.aborted) {
      await engine(
        this.#jobs,
        order,
        {
          ended: (index, how) => this.#ended(index, how),
          running: (index, executions, seconds) => this.#progress(index, executions, seconds),
        },
        stop,
      );
    }
    const complete = this.#emitted.length === this.#jobs.length;
    this.#giveUpTheRest(missing);
    results.writeRun(this.#emitted);
    const interrupted = interrupt.aborted;
    const worst = statusOf(this.#emitted, this.#broken);
    const status = interrupted ? EXIT.interrupted : worst === EXIT.ok && !complete ? EXIT.unknown : worst;
    events.emit('end', { results: this.#emitted, excluded, interrupted, status });
    return status;
  }

  #head(): RunHead {
    const seen = new Map(this.#jobs.map((job) => [`${job.plugin.fs.name} ${job.profile}`, job]));
    const filesystems = [...seen.values()].map(({ plugin, profile }) => {
      return { name: plugin.packageName.replace(/^@fsport\//, ''), version: plugin.version, profile };
    });
    const bounds = budgetsText(this.#options.budgets);
    const checks = this.#jobs.map(({ plugin, profile, check }) => ({
      fs: plugin.fs.name,
      profile,
      check: check.id,
    }));
    return { filesystems, core: coreVersion(), node: process.version, bounds, checks };
  }

  /** Tell about the jobs for which a filesystem does not claim enough: nothing of them is to be run. */
  #refuse(): void {
    for (const [index, { plugin, profile, check }] of this.#jobs.entries()) {
      if (this.#told[index] !== undefined) continue;
      const report = refusal(plugin.fs, profile, check, plugin.expected);
      if (report !== null) this.#ended(index, { report, trace: null, seconds: 0, broken: null });
    }
  }

  /** A job has ended: keep what it found, so that nothing is lost whatever happens next. */
  #ended(index: number, { broken, ...ended }: Ended): void {
    const { results, onBroken } = this.#context;
    if (broken === null) results.keep({ job: jobKey(this.#jobs[index] as Job), ...ended });
    else {
      this.#broken = true;
      onBroken(broken);
    }
    this.#tell(index, ended);
    results.writeRunSometimes(() =>
      this.#told.filter((one) => one !== undefined).map(({ report }) => report.result),
    );
  }

  #tell(index: number, { report, trace, seconds }: Omit<Ended, 'broken'>): void {
    const shown = this.#options.times ? (seconds ?? 0) : 0;
    const told: Told = { report: { ...report, result: { ...report.result, seconds: shown } }, trace };
    this.#told[index] = told;
    this.#inOrder.add(index, told);
  }

  /** Tell about a check, in the order of the suite. After the last unexpected verdict that is allowed nothing counts. */
  #emit(told: Told): void {
    if (this.#bailed.signal.aborted) return;
    this.#publish(told);
    if (told.report.result.ok) return;
    this.#unexpected++;
    if (this.#unexpected === this.#options.bail) this.#bailed.abort();
  }

  /** Keep what there is to say about a check, and tell everybody. */
  #publish({ report, trace }: Told): void {
    const { events, results } = this.#context;
    this.#emitted.push(report.result);
    if (trace !== null) keepTrace(results, report.result, trace);
    events.emit('check', report);
  }

  #progress(index: number, executions: number, seconds: number): void {
    const { plugin, profile, check } = this.#jobs[index] as Job;
    const where = { fs: plugin.fs.name, profile, check: check.id };
    this.#context.events.emit('progress', { ...where, executions, seconds });
  }

  /** Checks of which nothing has been told yet, because the run was ended. */
  #giveUpTheRest(missing: (job: Job) => string): void {
    const bailed = this.#bailed.signal.aborted;
    for (const [index, job] of [...this.#jobs.entries()].slice(this.#emitted.length)) {
      const done = bailed ? undefined : this.#told[index];
      const why = bailed ? 'stopped by --bail' : missing(job);
      this.#publish(done ?? { report: unfinished(job, why), trace: null });
    }
  }
}
