/** `fsport merge`: the report of a whole run from the results of its shards. */
import { Command } from 'commander';
import { discover } from '../discovery.js';
import { mergeShards } from '../merging.js';
import { notEmpty } from '../options.js';
import { busOf, REPORTER_OPTION, reportersOf } from '../reporters.js';
import { Results } from '../results.js';
import { Run } from '../run.js';

interface Flags {
  readonly reporter: readonly string[];
  readonly times: boolean;
  readonly results: string;
}

/** The command. */
export function mergeCommand(ended: (status: number) => void): Command {
  return new Command('merge')
    .description('put the results of all shards together and report as if they had been one run')
    .argument('<folders...>', 'folders of shards, such as results/shard-*')
    .option(...REPORTER_OPTION)
    .option('--no-times', 'leave out all times, so that two runs print the same bytes')
    .option('--results <folder>', 'folder of results to write, in place of its last run', notEmpty, 'results')
    .action(async (folders: string[], flags: Flags) => ended(await merge(folders, flags)));
}

async function merge(
  folders: readonly string[],
  { reporter, times, results: folder }: Flags,
): Promise<number> {
  const reporters = reportersOf(reporter);
  const plugins = await discover(process.cwd());
  const { plan, jobs, finished, missing } = mergeShards(folders, plugins);
  const { budgets, bail, excluded } = plan;
  const results = new Results(folder, null);
  results.begin(plan);
  for (const one of finished) results.keep(one);
  const events = busOf(reporters, results, plugins, times);
  const interrupt = new AbortController().signal;
  try {
    const context = { events, results, interrupt, onBroken: () => undefined };
    return await new Run(jobs, { budgets, bail, times }, context).run({ excluded, finished, missing }, null);
  } finally {
    results.end();
  }
}
