/** `fsport list`: checks, one id per line, which `fsport run` takes as they are. */
import { Command } from 'commander';
import { discover } from '../discovery.js';
import { EXIT } from '../exit-status.js';
import { type Job, jobsOf } from '../jobs.js';
import { select } from '../selection.js';
import { type SelectionFlags, wantedOf, withSelection } from '../selection-options.js';

/** The ids of the checks of jobs, each once, in their order. */
export function idsOf(jobs: readonly Job[]): string {
  const ids = new Set(jobs.map(({ check }) => check.id));
  return [...ids].map((id) => `${id}\n`).join('');
}

/** The command. */
export function listCommand(ended: (status: number) => void): Command {
  const command = new Command('list').description('print the ids of checks; all of them without arguments');
  return withSelection(command).action(async (names: string[], flags: SelectionFlags) => {
    const plugins = await discover(process.cwd());
    process.stdout.write(idsOf(jobsOf(select(plugins, wantedOf(names, flags), null))));
    ended(EXIT.ok);
  });
}
