/** `fsport run`: run checks and report. */
import { randomUUID } from 'node:crypto';
import { UsageError } from '@fsport/core';
import { STRATEGIES, type StrategyName } from '@fsport/explore';
import { Command, Option } from 'commander';
import { changedSince } from '../changed.js';
import { discover, type Plugin, type Plugins } from '../discovery.js';
import { EXIT } from '../exit-status.js';
import { interruptible } from '../interruptible.js';
import { type Job, jobKey, jobsOf, shuffled } from '../jobs.js';
import type { Journaled } from '../journal.js';
import { KeptLegFiles } from '../kept-search.js';
import { duration, notEmpty, whole, workersOption } from '../options.js';
import { planOf } from '../plan.js';
import { REDIS, redisOption } from '../queue/address.js';
import type { Queue } from '../queue/open.js';
import { busOf, REPORTER_OPTION, reportersOf } from '../reporters.js';
import { Results, readRun } from '../results.js';
import { Run } from '../run.js';
import { type Selection, select } from '../selection.js';
import { type SelectionFlags, wantedOf, withSelection } from '../selection-options.js';
import { type Shard, type ShardOf, shardOf, shardOption } from '../shard.js';
import { threadsEngine } from '../threads-engine.js';
import { idsOf } from './list.js';

/** The longest schedule that a replay token can hold. */
const MOST_STEPS = 1_000_000;
const MOST_SEED = 2 ** 31 - 1;

interface Flags extends SelectionFlags {
  readonly list?: boolean;
  readonly reporter: readonly string[];
  readonly workers: number;
  readonly random?: boolean;
  readonly strategy: StrategyName;
  readonly seed?: number;
  readonly maxExecutions: number;
  readonly maxSteps: number;
  readonly time?: number;
  readonly bail?: number | true;
  readonly engine: 'threads' | 'bullmq';
  readonly redis?: string;
  readonly shard?: ShardOf;
  readonly resume?: boolean;
  readonly lastFailed?: boolean;
  readonly changed?: string | true;
  readonly times: boolean;
  readonly results: string;
}

/** The command. */
export function runCommand(ended: (status: number) => void): Command {
  const command = new Command('run').description('run checks and report what breaks');
  return withSelection(command)
    .option('-n, --list', 'print the ids of the checks that would run, and run none')
    .option(...REPORTER_OPTION)
    .addOption(workersOption('worker threads; changes no result'))
    .addOption(
      new Option(
        '--engine <name>',
        'threads of this process, or workers that "fsport worker" starts anywhere',
      )
        .choices(['threads', 'bullmq'])
        .default('threads'),
    )
    .option('--redis <url>', `Redis server of the engine bullmq (default: ${REDIS})`, redisOption)
    .option('-r, --random', 'in a random order; prints the seed, which --seed repeats')
    .addOption(
      new Option('--strategy <name>', 'how to explore')
        .choices(['auto', ...Object.keys(STRATEGIES)])
        .default('auto'),
    )
    .option('--seed <n>', 'seed of what is random (default: 1; with -r a new one)', whole(0, MOST_SEED))
    .option('--max-executions <n>', 'executions per check; "unknown" beyond', whole(1), 1_000_000)
    .option('--max-steps <n>', 'steps per execution; a livelock beyond', whole(1, MOST_STEPS), 5_000)
    .option(
      '--time <time>',
      'time per check, such as 30s, 5m or 4h; "unknown" beyond (default: no limit)',
      duration,
    )
    .option('--bail [n]', 'stop after n unexpected verdicts (default: never; without a number: 1)', whole(1))
    .option(
      '--shard <i/n>',
      'run one of n parts, of about equal time; "fsport merge" puts them together',
      shardOption,
    )
    .option('--resume', 'go on with a run that was interrupted or died; begins anew if there is none')
    .addOption(
      new Option('--last-failed', 'only what was not as declared in the last run').conflicts('resume'),
    )
    .option(
      '--changed [commit]',
      'only filesystems whose package differs from a commit (without one: HEAD), or all if fsport does',
      notEmpty,
    )
    .option('--no-times', 'leave out all times, so that two runs print the same bytes')
    .option('--results <folder>', 'folder of results', notEmpty, 'results')
    .action(async (names: string[], flags: Flags) => ended(await run(names, flags)));
}

async function run(names: readonly string[], flags: Flags): Promise<number> {
  if (flags.redis !== undefined && flags.engine !== 'bullmq') {
    throw new UsageError('BAD_OPTION', { option: 'redis' }, '--redis is of no use without --engine bullmq.');
  }
  const reporters = reportersOf(flags.reporter, flags.shard !== undefined);
  const plugins = await discover(process.cwd());
  const selection = narrowed(select(plugins, wantedOf(names, flags), 'auto'), await changed(plugins, flags));
  if (selection === null) {
    process.stderr.write(`fsport: no selected filesystem has changed: there is nothing to run\n`);
    return EXIT.ok;
  }
  const seed = flags.seed ?? (flags.random === true ? Math.floor(Math.random() * MOST_SEED) : 1);
  const ordered = flags.lastFailed === true ? failedOf(jobsOf(selection), flags.results) : jobsOf(selection);
  const jobs = flags.random === true ? shuffled(ordered, seed) : ordered;
  const results = new Results(flags.results, flags.shard ?? null);
  const before = results.last();
  const last = flags.resume === true ? before : null;
  const shard = shardIn(jobs, results, last, flags.shard);
  const mine = shard === null ? jobs : shard.jobs.map((index) => jobs[index] as Job);
  if (flags.list === true) {
    process.stdout.write(idsOf(mine));
    return EXIT.ok;
  }
  const { strategy, maxExecutions, maxSteps, time, times } = flags;
  const budgets = { strategy, seed, maxExecutions, maxSteps, seconds: time ?? null };
  const bail = flags.bail === true ? 1 : (flags.bail ?? null);
  const { excluded } = selection;
  const plan = planOf(jobs, last?.plan.run ?? randomUUID(), { budgets, bail, excluded, shard });
  const queue = flags.engine === 'bullmq' ? await openQueue(flags.redis ?? REDIS) : null;
  try {
    if (last !== null) results.goOn(last, plan);
    else {
      if (before !== null) await queue?.withdraw(before.plan.run);
      results.begin(plan);
    }
    if (flags.random === true) process.stderr.write(`fsport: random order; -r --seed ${seed} repeats it\n`);
    const events = busOf(reporters, results, plugins, times);
    const kept = new KeptLegFiles(({ job }) => results.keptOf(jobKey(job)));
    const engine = queue?.engine(plan, kept) ?? threadsEngine(flags.workers, budgets, kept);
    const start = { excluded, finished: last?.finished ?? [], missing: () => 'interrupted' };
    return await interruptible((interrupt) => {
      const context = { events, results, interrupt, onBroken };
      return new Run(mine, { budgets, bail, times }, context).run(start, engine);
    });
  } finally {
    results.end();
    queue?.close();
  }
}

async function openQueue(url: string): Promise<Queue> {
  const queue = await import('../queue/open.js');
  return queue.openQueue(url);
}

/** The filesystems that have changed, `null` if nobody asks. */
async function changed(plugins: Plugins, flags: Flags): Promise<readonly Plugin[] | null> {
  if (flags.changed === undefined) return null;
  const since = flags.changed === true ? 'HEAD' : flags.changed;
  return changedSince(plugins.all(), since, process.cwd(), flags.results);
}

/** A selection on some filesystems only, `null` if nothing of it is left. */
function narrowed(selection: Selection, plugins: readonly Plugin[] | null): Selection | null {
  if (plugins === null) return selection;
  const filesystems = selection.filesystems.filter(({ plugin }) => plugins.includes(plugin));
  return filesystems.length === 0 ? null : { ...selection, filesystems };
}

/**
 * The jobs whose verdict was not as declared in the last run.
 *
 * @throws UsageError `NO_RUN` if there is none, `NOTHING_SELECTED` if there are no such jobs.
 */
function failedOf(jobs: readonly Job[], folder: string): readonly Job[] {
  const wrong = readRun(folder).filter(({ ok }) => !ok);
  const failed = new Set(wrong.map(({ fs, profile, check }) => `${fs} ${profile} ${check}`));
  const left = jobs.filter((job) => failed.has(jobKey(job)));
  if (left.length > 0) return left;
  const what =
    failed.size === 0 ? 'Every verdict of the last run was as declared' : 'None of them is selected';
  throw new UsageError(
    'NOTHING_SELECTED',
    {},
    `${what}: there is nothing to run again. Leave out --last-failed.`,
  );
}

function onBroken(error: Error): void {
  process.stderr.write(`fsport: internal error, please report it: ${error.stack ?? error.message}\n`);
}

/** The shard that is asked for; a run that goes on keeps its share, whatever the times are now. */
function shardIn(
  jobs: readonly Job[],
  results: Results,
  last: Journaled | null,
  wanted: ShardOf | undefined,
): Shard | null {
  if (wanted === undefined) return null;
  return last?.plan.shard ?? shardOf(jobs, results.seconds, wanted);
}
