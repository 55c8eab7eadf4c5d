/** `fsport run`: run checks and report. */
import { availableParallelism } from 'node:os';
import { CHECKS, type Check } from '@fsport/conformance';
import { UsageError } from '@fsport/core';
import { STRATEGIES, type StrategyName } from '@fsport/explore';
import { type RunEvents, raceText, showProgress } from '@fsport/report';
import { Command, Option } from 'commander';
import { EventEmitter } from 'eventemitter3';
import { discover } from '../discovery.js';
import { EXIT } from '../exit-status.js';
import { jobsOf, shuffled } from '../jobs.js';
import { duration, listed, whole } from '../options.js';
import { REPORTERS } from '../reporters.js';
import { Results } from '../results.js';
import { Run } from '../run.js';
import { select } from '../selection.js';
import { type SelectionFlags, wantedOf, withSelection } from '../selection-options.js';
import { textOptions } from '../terminal.js';
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
  readonly times: boolean;
  readonly results: string;
}

/** The command. */
export function runCommand(ended: (status: number) => void): Command {
  const command = new Command('run').description('run checks and report what breaks');
  return withSelection(command)
    .option('-n, --list', 'print the ids of the checks that would run, and run none')
    .option('-R, --reporter <names>', `reports to print: ${Object.keys(REPORTERS).join(', ')}`, replaced, [
      'text',
    ])
    .option('-j, --workers <n>', 'worker threads; changes no result', whole(1, 1024), availableParallelism())
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
    .option('--no-times', 'leave out all times, so that two runs print the same bytes')
    .option('--results <folder>', 'folder of results', 'results')
    .action(async (names: string[], flags: Flags) => ended(await run(names, flags)));
}

/** Names separated by commas instead of the default. */
function replaced(text: string): readonly string[] {
  return listed(text);
}

async function run(names: readonly string[], flags: Flags): Promise<number> {
  const reporters = [...new Set(flags.reporter)].map(reporterOf);
  const selection = select(await discover(process.cwd()), wantedOf(names, flags), 'auto');
  if (flags.list === true) {
    process.stdout.write(idsOf(selection));
    return EXIT.ok;
  }
  const seed = flags.seed ?? (flags.random === true ? Math.floor(Math.random() * MOST_SEED) : 1);
  const ordered = jobsOf(selection);
  const jobs = flags.random === true ? shuffled(ordered, seed) : ordered;
  const results = new Results(flags.results);
  results.begin();
  if (flags.random === true) process.stderr.write(`fsport: random order; -r --seed ${seed} repeats it\n`);

  const events: RunEvents = new EventEmitter();
  if (process.stderr.isTTY === true) showProgress(events, (text) => process.stderr.write(text));
  const text = textOptions(flags.times);
  for (const report of reporters) report(events, (written) => process.stdout.write(written), text);
  keepFailures(events, results);
  const { strategy, maxExecutions, maxSteps, time, bail } = flags;
  const options = {
    workers: flags.workers,
    budgets: { strategy, seed, maxExecutions, maxSteps, seconds: time ?? null },
    bail: bail === true ? 1 : (bail ?? Number.POSITIVE_INFINITY),
    times: flags.times,
  };
  const onBroken = (error: Error): void => {
    process.stderr.write(`fsport: internal error, please report it: ${error.stack ?? error.message}\n`);
  };
  return interruptible((interrupt) => {
    return new Run(jobs, options, { events, results, interrupt, onBroken }).run(selection.excluded);
  });
}

function reporterOf(name: string): (typeof REPORTERS)[string] {
  const reporter = Object.hasOwn(REPORTERS, name) ? REPORTERS[name] : undefined;
  if (reporter !== undefined) return reporter;
  const known = Object.keys(REPORTERS).join(', ');
  throw new UsageError(
    'UNKNOWN_REPORTER',
    { reporter: name },
    `There is no reporter "${name}". There are ${known}.`,
  );
}

/** Write each failure to a file of its own. */
function keepFailures(events: RunEvents, results: Results): void {
  const checks = new Map(CHECKS.map((check) => [check.id, check]));
  events.on('check', (report) => {
    const { result, failure } = report;
    if (failure === null) return;
    const check = checks.get(result.check) as Check;
    results.writeFailure(report, raceText(failure, result, check, { color: false, times: false }));
  });
}

/** Run with a signal that Ctrl-C aborts; a second Ctrl-C ends the process at once. */
async function interruptible(run: (interrupt: AbortSignal) => Promise<number>): Promise<number> {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  process.once('SIGINT', abort);
  process.once('SIGTERM', abort);
  try {
    return await run(controller.signal);
  } finally {
    process.off('SIGINT', abort);
    process.off('SIGTERM', abort);
  }
}
