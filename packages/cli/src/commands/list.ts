/** `fsport list`: checks, one id per line, which `fsport run` takes as they are, also in a file. */
import { Command } from 'commander';
import { discover } from '../discovery.js';
import { EXIT } from '../exit-status.js';
import { type Job, jobsOf } from '../jobs.js';
import { type Selection, select } from '../selection.js';
import { type SelectionFlags, wantedOf, withSelection } from '../selection-options.js';

interface Flags extends SelectionFlags {
  readonly json?: boolean;
}

/** The ids of the checks of jobs, each once, in their order. */
export function idsOf(jobs: readonly Job[]): string {
  const ids = new Set(jobs.map(({ check }) => check.id));
  return [...ids].map((id) => `${id}\n`).join('');
}

/** The checks of a selection for programs: what each is about, and on what it is selected. */
function jsonOf({ filesystems }: Selection): string {
  const checks = [...new Set(filesystems.flatMap((one) => one.checks))].map((check) => {
    const { id, summary, groups, requires, see } = check;
    const on = filesystems.filter((one) => one.checks.includes(check));
    return {
      id,
      summary,
      groups,
      requires,
      see,
      on: on.map(({ plugin, profiles }) => ({ fs: plugin.fs.name, profiles })),
    };
  });
  return `${JSON.stringify({ format: 1, checks }, null, 2)}\n`;
}

/** The command. */
export function listCommand(ended: (status: number) => void): Command {
  const command = new Command('list')
    .description('print the ids of checks; all of them without arguments')
    .option('--json', 'as JSON, with what each check is about and on what it is selected');
  return withSelection(command).action(async (names: string[], flags: Flags) => {
    const plugins = await discover(process.cwd());
    const selection = select(plugins, wantedOf(names, flags), null);
    process.stdout.write(flags.json === true ? jsonOf(selection) : idsOf(jobsOf(selection)));
    ended(EXIT.ok);
  });
}
